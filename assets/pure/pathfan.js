// The paths of replicas in the plane of their ends, as far as a point of the way: strokes for views/brush.js, and which path lies
// where.

import { dots, line } from "./strokes.js";

/** @import { Paths } from "./paths.js" */
/** @typedef {{condition: string, replica: number, way: number[][]}} Member `condition` "" for the run's own path */
/** @typedef {{x: (value: number) => number, y: (value: number) => number, unit: number, corner: number[]}} Plane from coordinates to pixels; `unit`: pixels of 1; `corner`: the coordinates of the lower left one */

const BAR_MARGIN = 10; // pixels
const NEAR = 12; // pixels within which the pointer means a point

/** The run's own path, then those of all replicas. @param {Paths} paths @returns {Member[]} */
export function members({ recorded, conditions }) {
  const replicas = Object.entries(conditions).flatMap(([condition, { ways }]) => ways.map((way, replica) => ({ condition, replica, way })));
  return [{ condition: "", replica: 0, way: recorded.way }, ...replicas];
}

/** A plane of one unit in which all ways have room. @param {Paths} paths @param {{width: number, height: number}} size @returns {Plane} */
export function planeFor(paths, { width, height }, margin = 22) {
  const points = members(paths).flatMap(({ way }) => way);
  const [across, up] = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis] ?? 0);
    return { low: Math.min(...values), high: Math.max(...values) };
  });
  const unitOf = (size, { low, high }) => (high > low ? Math.max(1, size - 2 * margin) / (high - low) : Infinity);
  const unit = Math.min(unitOf(width, across), unitOf(height, up), Number.MAX_VALUE);
  const [midX, midY] = [across, up].map(({ low, high }) => (low + high) / 2);
  return { x: (value) => width / 2 + unit * (value - midX), y: (value) => height / 2 - unit * (value - midY), unit, corner: [midX - width / 2 / unit, midY - height / 2 / unit] };
}

/** A length that a bar in the lower left corner shows: 1, 2 or 5 times a power of ten, of 40 to 100 pixels; null where nothing has a length. @param {Plane} plane */
export function barLength({ unit }) {
  if (unit >= Number.MAX_VALUE) return null;
  const most = 100 / unit;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * [5, 2, 1].find((times) => times * power <= most);
}

/** @param {Plane} plane @param {any} palette */
export function barStrokes(plane, palette) {
  const length = barLength(plane);
  if (length === null) return [];
  const { unit, corner: [left, low] } = plane;
  const [from, up] = [left + BAR_MARGIN / unit, low + BAR_MARGIN / unit];
  return [line([from, from + length], [up, up], palette.ink, { width: 2 })];
}

/**
 * Ways up to a point (0 is the checkpoint), with a dot at each end. @param {Paths} paths @param {number} point @param {any} palette
 * @param {{condition: string, replica: number, step: number} | null} chosen
 */
export function fanStrokes(paths, point, palette, chosen = null) {
  const all = members(paths);
  const strokes = all.slice(1).reverse().flatMap((member) => pathStrokes(member, point, palette.conditions[member.condition], 1.4, 0.75));
  const own = pathStrokes(all[0], point, palette.centre, 2, 1, true);
  const picked = chosen && all.find(({ condition, replica }) => condition === chosen.condition && replica === chosen.replica);
  return [...strokes, ...own, ...(picked ? chosenStrokes(picked, point, pointOf(paths, chosen.step), palette) : []), dots([0], [0], palette.ink, { size: 7 })];
}

/** The first point that a step has led to. @param {Paths} paths @param {number} step */
export function pointOf({ steps }, step) {
  return 1 + steps.findIndex((one) => one >= step);
}

// The path that is asked about, and where its step has led: a dot in a ring.
function chosenStrokes(member, point, at, palette) {
  const colour = palette.conditions[member.condition];
  const [x, y] = [0, 1].map((axis) => member.way[at][axis] ?? 0);
  return [...pathStrokes(member, point, colour, 3, 1), dots([x], [y], palette.ink, { size: 13 }), dots([x], [y], palette.paper, { size: 10 }), dots([x], [y], colour, { size: 7 })];
}

function pathStrokes({ way }, point, colour, width, opacity, dashed = false) {
  const shown = way.slice(0, point + 1);
  const [x, y] = [0, 1].map((axis) => shown.map((each) => each[axis] ?? 0));
  return [line(x, y, colour, { width, opacity, dashed }), dots([x.at(-1)], [y.at(-1)], colour, { size: 3 + 2 * width, opacity })];
}

/** The replica and the point of its way, of those up to `point`, that lie nearest to a place; null if none is near. @param {Paths} paths @param {number} point @param {Plane} plane */
export function nearest(paths, point, plane, x, y) {
  let [best, least] = [null, NEAR];
  for (const { condition, replica, way } of members(paths).slice(1))
    for (let k = 1; k <= point; k++) {
      const distance = Math.hypot(x - plane.x(way[k][0] ?? 0), y - plane.y(way[k][1] ?? 0));
      if (distance < least) [best, least] = [{ condition, replica, point: k }, distance];
    }
  return best;
}
