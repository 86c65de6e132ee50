// All training rows by their gradients: direction across, in degrees from the minibatch's own, and length up, as log10. Rows
// without a gradient lie in a strip at the bottom, in the order of their numbers.

import { number } from "./formats.js";
import { turnBetween } from "./spread.js";

/**
 * @typedef {{row: number[], u: number[], v: number[], length: number[]}} Told of all rows, as /api/v1/rows/all
 * @typedef {{row: number, at: number, degrees: number | null, length: number, isOwn: boolean, x: number, y: number}} Point
 * @typedef {{points: Point[], width: number, height: number, low: number, high: number, hasOwn: boolean,
 *   across: (degrees: number) => number, up: (log: number) => number}} Layout
 */

export const EDGE = { left: 46, right: 22, top: 12, bottom: 36, floor: 24 };
const NEAR = 12; // pixels
const NEGLIGIBLE = 1e-6; // of the longest

/** The rows with their places in a canvas of this size; `own`: the minibatch's rows. @param {Told} told @param {Iterable<number>} own @param {number} width @param {number} height @returns {Layout} */
export function scatterLayout(told, own, width, height) {
  const rows = new Set(own);
  const longest = told.length.reduce((most, each) => Math.max(most, each), 0);
  const isZero = (length) => length <= NEGLIGIBLE * longest;
  const seen = told.length.filter((length) => !isZero(length)).map(Math.log10);
  const [least, most] = seen.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [Infinity, -Infinity]);
  const [low, high] = seen.length ? [least - 0.1, most + 0.1] : [-1, 0];
  const from = meanAngle(told, rows);
  const across = (degrees) => EDGE.left + ((degrees + 180) / 360) * (width - EDGE.left - EDGE.right);
  const up = (log) => height - EDGE.bottom - EDGE.floor - ((log - low) / (high - low)) * (height - EDGE.top - EDGE.bottom - EDGE.floor);
  const last = Math.max(1, told.row.length - 1);
  const points = told.row.map((row, at) => {
    const [u, v, length] = [told.u[at], told.v[at], told.length[at]];
    const hasDirection = !isZero(length) && (u !== 0 || v !== 0);
    const degrees = hasDirection ? (turnBetween(from ?? 0, Math.atan2(v, u)) * 180) / Math.PI : null;
    return {
      row, at, degrees, length, isOwn: rows.has(row),
      x: degrees === null ? EDGE.left + (at / last) * (width - EDGE.left - EDGE.right) : across(degrees),
      y: degrees === null ? height - EDGE.bottom - EDGE.floor * (0.25 + 0.5 * ((at * 0.755) % 1)) : up(Math.log10(length)),
    };
  });
  return { points, width, height, low, high, across, up, hasOwn: from !== null };
}

// Of the mean over these rows; null where there is none.
function meanAngle({ row, u, v }, rows) {
  let [x, y, size] = [0, 0, 0];
  row.forEach((each, at) => {
    if (!rows.has(each)) return;
    x += u[at];
    y += v[at];
    size += Math.hypot(u[at], v[at]);
  });
  return Math.hypot(x, y) > NEGLIGIBLE * size ? Math.atan2(y, x) : null;
}

/** The lengths that the axis names: powers of ten, and 2 and 5 between them where these are few. @param {Layout} layout */
export function lengthTicks({ low, high }) {
  const steps = high - low < 2 ? [1, 2, 5] : [1];
  const decades = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, k) => Math.floor(low) + k);
  return decades.flatMap((decade) => steps.map((step) => step * 10 ** decade)).filter((length) => Math.log10(length) >= low && Math.log10(length) <= high);
}

/** The place among the points of the one nearest to (x, y), the minibatch's own first; null if none is near. @param {Layout} layout @param {number} x @param {number} y */
export function pointAt({ points }, x, y) {
  let [best, nearest] = [null, NEAR];
  for (const one of points) {
    const distance = Math.hypot(one.x - x, one.y - y) - (one.isOwn ? 2 : 0);
    if (distance < nearest) [best, nearest] = [one.at, distance];
  }
  return best;
}

/** The next point along an axis ("x" or "y") of the picture. @param {Layout} layout @param {number} at @param {"x" | "y"} axis @param {number} by */
export function nextPoint({ points }, at, axis, by) {
  const order = [...points].sort((a, b) => (axis === "y" ? b.y - a.y : a.x - b.x) || a.at - b.at);
  const place = order.findIndex((one) => one.at === at);
  return order[Math.max(0, Math.min(order.length - 1, place + by))].at;
}

/** "row 12, of this minibatch: gradient 0.0123, 34° from the minibatch's". @param {Point} point @param {boolean} hasOwn */
export function pointWords({ row, degrees, length, isOwn }, hasOwn) {
  const which = `row ${row}${isOwn ? ", of this minibatch" : ""}`;
  if (degrees === null) return `${which}: ${length ? `gradient ${number(length)}, without direction here` : "gradient 0"}`;
  return `${which}: gradient ${number(length)}, ${number(degrees, 3)}° from ${hasOwn ? "the minibatch's" : "the first axis"}`;
}
