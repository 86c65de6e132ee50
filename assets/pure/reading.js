// The numbers at one point of a plane: {i, j, points}, column and row from the middle of a grid of so many points a side;
// null is the checkpoint itself. A frame of another grid is read at its nearest point.

import { number } from "./formats.js";
import { partsAt } from "./frame.js";
import { look } from "./look.js";
import { lossUnit } from "./minibatch.js";
import { perUnit } from "./toldplane.js";

/** @typedef {{i: number, j: number, points: number} | null} Point */

/** The point on a frame's own grid. @param {{points: number}} frame @param {Point} point */
function placeOn({ points }, point) {
  const scale = point ? (points - 1) / (point.points - 1) : 0;
  return { i: Math.round((point?.i ?? 0) * scale), j: Math.round((point?.j ?? 0) * scale), points };
}

/** The point's offsets from the checkpoint. @param {{points: number}} frame @param {number} halfWidth @param {Point} point @returns {[number, number]} */
export function offsetsOf(frame, halfWidth, point) {
  const { i, j, points } = placeOn(frame, point);
  const cell = (2 * halfWidth) / (points - 1);
  return [cell * i, cell * j];
}

/** The point's place in the arrays of a frame. @param {{points: number}} frame @param {Point} point */
export function indexOf(frame, point) {
  const { i, j, points } = placeOn(frame, point);
  const middle = (points - 1) / 2;
  return (middle + j) * points + middle + i;
}

/** The nearest point of its grid. @param {Point} point @returns {Point} */
export function withinGrid(point) {
  if (!point) return null;
  const middle = (point.points - 1) / 2;
  const within = (step) => Math.max(-middle, Math.min(middle, step));
  return { ...point, i: within(point.i), j: within(point.j) };
}

/** So many columns and rows away from a point on a frame's grid. @param {{points: number}} frame @param {Point} point @param {number[]} steps */
export function steppedFrom(frame, point, [across, up]) {
  const { i, j, points } = placeOn(frame, point);
  return withinGrid({ i: i + across, j: j + up, points });
}

/** The grid's point at a pixel of a plane (plane.js). @returns {Point} */
export function pointAt(plane, { points }, halfWidth, [x, y]) {
  const cell = (2 * halfWidth) / (points - 1);
  return { i: Math.round((x - plane.x(0)) / plane.scaleX / cell), j: Math.round((plane.y(0) - y) / plane.scaleY / cell), points };
}

/** [name, value] of each number. @param {any} frame @param {number} halfWidth @param {Point} point @returns {string[][]} */
export function factsOf(frame, halfWidth, point) {
  const delta = frame.difference ? "Δ" : "";
  const [across, up] = offsetsOf(frame, halfWidth, point);
  const where = point ? ["Δ", `${number(across)}, ${number(up)}`] : ["○", frame.difference ? "Δ 0, 0" : `${number(frame.x)}, ${number(frame.y)}`];
  return [where, ...gradientOf(frame, indexOf(frame, point)), [`${delta}J`, number(frame.loss[indexOf(frame, point)], 4)]];
}

function gradientOf(frame, k, digits = 3) {
  const delta = frame.difference ? "Δ" : "";
  if (frame.isZero[k]) return [[`${delta}∇J`, frame.difference ? "none, up to round-off" : look.zero_words]];
  const parts = partsAt(frame, k);
  const [u, v] = parts.map((part, n) => (part === 0 && [frame.u, frame.v][n][k] !== 0 ? "0 (round-off)" : number(part, digits)));
  return [[`${delta}∂J/∂x₁`, u], [`${delta}∂J/∂x₂`, v], [`|${delta}∇J|`, number(Math.hypot(frame.u[k], frame.v[k]), digits)]];
}

/** The same as lines with their units. @param {any} frame @param {number} halfWidth @param {Point} point @returns {string[]} */
export function pointLines(frame, halfWidth, point) {
  const k = indexOf(frame, point);
  const [across, up] = offsetsOf(frame, halfWidth, point);
  const of = frame.difference ? "difference of " : "";
  const where = frame.difference ? `Δx₁ = ${number(across)}, Δx₂ = ${number(up)}` : `x₁ = ${number(frame.x + across, 5)}, x₂ = ${number(frame.y + up, 5)}`;
  const gradient = gradientOf(frame, k, 4).map(([name, value], n, all) => `${name} ${frame.isZero[k] ? "is" : "="} ${value}${n === all.length - 1 && !frame.isZero[k] ? ` ${perUnit(frame)}` : ""}`);
  return [where, ...gradient, `${of}J = ${number(frame.loss[k], 5)}${lossUnit(frame)}`];
}
