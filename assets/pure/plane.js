// The part of the plane that a picture shows: {x: [from, to], y: [from, to]}, in offsets from the checkpoint.

/** @typedef {{x: [number, number], y: [number, number]}} Part */

const MOST_ENLARGED = 50; // times, by fingers
const MARGIN = 0.1; // of the half width
const HALF_A_CELL = 0.5; // arrows at the border, and the loss under them, take no more

/** How far from the checkpoint the axes go: a little beyond the grid, so that no arrow at its border is cut off. */
export function reachOf(halfWidth, points) {
  const cell = (2 * halfWidth) / (points - 1);
  return halfWidth + Math.max(MARGIN * halfWidth, HALF_A_CELL * cell);
}

/** @returns {Part} */
export function wholePlane(halfWidth, points) {
  const reach = reachOf(halfWidth, points);
  return { x: [-reach, reach], y: [-reach, reach] };
}

/** The same part of a plane so many times as wide. @param {Part} part @param {number} factor @returns {Part} */
export function scaledPart({ x, y }, factor) {
  return { x: [factor * x[0], factor * x[1]], y: [factor * y[0], factor * y[1]] };
}

export function partName(part) {
  return JSON.stringify([part.x, part.y]);
}

/** Whether two parts are the same but for round-off. */
export function isSamePart(a, b) {
  return ["x", "y"].every((axis) => a[axis].every((end, k) => Math.abs(end - b[axis][k]) < 1e-9 * Math.abs(b[axis][1] - b[axis][0])));
}

/** A part `factor` as wide, moved by so many tenths of its width; null where that is all of the `whole` plane. */
export function movedPart({ x, y }, whole, factor, [across, up] = [0, 0]) {
  /** @returns {[number, number]} */
  const moved = ([from, to], step) => {
    const [middle, half] = [(from + to) / 2 + (step * (to - from)) / 10, ((to - from) / 2) * factor];
    return [middle - half, middle + half];
  };
  const part = { x: moved(x, across), y: moved(y, up) };
  return part.x[1] - part.x[0] > 0.999 * (whole.x[1] - whole.x[0]) ? null : part;
}

/**
 * The part after two fingers have moved: what lay between them still does, and the part is `factor` as wide; null where
 * that is all of the `whole` plane.
 * @param {Part} part @param {Part} whole @param {number} factor
 * @param {[number, number]} from between the fingers, as shares of the plane from its lower left corner @param {[number, number]} to the same, afterwards
 * @returns {Part | null}
 */
export function pinchedPart(part, whole, factor, from, to) {
  const size = whole.x[1] - whole.x[0];
  const width = Math.max(size / MOST_ENLARGED, (part.x[1] - part.x[0]) * factor);
  if (width > 0.999 * size) return null;
  /** @returns {[number, number]} */
  const pinched = ([low, high], k, [least, most]) => {
    const start = low + from[k] * (high - low) - to[k] * width;
    const kept = Math.max(least, Math.min(most - width, start)); // no finger leads beyond the plane
    return [kept, kept + width];
  };
  return { x: pinched(part.x, 0, whole.x), y: pinched(part.y, 1, whole.y) };
}

/**
 * A part in a box of pixels: where a value of each axis lies, and whether a pixel is on the part.
 * @param {{left: number, top: number, width: number, height: number}} box @param {Part} part
 */
export function planeIn({ left, top, width, height }, part) {
  const [scaleX, scaleY] = [width / (part.x[1] - part.x[0]), height / (part.y[1] - part.y[0])];
  return {
    left, top, width, height, scaleX, scaleY,
    x: (value) => left + (value - part.x[0]) * scaleX,
    y: (value) => top + height - (value - part.y[0]) * scaleY,
    holds: (across, down) => across >= left - 1 && across <= left + width + 1 && down >= top - 1 && down <= top + height + 1,
  };
}

/** The smallest square part around one. @param {Part} part @returns {Part} */
export function squareAround({ x, y }) {
  const half = Math.max(x[1] - x[0], y[1] - y[0]) / 2;
  /** @returns {[number, number]} */
  const around = ([from, to]) => [(from + to) / 2 - half, (from + to) / 2 + half];
  return { x: around(x), y: around(y) };
}
