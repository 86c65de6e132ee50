// Where a unit is dead, the nearest pair of live ones: of the same layers, by what the server tells of their units.

import { aliveOf, nearestLive } from "../pure/live.js";
import { layerOf } from "../pure/parameters.js";
import { isOutcome, jsonFrom } from "../page/api.js";
import { conductor } from "../page/conductor.js";
import { showNotices } from "../page/notices.js";
import { minibatchSize, page } from "../page/state.js";

/** Shows it in the place of a plan's pair, at the checkpoint on show; says so where there is none. @param {import("../page/plans.js").Plan} plan @param {string} side */
export async function showNearestLive({ run, network, x, y }, side) {
  const { epoch, mode, run: shown } = page.view;
  const isStillThere = () => page.view.run === shown && page.view[`x_${side}`] === x && page.view[`y_${side}`] === y;
  try {
    const [xs, ys] = await Promise.all([x, y].map((name) => aliveUnits(run, network, layerOf(name, network), epoch, mode)));
    if (!isStillThere()) return; // the reader has gone on
    const first = nearestLive(x, xs);
    const second = first && nearestLive(y, ys, first);
    if (!second) return void showNotices([`At epoch ${epoch} no two units of this layer are alive.`], "picker");
    conductor.choose({ [`x_${side}`]: first, [`y_${side}`]: second });
  } catch (error) {
    if (!isOutcome(error)) throw error;
    showNotices([error.message], "picker");
  }
}

async function aliveUnits(run, network, layer, epoch, mode) {
  const number = network.layers.findIndex(({ value }) => value === layer);
  const asked = new URLSearchParams({ minibatch_size: `${minibatchSize(run)}`, mode });
  return aliveOf(await jsonFrom(`api/v1/units/${run}/${epoch}/${number}?${asked}`));
}
