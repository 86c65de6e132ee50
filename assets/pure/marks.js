// What lies in a plane along directions (`told` by gradviz/compute/plane.py): the run's recorded checkpoints by their
// projections, and the gradients of its minibatches. What lies outside is told, never drawn as if it were within.

import { crossingsOf, isInside } from "./clipping.js";
import { percentOf, number } from "./formats.js";
import { reachOf } from "./plane.js";
import { dots, heads, line } from "./strokes.js";

/**
 * @typedef {{epoch: number, x: number, y: number, distance: number}} Mark `distance`: from the plane, over all parameters
 * @typedef {{x: {length: number}, checkpoints: Mark[], variance_share: number | null,
 *   minibatches: {minibatch: number, u: number, v: number, share: number | null}[]}} Told
 */

const [FAINTEST, FIRMEST] = [0.22, 1];
const [SMALLEST, LARGEST] = [3.5, 6.5]; // pixels

/** Projections, in the units of the axes: `outside` is what is left of a mark's distance from the checkpoint, `held` the share of it within. @param {Told} told */
function projections({ x: { length }, checkpoints }) {
  return checkpoints.map(({ epoch, x, y, distance }) => {
    const [within, outside] = [Math.hypot(x, y), distance / length];
    return { epoch, x, y, outside, held: within + outside > 0 ? within / Math.hypot(within, outside) : 1 };
  });
}

/**
 * The recorded checkpoints, the smaller and the fainter the less of their way lies in the plane; the path between them as its
 * projection, with a triangle where it leaves the drawn part.
 * @param {Told} told @param {number} epoch on show @param {number} halfWidth @param {number} points
 * @param {{centre: string, paper: string}} palette
 */
export function markStrokes(told, epoch, halfWidth, points, { centre, paper }) {
  const marks = projections(told);
  if (marks.length < 2) return [];
  const reach = reachOf(halfWidth, points);
  const now = marks.findIndex((mark) => mark.epoch === epoch);
  const [past, future] = [marks.slice(0, now + 1), marks.slice(Math.max(0, now))];
  const columns = (places) => [places.map(({ x }) => x), places.map(({ y }) => y)];
  const inside = marks.filter((mark) => isInside(mark, reach));
  const crossings = crossingsOf(marks, reach);
  const strokes = [line(...columns(marks), paper, { width: 3, opacity: 0.6 })];
  if (future.length > 1) strokes.push(line(...columns(future), centre, { width: 1, opacity: 0.4, dashed: true }));
  if (past.length > 1) strokes.push(line(...columns(past), centre, { width: 1, opacity: 0.5 }));
  strokes.push({
    ...dots(...columns(inside), centre, { texts: inside.map(markText) }),
    sizes: inside.map(({ held }) => between(SMALLEST, LARGEST, held)), opacities: inside.map(({ held }) => between(FAINTEST, FIRMEST, held)),
  });
  if (crossings.length) strokes.push(heads(...columns(crossings), crossings.map(({ angle }) => angle), centre, { opacity: 0.7 }));
  return strokes;
}

function between(low, high, share) {
  return low + share * (high - low);
}

function markText({ epoch, x, y, outside }) {
  return `epoch ${epoch}, projected to (${number(x)}, ${number(y)})<br>${number(outside)} outside the plane`;
}

/** How much of the path the plane holds, and what lies elsewhere. @param {Told} told @param {number} halfWidth @param {number} points */
export function markSentence(told, halfWidth, points) {
  const marks = projections(told);
  if (marks.length < 2) return "Only one checkpoint is recorded: there is no path.";
  const farthest = marks.reduce((a, b) => (b.outside > a.outside ? b : a));
  const beyond = marks.filter((mark) => !isInside(mark, reachOf(halfWidth, points))).length;
  const held = told.variance_share === null ? "" : `; the plane holds ${percentOf(told.variance_share)} of their variance`;
  const far = farthest.outside > 1e-6 ? `; the fainter, the farther outside (epoch ${farthest.epoch}: ${number(farthest.outside)})` : "";
  const rest = beyond ? ` ${beyond} ${beyond > 1 ? "lie" : "lies"} beyond the drawn part (triangles).` : "";
  return `Dots: ${marks.length} checkpoints, projected${held}${far}.${rest}`;
}

/** The minibatches' gradients in the plane, as frames of one point by minibatch. @param {Told} told @returns {Map<number, any>} */
export function rayFrames({ minibatches }) {
  return new Map(minibatches.map(({ minibatch, u, v, share }) => [minibatch, {
    index: minibatch, points: 1, u: [u], v: [v], loss: [0], isZero: [share === null ? 1 : 0], zeroReason: [0], num_rows: 0, facts: [],
  }]));
}

/** How much of these gradients the plane holds. @param {Told} told */
export function raySentence({ minibatches }) {
  const shares = minibatches.flatMap(({ share }) => (share === null ? [] : [share]));
  if (!shares.length) return "";
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map(percentOf);
  return `The plane holds ${least === most ? least : `${least.replace(/ %$/, "")} to ${most}`} of their lengths.`;
}
