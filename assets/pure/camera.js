// From where a surface is seen: plotly.js' camera, of which the eye alone moves; lengths are those of its cube.

/** @typedef {{eye: {x: number, y: number, z: number}, center: {x: number, y: number, z: number}, up: {x: number, y: number, z: number}}} Camera */

const QUARTER = Math.PI / 2;
const [NEAREST, FARTHEST] = [0.4, 6];

/** From the front, a little from the right and from above. @type {Camera} */
export const FIRST = Object.freeze({ eye: { x: 0.56, y: -1.36, z: 1 }, center: { x: 0, y: 0, z: -0.08 }, up: { x: 0, y: 0, z: 1 } });

/**
 * The camera turned around the surface by angles: `around` against the clock as seen from above, `over` upwards; and
 * `factor` times as far away.
 * @param {Camera} camera @param {{around?: number, over?: number, factor?: number}} move @returns {Camera}
 */
export function turned({ eye, center, up }, { around = 0, over = 0, factor = 1 }) {
  const [x, y, z] = [eye.x - center.x, eye.y - center.y, eye.z - center.z];
  const distance = Math.max(NEAREST, Math.min(FARTHEST, factor * Math.hypot(x, y, z)));
  const azimuth = Math.atan2(y, x) + around;
  const elevation = Math.max(-0.98 * QUARTER, Math.min(0.98 * QUARTER, Math.atan2(z, Math.hypot(x, y)) + over));
  const across = distance * Math.cos(elevation);
  return {
    center, up,
    eye: { x: center.x + across * Math.cos(azimuth), y: center.y + across * Math.sin(azimuth), z: center.z + distance * Math.sin(elevation) },
  };
}

/** Whether two are the same but for round-off. @param {Camera} a @param {Camera} b */
export function isSameCamera(a, b) {
  return ["eye", "center", "up"].every((part) => ["x", "y", "z"].every((axis) => Math.abs(a[part][axis] - b[part][axis]) < 1e-6));
}
