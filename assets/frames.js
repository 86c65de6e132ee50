// Fetches many gradient fields in one streamed answer and decodes each as it arrives (format: gradviz/dashboard/frames.py).
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const BROKEN = "The server's answer broke off.";

  // Calls onHeader once and onFrame for each frame, in the order of the answer. Rejects as `answers.asked` does.
  async function fetchFrames(address, { signal, onHeader, onFrame }) {
    const answer = await gv.answers.asked(address, { signal });
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
      const { done, value } = await read(reader);
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
    if (held.length) throw new gv.answers.Lost(BROKEN);
  }

  async function read(reader) {
    try {
      return await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new gv.answers.Lost(BROKEN);
    }
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

  gv.frames = {
    fetchFrames, blocks, decodeFrame,
    get Refused() {
      return gv.answers.Refused;
    },
  };
})();
