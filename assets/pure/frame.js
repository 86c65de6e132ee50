// A frame: one gradient field with what is told beside it (format: gradviz/drawing/frames.py).

import { rangeOf } from "./arrows.js";

// {index, error, later} or {index, x, y, num_rows, …, points, u, v, loss: Float32Array, isZero, zeroReason: Uint8Array};
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
  frame.points = Math.round(Math.sqrt(size));
  frame.range = rangeOf(frame);
  return frame;
}
