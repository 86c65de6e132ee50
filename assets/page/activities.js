// On what share of rows each unit is active, as far as the server has told it.

import { patience } from "../pure/patience.js";
import { isOutcome, jsonFrom, Refused } from "./api.js";
import { page } from "./state.js";

const activities = new Map(); // variant -> {at: which checkpoint, layers: shares per hidden layer or null}
let failures = 0; // in a row

// Share of training rows on which the unit of a hidden parameter is active at the epoch on show; undefined if that is
// not known.
export function shareOf(name, run) {
  const match = /^hidden\.(\d+)\.\w+\.\w+\[(\d+)/.exec(name);
  const known = activities.get(run.variant);
  return match && known?.at === checkpointOf(run, page.view.epoch) ? known.layers?.[match[1]]?.[match[2]] : undefined;
}

// How many training rows that share is of.
export function rowsOf(run) {
  return activities.get(run.variant)?.rows ?? "";
}

function checkpointOf({ variant, stamp }, epoch) {
  return `${variant}/${epoch}#${stamp}`;
}

// Learns the activities of a checkpoint; `onKnown` when there is something new to say, or to ask again.
export async function learnActivity(run, epoch, onKnown) {
  const at = checkpointOf(run, epoch);
  const before = activities.get(run.variant);
  if (before?.at === at) return;
  const asked = { at, layers: null, rows: null };
  activities.set(run.variant, asked);
  try {
    const { layers, num_rows: rows } = await jsonFrom(`api/v1/activity/${run.variant}/${epoch}`);
    Object.assign(asked, { layers, rows });
    failures = 0;
  } catch (error) {
    if (!isOutcome(error)) throw error;
    if (error instanceof Refused) return;
    setTimeout(() => {
      if (activities.get(run.variant) === asked) activities.delete(run.variant);
      onKnown();
    }, patience(++failures, error.seconds));
    return;
  }
  if (activities.get(run.variant) === asked) onKnown();
}
