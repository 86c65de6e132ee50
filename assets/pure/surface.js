// The loss as a surface over the plane, and what lies on it; gradviz/drawing/surface.py says the same in Python, and
// tests/fixtures/surface.json holds both.

import { encode } from "./arrows.js";
import { insidePart, isInside } from "./clipping.js";
import { levelsOf } from "./contours.js";
import { reachOf } from "./plane.js";

export const RISE = 0.55; // of the plane's width: from the lowest to the highest loss
const LIFT = 0.012; // of that height: what lies on the surface is drawn this far above it
const ROOM = 0.04; // of that height: left above and below
const MOST_ACROSS = 41; // arrows: of a finer grid some are left out
const PIECES = 4; // of a shaft
const HEAD_SHARE = 0.4; // of an arrow
const HEAD_ANGLE = Math.PI / 7;
const STEPS_OF_A_CELL = 3; // into which lines over the surface are cut

/**
 * @typedef {{points: number, halfWidth: number, cell: number, low: number, high: number, levels: any, rise: number,
 *   lift: number, range: [number, number], at: (x: number, y: number) => number}} Surface
 *   `rise`: lengths of the plane for each unit of loss; `at`: the loss between the grid's points, NaN beside a gap, in
 *   offsets from the checkpoint; `range`: of the loss axis.
 */

/** Whether the loss is drawn as a surface: the choice of a view or a style. @param {{under: string}} choice */
export function isSurface({ under }) {
  return under === "surface";
}

// @returns {Surface}, or null where no loss is finite.
export function surfaceOf({ points, loss }, halfWidth, flatShare) {
  const levels = levelsOf(loss, flatShare);
  const finite = loss.filter(Number.isFinite);
  if (!finite.length) return null;
  const [low, high] = levels ? [levels.low, levels.high] : flatRange(finite[0]);
  const cell = (2 * halfWidth) / (points - 1);
  const span = high - low;
  return {
    points, halfWidth, cell, low, high, levels, rise: (RISE * 2 * reachOf(halfWidth, points)) / ((1 + 2 * ROOM) * span), lift: LIFT * span,
    range: [low - ROOM * span, high + ROOM * span],
    at: (x, y) => between(loss, points, (x + halfWidth) / cell, (y + halfWidth) / cell),
  };
}

// A loss that is flat but for round-off is shown as flat.
function flatRange(value) {
  const half = 0.05 * Math.abs(value) || 1;
  return [value - half, value + half];
}

// Bilinear between the grid's points; beyond the border it goes on as in the last cell.
function between(loss, points, column, row) {
  const [i, j] = [column, row].map((place) => Math.max(0, Math.min(points - 2, Math.floor(place))));
  const [s, t] = [column - i, row - j];
  let sum = 0;
  for (const [across, up, weight] of [[0, 0, (1 - s) * (1 - t)], [1, 0, s * (1 - t)], [0, 1, (1 - s) * t], [1, 1, s * t]])
    if (weight !== 0) sum += weight * loss[(j + up) * points + i + across];
  return Number.isFinite(sum) ? sum : NaN;
}

// The tangent of the surface along an arrow [across, up] of the plane, as [across, up, loss]. In space it is as long as the
// arrow is in the plane; seen from above it is the shorter the steeper the surface.
/** @param {number[]} arrow @param {number} u @param {number} v @param {number} rise @returns {[number, number, number]} */
export function tangentAlong([across, up], u, v, rise) {
  const shrink = 1 / Math.hypot(1, rise * Math.hypot(u, v));
  return [shrink * across, shrink * up, shrink * (across * u + up * v)];
}

// Arrows as lines {x, y, z, colour}, null in z between them; `point` tells which of the grid's each vertex belongs to. And the
// points whose arrow is zero.
export function arrowsOnSurface(frame, style, surface, look) {
  const every = Math.ceil((frame.points - 1) / (MOST_ACROSS - 1));
  const { arrows, zeros } = encode(frame, { ...style, every }, look);
  const lines = { x: [], y: [], z: [], colour: [], point: [] };
  for (let k = 0; k < arrows.point.length; k++) {
    const point = arrows.point[k];
    const [u, v] = [frame.u[point], frame.v[point]];
    const drawn = [arrows.u[k], arrows.v[k]];
    const [across, up, climb] = tangentAlong(drawn, u, v, surface.rise);
    const put = (along, aside) => {
      const [dx, dy] = [along * across - aside * drawn[1], along * up + aside * drawn[0]];
      const [x, y] = [arrows.x[k] + dx, arrows.y[k] + dy];
      const onSurface = surface.at(x, y);
      add(lines, x, y, (Number.isNaN(onSurface) ? frame.loss[point] + along * climb : onSurface) + surface.lift, arrows.colour[k], point);
    };
    const end = () => add(lines, null, null, null, arrows.colour[k], point);
    for (let n = 0; n <= PIECES; n++) put(n / PIECES - 0.5, 0);
    end();
    const [back, aside] = [0.5 - HEAD_SHARE * Math.cos(HEAD_ANGLE), HEAD_SHARE * Math.sin(HEAD_ANGLE)];
    put(back, aside), put(0.5, 0), put(back, -aside);
    end();
  }
  return { lines, zeros };
}

function add(lines, x, y, z, colour, point) {
  lines.x.push(x), lines.y.push(y), lines.z.push(z), lines.colour.push(colour), lines.point.push(point);
}

// The height at which a point of the plane is drawn: so many lifts above the surface, NaN where there is none.
export function heightOn(surface, x, y, lifts = 1) {
  return isInside({ x, y }, surface.halfWidth * (1 + 1e-9)) ? surface.at(x, y) + lifts * surface.lift : NaN;
}

// A line of the plane laid on the surface, with null where it is not over it.
export function lineOnSurface(surface, xs, ys) {
  const laid = { x: [], y: [], z: [] };
  const put = (x, y) => {
    const z = x === null ? NaN : heightOn(surface, x, y);
    const isGap = Number.isNaN(z);
    laid.x.push(isGap ? null : x), laid.y.push(isGap ? null : y), laid.z.push(isGap ? null : z);
  };
  for (let k = 0; k < xs.length; k++) {
    if (k && xs[k] !== null && xs[k - 1] !== null) for (const [x, y] of betweenOf([xs[k - 1], ys[k - 1]], [xs[k], ys[k]], surface)) put(x, y);
    put(xs[k], ys[k]);
  }
  return laid;
}

// The points at which a piece of a line is bent over the surface: within the part of it that lies over the grid.
function betweenOf([ax, ay], [bx, by], { halfWidth, cell }) {
  const inside = insidePart({ x: ax, y: ay }, { x: bx, y: by }, halfWidth);
  if (!inside) return [];
  const [from, to] = inside;
  const many = Math.max(1, Math.ceil((STEPS_OF_A_CELL * (to - from) * Math.hypot(bx - ax, by - ay)) / cell));
  const at = Array.from({ length: many + 1 }, (_, n) => from + (n / many) * (to - from));
  return at.filter((t) => t > 0 && t < 1).map((t) => [ax + t * (bx - ax), ay + t * (by - ay)]);
}
