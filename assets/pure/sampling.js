// The sampling ellipse at the checkpoint: where 95 % of other minibatches' arrows would end. gradviz/drawing/sampling.py says
// the same, and tests/fixtures/sampling.json holds both.

import { percent } from "./formats.js";
import { angleOf, disc, dots, filled, heads, line } from "./strokes.js";

/**
 * @typedef {{num_rows: number, of_rows: number, u: number, v: number, uu: number, uv: number, vv: number}} Sampling of minibatches of
 *   `num_rows` of `of_rows` rows: the mean of their gradients, and its variances and covariance
 */

const LEVEL = 0.95;
const WITHIN = -2 * Math.log(1 - LEVEL); // (g - mean)' C⁻¹ (g - mean) of two normal numbers is no larger in this share of the cases
const CORNERS = 181;
const ROUNDING = 1e-12;

/** The ellipse's radii along its axes and these, the longer one first. @param {Sampling} told */
function axesOf({ uu, uv, vv }) {
  const [middle, half] = [(uu + vv) / 2, (uu - vv) / 2];
  const [apart, angle] = [Math.hypot(half, uv), Math.atan2(uv, half) / 2];
  const radii = [middle + apart, Math.max(0, middle - apart)].map((variance) => Math.sqrt(WITHIN * variance));
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [{ radius: radii[0], u: c, v: s }, { radius: radii[1], u: -s, v: c }];
}

/** Gradients on the border, from the end of the longer axis round to there again. @param {Sampling} told @returns {[number, number][]} */
export function outline(told, corners = CORNERS) {
  const [long, short] = axesOf(told);
  return Array.from({ length: corners }, (_, k) => {
    const turn = (2 * Math.PI * k) / (corners - 1);
    const [a, b] = [long.radius * Math.cos(turn), short.radius * Math.sin(turn)];
    return [told.u + a * long.u + b * short.u, told.v + a * long.v + b * short.v];
  });
}

/** Whether a gradient lies in the ellipse. @param {Sampling} told @param {[number, number]} gradient */
export function isWithin(told, [x, y]) {
  const axes = axesOf(told);
  const least = ROUNDING * Math.hypot(told.u, told.v, axes[0].radius, axes[1].radius);
  const share = axes.reduce((sum, { radius, u, v }) => {
    const along = Math.abs((x - told.u) * u + (y - told.v) * v);
    return sum + (along > least ? (along / Math.max(radius, least)) ** 2 : 0);
  }, 0);
  return share <= 1;
}

/** Degrees by which a gradient in the ellipse differs from the mean of all rows at most; null if it holds 0. @param {Sampling} told */
export function largestTurn(told) {
  if (isWithin(told, [0, 0])) return null;
  const { u, v } = told;
  return (180 / Math.PI) * Math.max(...outline(told).map(([a, b]) => Math.abs(Math.atan2(u * b - v * a, u * a + v * b))));
}

/** @param {Sampling} told */
export function samplingSentence(told) {
  const { num_rows: rows, of_rows: all, u, v, uu, vv } = told;
  if (!(u || v || uu || vv)) return `The gradient of each of ${all} rows is zero at ○, and that of any minibatch of them.`;
  const turn = largestTurn(told);
  const how = turn === null ? ", which holds 0: any direction" : `: up to ${Math.floor(turn + 0.5)}° from their mean`;
  return `${percent(LEVEL)} of minibatches of ${rows} of ${all} rows, drawn without replacement, lie in the ellipse${how}.`;
}

/** The largest gradient that is drawn: on the border, the mean, or the picture's own. @param {Sampling} told @param {[number, number] | null} own */
export function longestOf(told, own) {
  return Math.max(...outline(told).map(([u, v]) => Math.hypot(u, v)), Math.hypot(told.u, told.v), own ? Math.hypot(...own) : 0);
}

/** Where the arrow of a gradient from the checkpoint ends, the longest as far as `radius`. @param {[number, number]} gradient @returns {[number, number]} */
export function tipOf([u, v], { radius, longest, exponent, sign }) {
  const size = Math.hypot(u, v);
  const scale = size > 0 ? (sign * radius * (size / longest) ** exponent) / size : 0;
  return [scale * u, scale * v];
}

/** The ellipse, the mean of all rows as a dot, and the picture's own arrow, on a disc. @param {Sampling} told @param {[number, number] | null} own */
export function samplingStrokes(told, own, lengths, { paper, centre, chosen }) {
  if (!lengths.longest) return [];
  const columns = (places) => [places.map(([x]) => x), places.map(([, y]) => y)];
  const border = columns(outline(told).map((gradient) => tipOf(gradient, lengths)));
  const strokes = [disc(1.08 * lengths.radius, paper, 0.82)];
  if (lengths.exponent > 0) strokes.push(filled(border[0], border[1], centre, 0.16)); // where all are as long, the border is an arc
  strokes.push(line(border[0], border[1], centre, { width: 1.5 }));
  const [meanX, meanY] = tipOf([told.u, told.v], lengths);
  strokes.push(dots([meanX], [meanY], centre, { size: 5 }));
  if (own) {
    const [x, y] = tipOf(own, lengths);
    strokes.push(line([0, x], [0, y], chosen, { width: 2 }), heads([x], [y], [angleOf(x, y)], chosen, { size: 9 }));
  }
  return strokes;
}
