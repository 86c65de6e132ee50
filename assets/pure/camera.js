// From where a surface is seen: plotly.js' camera, of which the eye alone moves; lengths are those of its cube. As a text,
// which gradviz/drawing/camera.py reads: degrees around, degrees above, distance; tests/fixtures/cameras.json holds both.

/** @typedef {{eye: {x: number, y: number, z: number}, center: {x: number, y: number, z: number}, up: {x: number, y: number, z: number}}} Camera */

const DEGREE = Math.PI / 180;
const STEEPEST = 88 * DEGREE;
const [NEAREST, FARTHEST] = [0.4, 6];
const CENTRE = Object.freeze({ x: 0, y: 0, z: -0.15 });
const UP = Object.freeze({ x: 0, y: 0, z: 1 });

/** From the front, a little from the right and from above. */
export const FIRST = Object.freeze(lookingFrom(-67.5 * DEGREE, 36 * DEGREE, 2.12));

/** @param {number} around @param {number} over radians @param {number} away @returns {Camera} */
function lookingFrom(around, over, away) {
  const across = away * Math.cos(over);
  return { eye: { x: CENTRE.x + across * Math.cos(around), y: CENTRE.y + across * Math.sin(around), z: CENTRE.z + away * Math.sin(over) }, center: CENTRE, up: UP };
}

/** @param {Camera} camera @returns {[number, number, number]} as `lookingFrom` takes them */
function placeOf({ eye, center }) {
  const [x, y, z] = [eye.x - center.x, eye.y - center.y, eye.z - center.z];
  return [Math.atan2(y, x), Math.atan2(z, Math.hypot(x, y)), Math.hypot(x, y, z)];
}

/** The camera of a text; null is the first one. @param {string | null} text @returns {Camera} */
export function cameraOf(text) {
  if (text === null) return FIRST;
  const [around, over, away] = text.split(",").map(Number);
  return lookingFrom(around * DEGREE, over * DEGREE, away);
}

/** A camera as a short text, to a degree and a hundredth; null for the first one. @param {Camera} camera */
export function textOf(camera) {
  if (isSameCamera(camera, FIRST)) return null;
  const [around, over, away] = placeOf(camera);
  return `${Math.round(around / DEGREE) || 0},${Math.round(over / DEGREE) || 0},${Number(away.toFixed(2))}`;
}

/**
 * The camera turned around the surface by angles: `around` against the clock as seen from above, `over` upwards; and
 * `factor` times as far away.
 * @param {Camera} camera @param {{around?: number, over?: number, factor?: number}} move @returns {Camera}
 */
export function turned(camera, { around = 0, over = 0, factor = 1 }) {
  const [azimuth, elevation, distance] = placeOf(camera);
  return lookingFrom(azimuth + around, Math.max(-STEEPEST, Math.min(STEEPEST, elevation + over)), Math.max(NEAREST, Math.min(FARTHEST, factor * distance)));
}

/** Whether two are the same but for round-off. @param {Camera} a @param {Camera} b */
export function isSameCamera(a, b) {
  return ["eye", "center", "up"].every((part) => ["x", "y", "z"].every((axis) => Math.abs(a[part][axis] - b[part][axis]) < 1e-6));
}
