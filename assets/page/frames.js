// Fetches many gradient fields in one streamed answer and decodes each as it arrives (format: gradviz/drawing/frames.py).

import { decodeFrame } from "../pure/frame.js";
import { answerTo, arrived } from "./api.js";

const BROKEN = "The server's answer broke off.";

// Calls onFrame for each frame, in the order of the answer; the first block says what all share. Rejects as `answerTo`.
export async function fetchFrames(address, { signal, onFrame }) {
  const answer = await answerTo(address, { signal });
  let isFirst = true;
  for await (const block of blocksOf(answer)) {
    if (!isFirst) onFrame(decodeFrame(block));
    isFirst = false;
  }
}

// The blocks of an answer in which each is preceded by its length (uint32, little endian).
export async function* blocksOf(answer) {
  const reader = answer.body.getReader();
  let held = new Uint8Array(0);
  for (;;) {
    const { done, value } = await arrived(reader.read());
    if (done) break;
    const joined = new Uint8Array(held.length + value.length);
    joined.set(held);
    joined.set(value, held.length);
    held = joined;
    while (held.length >= 4) {
      const length = new DataView(held.buffer, held.byteOffset).getUint32(0, true);
      if (held.length < 4 + length) break;
      yield held.slice(4, 4 + length);
      held = held.subarray(4 + length);
    }
  }
  if (held.length) await arrived(Promise.reject(new Error(BROKEN)));
}
