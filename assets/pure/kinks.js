// Kinks: the lines on a plane at which gates of a minibatch's rows switch, or their residuals change sign
// (format: gradviz/landscape/per_row/net.py).

import { line } from "./strokes.js";

/** @import { Part } from "./plane.js" */
/** @import { Stroke } from "./strokes.js" */

/**
 * @typedef {{row: number, site: string, unit: number, segments: Float32Array}} KinkLine of a gate, or of a row's residual
 * @typedef {{header: any, segments: Map<number, Float32Array>, lines: KinkLine[]}} Kinks
 *   x0, y0, x1, y1 of each segment, in offsets from the checkpoint: of each row, and of each of its lines
 */

/** @param {ArrayBuffer} buffer the answer of /api/v1/rows/kinks @returns {Kinks} */
export function decodeKinks(buffer) {
  const jsonBytes = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, jsonBytes)));
  const all = new Float32Array(buffer, 4 + jsonBytes, 4 * header.num_segments);
  const told = new Uint32Array(buffer, 4 + jsonBytes + all.byteLength, 3 * header.num_lines);
  const segments = new Map();
  const lines = [];
  let [at, k] = [0, 0];
  header.rows.forEach((row, place) => {
    const first = at;
    for (const last = k + header.lines[place]; k < last; k++) {
      const [length, site, unit] = told.subarray(3 * k, 3 * k + 3);
      lines.push({ row, site: header.sites[site], unit, segments: all.subarray(4 * at, 4 * (at + length)) });
      at += length;
    }
    segments.set(row, all.subarray(4 * first, 4 * at));
  });
  return { header, segments, lines };
}

/** Whether all lines of a row are there: of a net that was too large some are left out. @param {Kinks} kinks @param {number} row */
export function hasAllKinks({ header }, row) {
  const place = header.rows.indexOf(row);
  return place >= 0 && header.lines[place] === header.counts[place];
}

/**
 * One stroke of these rows' lines, none where they have none; without `rows` those of all.
 * @param {Kinks} kinks @param {{rows?: number[] | null, plane?: Part | null, colour: string, width?: number, opacity?: number}} how
 *   `plane`: the part that is shown, beyond which nothing is drawn @returns {Stroke[]}
 */
export function kinkStrokes({ segments }, { rows = null, plane = null, colour, width = 1, opacity = 1 }) {
  const [x, y] = [[], []];
  for (const row of rows ?? segments.keys()) {
    const own = segments.get(row) ?? [];
    for (let k = 0; k < own.length; k += 4) {
      const [x0, y0, x1, y1] = [own[k], own[k + 1], own[k + 2], own[k + 3]];
      if (plane && (isBeyond(plane.x, x0, x1) || isBeyond(plane.y, y0, y1))) continue;
      const goesOn = x.length > 0 && x[x.length - 1] === x0 && y[y.length - 1] === y0;
      if (!goesOn) x.push(...(x.length ? [null] : []), x0), y.push(...(y.length ? [null] : []), y0);
      x.push(x1), y.push(y1);
    }
  }
  return x.length ? [line(x, y, colour, { width, opacity })] : [];
}

function isBeyond([from, to], a, b) {
  return (a < from && b < from) || (a > to && b > to);
}

/** What one must know of the lines on show; empty where nothing is. @param {Kinks} kinks @param {number | null} row of one alone */
export function kinksSentence({ header }, row = null) {
  const place = row === null ? -1 : header.rows.indexOf(row);
  const [there, all] = place < 0 ? [header.num_lines, header.num_lines + header.num_left_out] : [header.lines[place], header.counts[place]];
  const parts = there < all ? [`${there} of ${all} lines are drawn: the others would be too many.`] : [];
  return [...parts, header.note].filter(Boolean).join(" ");
}
