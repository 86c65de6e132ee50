// What the server tells of single rows in bytes: their own fields, and the lines at which their gates switch (formats: docs/api.md).

/**
 * @typedef {import("./increments.js").RowField} RowField
 * @typedef {{header: any, fields: Map<number, RowField>}} RowFields each row's own field by its number
 * @typedef {{header: any, segments: Map<number, Float32Array>}} Kinks x0, y0, x1, y1 of each segment, in offsets from the checkpoint, by row
 */

/** @param {ArrayBuffer} buffer @returns {{header: any, start: number}} */
function headed(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  return { header: JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))), start: 4 + length };
}

/** @param {ArrayBuffer} buffer @returns {RowFields} */
export function decodeFields(buffer) {
  const { header, start } = headed(buffer);
  const size = header.points ** 2;
  const fields = new Map(header.rows.map((row, k) => [row, {
    u: new Float32Array(buffer, start + 4 * size * k, size),
    v: new Float32Array(buffer, start + 4 * size * (header.rows.length + k), size),
  }]));
  return { header, fields };
}

/** @param {ArrayBuffer} buffer @returns {Kinks} */
export function decodeKinks(buffer) {
  const { header, start } = headed(buffer);
  const { rows, lines, num_segments: numSegments, num_lines: numLines } = header;
  const all = new Float32Array(buffer, start, 4 * numSegments);
  const told = new Uint32Array(buffer, start + all.byteLength, 3 * numLines); // of each line its segments, site and unit
  const segments = new Map();
  let [line, segment] = [0, 0];
  rows.forEach((row, k) => {
    const first = segment;
    for (const end = line + lines[k]; line < end; line++) segment += told[3 * line];
    segments.set(row, all.subarray(4 * first, 4 * segment));
  });
  return { header, segments };
}
