// On what share of rows each unit is active, as far as the server has told it.

import { layerOf, unitOf } from "../pure/parameters.js";
import { patience } from "../pure/patience.js";
import { isOutcome, jsonFrom, Refused } from "./api.js";
import { page } from "./state.js";

const activities = new Map(); // run -> {at: which checkpoint, layers: shares per hidden layer or null}
let failures = 0; // in a row

// Share of training rows on which the unit of a hidden parameter is active at the epoch on show; undefined if that is
// not known.
export function shareOf(name, run) {
  const known = activities.get(run.run);
  return known?.at === checkpointOf(run, page.view.epoch) ? known.layers?.[layerOf(name, run)]?.[unitOf(name)] : undefined;
}

// How many training rows that share is of.
export function rowsOf(run) {
  return activities.get(run.run)?.rows ?? "";
}

function checkpointOf({ run: name, stamp }, epoch) {
  return `${name}/${epoch}#${stamp}`;
}

// Learns the activities of a checkpoint; `onKnown` when there is something new to say, or to ask again.
export async function learnActivity(run, epoch, onKnown) {
  const at = checkpointOf(run, epoch);
  const before = activities.get(run.run);
  if (before?.at === at) return;
  const asked = { at, layers: null, rows: null };
  activities.set(run.run, asked);
  try {
    const { layers, num_rows: rows } = await jsonFrom(`api/v1/activity/${run.run}/${epoch}`);
    Object.assign(asked, { layers, rows });
    failures = 0;
  } catch (error) {
    if (!isOutcome(error)) throw error;
    if (error instanceof Refused) return;
    setTimeout(() => {
      if (activities.get(run.run) === asked) activities.delete(run.run);
      onKnown();
    }, patience(++failures, error.seconds));
    return;
  }
  if (activities.get(run.run) === asked) onKnown();
}
