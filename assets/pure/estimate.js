// How long planes along directions take, about, and what follows: the formulas of gradviz/compute/estimate.py and
// gradviz/landscape/replay/coarser.py; tests/fixtures/estimates.json holds both.

import { costs } from "./look.js";

/** @typedef {{points: number, minibatch_size: number, masks: string, isRandom: boolean, hasSizes: boolean}} Asked `hasSizes`: minibatches of several sizes can be made */

/** Seconds of a whole field, of a run that the server tells `seconds_per_point` of. @param {number | null | undefined} perPoint @param {Asked} asked */
export function fieldSeconds(perPoint, { points, minibatch_size, masks, isRandom, hasSizes }) {
  const sets = isRandom && masks === "averaged" ? costs.sets_of_masks : 1;
  const rows = hasSizes ? Math.max(1, minibatch_size / costs.rows) : 1;
  return (perPoint ?? 0) * points ** 2 * sets * rows;
}

/** The points a side of a grid that nobody has chosen. @param {number | null | undefined} perPoint @param {Asked} asked */
export function defaultPoints(perPoint, asked) {
  const { points, fewer_points, long_seconds } = costs;
  return fieldSeconds(perPoint, { ...asked, points }) > long_seconds ? fewer_points : points;
}

/** The points a side of the coarser grids that lie in one of `points`, ascending. @param {number} points */
export function coarserSizes(points) {
  const [first, ...rest] = costs.coarse_sizes;
  const within = [first, ...rest].filter((size) => size < points && (points - 1) % (size - 1) === 0);
  return within[0] === first || points <= first ? within : [3, ...within];
}

/** Which of them are asked for before a field that takes so long. @param {number} seconds @param {number} points */
export function coarserFirst(seconds, points) {
  return seconds > costs.slow_seconds ? coarserSizes(points) : [];
}

/** How long something takes, where that is long; else nothing. @param {number | undefined} seconds */
export function longWords(seconds) {
  return seconds && seconds > costs.told_seconds ? secondsWords(seconds) : "";
}

/** "12 s" or "3 min", with two digits. @param {number} seconds */
export function secondsWords(seconds) {
  return seconds < 100 ? `${Number(seconds.toPrecision(2))} s` : `${Number((seconds / 60).toPrecision(2))} min`;
}
