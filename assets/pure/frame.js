// A frame: one gradient field with what is told beside it (format: gradviz/drawing/frames.py).

import { rangeOf } from "./arrows.js";

// {index, error, later} or {index, x, y, num_rows, …, points, u, v, loss: Float32Array, isZero, zeroReason: Uint8Array,
// zeroParts: {u, v: Uint8Array} or null, where one component alone is zero};
// page/shelf.js gives those of a coarser grid `of`, the points of the whole.
export function decodeFrame(block) {
  const jsonBytes = new DataView(block.buffer, block.byteOffset).getUint32(0, true);
  const frame = JSON.parse(new TextDecoder().decode(block.subarray(4, 4 + jsonBytes)));
  if (frame.error) return frame;
  let offset = block.byteOffset + 4 + jsonBytes;
  const size = (block.byteLength - 4 - jsonBytes) / 14;
  for (const name of ["u", "v", "loss"]) {
    frame[name] = new Float32Array(block.buffer, offset, size);
    offset += 4 * size;
  }
  for (const name of ["isZero", "zeroReason"]) {
    frame[name] = new Uint8Array(block.buffer, offset, size);
    offset += size;
  }
  const { zero_parts: parts } = frame;
  frame.zeroParts = parts ? { u: bitsOf(parts.u, size), v: bitsOf(parts.v, size) } : null;
  frame.points = Math.round(Math.sqrt(size));
  frame.range = rangeOf(frame);
  return frame;
}

function bitsOf(text, size) {
  return Uint8Array.from({ length: size }, (_, k) => (parseInt(text.slice(2 * (k >> 3), 2 * (k >> 3) + 2), 16) >> (k & 7)) & 1);
}

/** Both components at a point, as they are shown: one that is zero up to round-off is 0. @param {any} frame @param {number} k @returns {[number, number]} */
export function partsAt({ u, v, zeroParts: zero }, k) {
  return [zero?.u[k] ? 0 : u[k], zero?.v[k] ? 0 : v[k]];
}

/** What of an arrow is zero up to round-off, in the words of a table. @param {any} frame @param {number} k @param {string} whole of all of it */
export function zeroWords({ isZero, zeroParts: zero }, k, whole) {
  if (isZero[k]) return whole;
  return zero?.u[k] ? "∂J/∂x₁" : zero?.v[k] ? "∂J/∂x₂" : "no";
}
