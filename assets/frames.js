// Fetches many gradient fields in one streamed answer and decodes each as it arrives (format: gradviz/dashboard/frames.py).
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  class Refused extends Error {}
  class NotNow extends Error {}

  // Calls onHeader once and onFrame for each frame, in the order of the answer. Rejects with Refused (the server's own
  // sentence) for a mistake, with NotNow (the same) where it can be had a little later, with AbortError when aborted, with TypeError when the server cannot be reached.
  async function fetchFrames(address, { signal, onHeader, onFrame }) {
    const answer = await fetch(address, { signal });
    if (answer.status === 422) throw new Refused((await answer.json()).error);
    if (answer.status === 503) throw new NotNow((await answer.json()).error);
    if (!answer.ok) throw new TypeError(`The server answered ${answer.status}.`);
    let first = true;
    for await (const block of blocks(answer.body.getReader())) {
      if (first) onHeader(JSON.parse(new TextDecoder().decode(block)));
      else onFrame(decodeFrame(block));
      first = false;
    }
  }

  // The blocks of a stream in which each is preceded by its length (uint32, little endian).
  async function* blocks(reader) {
    let held = new Uint8Array(0);
    for (;;) {
      const { done, value } = await reader.read();
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
    if (held.length) throw new TypeError("The answer ended in the middle of a frame.");
  }

  // {index, error, later} or {index, x, y, num_rows, …, points, u, v, loss: Float32Array, isZero, zeroReason: Uint8Array}.
  function decodeFrame(block) {
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
    frame.range = gv.arrows.rangeOf(frame);
    return frame;
  }

  gv.frames = { fetchFrames, blocks, decodeFrame, Refused, NotNow };
})();
