// The landscape of the minibatch that made a step, as /api/v1/paths/landscape tells it, as a frame that is drawn like any other.

import { rangeOf, scaleOf } from "./arrows.js";
import { wholePlane } from "./plane.js";

/** A frame without what only pictures of named minibatches tell. @param {{grid: any, num_rows: number}} told */
export function frameOfStep({ grid, num_rows }) {
  const flat = (name) => grid[name].flat();
  const points = grid.x.length;
  const frame = {
    index: 0, num_rows, points, halfWidth: (grid.x.at(-1) - grid.x[0]) / 2, x: grid.x[(points - 1) / 2], y: grid.y[(points - 1) / 2],
    u: Float32Array.from(flat("u")), v: Float32Array.from(flat("v")), loss: Float32Array.from(flat("loss")),
    isZero: Uint8Array.from(flat("is_zero"), Number), zeroReason: Uint8Array.from(flat("zero_reason")), zeroParts: null,
  };
  return { ...frame, range: rangeOf(frame) };
}

/** How it is drawn: as the other pictures are, by a scale of its own. @param {any} frame @param {any} view */
export function styleOfStep(frame, { length, under, direction }) {
  return { halfWidth: frame.halfWidth, length, under, direction, scale: scaleOf([frame]), strokes: [] };
}

/** The part of the plane that is drawn. @param {any} frame */
export function partOfStep({ halfWidth, points }) {
  return wholePlane(halfWidth, points);
}
