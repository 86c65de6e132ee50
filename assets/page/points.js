// How many points a side the grids of the view have: one number for all pictures, so that they can be compared.

import { hasDirections } from "../pure/axes.js";
import { coarserFirst, defaultPoints, fieldSeconds, secondsWords } from "../pure/estimate.js";
import { costs } from "../pure/look.js";
import { drawsMasks, hasSizes, numRows, page, shownRuns } from "./state.js";

/** As chosen, or by what the planes along directions cost. */
export function gridPoints() {
  const { view } = page;
  if (view.points) return view.points;
  const planes = view.view === "explore" ? [{ x: view.x_a, y: view.y_a }, { x: view.x_b, y: view.y_b }] : [{ x: view.x_a, y: view.y_a }];
  if (!planes.some(hasDirections)) return costs.points;
  return Math.min(...shownRuns().map((name) => defaultPoints(page.runs[name]?.seconds_per_point, askedOf(name, costs.points))));
}

/** Which coarser grids are asked for before a field of a run. @param {string} name @param {{x: string, y: string}} plane @param {number} points */
export function coarserOf(name, plane, points) {
  return hasDirections(plane) ? coarserFirst(fieldSeconds(page.runs[name]?.seconds_per_point, askedOf(name, points)), points) : [];
}

function askedOf(name, points) {
  const { masks, mode } = page.view;
  const isRandom = mode === "train" && drawsMasks(name);
  return { points, minibatch_size: numRows(name), masks, isRandom, hasSizes: Boolean(page.runs[name]) && hasSizes(name) };
}

/** One sentence where the grid is smaller than usual, because nobody has chosen it; else "". @param {{run: string, epochs: any}} plan */
export function fewerSentence({ run, epochs: { selection } }) {
  const { points, fewer_points } = costs;
  if (page.view.points || Number(selection.points) !== fewer_points) return "";
  const seconds = fieldSeconds(page.runs[run]?.seconds_per_point, askedOf(run, points));
  return `${fewer_points} × ${fewer_points} points, because ${points} × ${points} ${seconds > costs.long_seconds ? `take about ${secondsWords(seconds)}` : "of a picture beside it take long"}: choose them under Grid.`;
}
