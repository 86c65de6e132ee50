// What the server tells of single rows in bytes: their own fields (format: docs/api.md).

/**
 * @typedef {import("./increments.js").RowField} RowField
 * @typedef {{header: any, fields: Map<number, RowField>}} RowFields each row's own field by its number
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
