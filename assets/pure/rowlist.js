// The rows of a minibatch as a list: their order, how their arrows lie to the minibatch's, and which rows to exchange.

import { number, signed } from "./formats.js";

/**
 * @typedef {{row: number, text: Record<string, string> | string | null, image: RowImage | null, loss: number | null, u: number | null, v: number | null,
 *   share: number | null, prediction: number | null, target: number | null, residual: number | null, below: boolean | null, active: (boolean | null)[]}} Row
 *   as gradviz/dashboard/row_list_api.py tells it
 * @typedef {{width: number, height: number, channels: number, pixels: string}} RowImage
 * @typedef {{u: number, v: number}} Arrow
 * @typedef {"share" | "direction" | "residual"} Order
 */

const AS_GOOD_AS_NONE = 1e-9; // of the longest: such an arrow has no direction

/** @param {Arrow} arrow */
export function lengthOf({ u, v }) {
  return Math.hypot(u, v);
}

/** From one arrow to another, in degrees, counter-clockwise positive, in (−180, 180]; null where one has no direction. @param {Arrow} from @param {Arrow} to */
export function turnBetween(from, to) {
  if (!(lengthOf(from) > 0) || !(lengthOf(to) > 0)) return null;
  return (180 / Math.PI) * Math.atan2(from.u * to.v - from.v * to.u, from.u * to.u + from.v * to.v);
}

/** The sum of arrows. @param {Iterable<Arrow>} arrows @returns {Arrow} */
export function sumOf(arrows) {
  let [u, v] = [0, 0];
  for (const arrow of arrows) (u += arrow.u), (v += arrow.v);
  return { u, v };
}

/** How few rows a minibatch may have: of one there are no batch statistics. @param {{coupled: boolean} | null} told */
export function leastRows(told) {
  return told?.coupled ? 2 : 1;
}

/**
 * How far composing has turned the arrow from the recorded minibatch's; "" where there is nothing to compare.
 * @param {any} before as /api/v1/rows tells the recorded minibatch, or null @param {any} after the composed one @param {boolean} isShort the turn alone
 */
export function turnedWords(before, after, isShort = false) {
  if (!before || before.u === null || after.u === null) return "";
  const turn = turnBetween(before, after);
  if (turn === null) return "";
  const size = Math.abs(turn);
  const turned = `turned by ${size < 0.5 ? "less than 0.5" : Math.round(size)}°`;
  if (isShort) return turned;
  const [then, now] = [before, after].map(({ rows }) => new Map(rows.map(({ row }, place) => [row, place])));
  const out = before.rows.filter(({ row }) => !now.has(row)).length;
  const fresh = after.rows.filter(({ row }) => !then.has(row)).length;
  const numMoved = after.has_masks ? after.rows.filter(({ row }) => then.has(row) && then.get(row) !== now.get(row)).length : 0;
  const moved = numMoved ? `; ${numMoved} row${numMoved > 1 ? "s have" : " has"} moved and ${numMoved > 1 ? "have" : "has"} other masks` : "";
  return `${turned} from minibatch ${before.request.minibatch} (${out} out, ${fresh} in${moved})`;
}

/** Whether rows have arrows of their own. @param {Row[]} rows */
export function haveArrows(rows) {
  return rows.length > 0 && rows[0].u !== null;
}

/**
 * Sorted: those that make most of the minibatch's arrow first; by direction, from its own round to the opposite one; or by residual,
 * those predicted farthest below target first (for classes, and for losses without a residual: the largest loss first).
 * @param {Row[]} rows @param {Order} order @param {{has_classes: boolean}} told
 */
export function sortedRows(rows, order, { has_classes: hasClasses }) {
  const mean = haveArrows(rows) ? sumOf(/** @type {any[]} */ (rows)) : null;
  const keyOf = {
    share: ({ share, loss }) => (share === null ? -(loss ?? 0) : -share),
    direction: (row) => (mean ? (Math.abs(turnBetween(mean, row) ?? 360)) : 0),
    residual: ({ residual, loss }) => (residual === null || hasClasses ? -(loss ?? 0) : residual),
  }[order];
  return rows.map((row, place) => ({ row, place, key: keyOf(row) })).sort((a, b) => a.key - b.key || a.place - b.place).map(({ row }) => row);
}

/** What a row is, in one line. @param {Row} row @param {number[]} [widths] of its fields, in letters */
export function lineOf({ text }, widths = []) {
  if (text === null) return "";
  return typeof text === "string" ? text : partsOf(text).map((part, k) => part.padEnd(widths[k] ?? 0)).join("  ");
}

function partsOf(text) {
  return Object.values(text).map((part) => part || "—");
}

/** How wide each field is at most, so that they stand below each other. @param {Row[]} rows @returns {number[]} */
export function widthsOf(rows) {
  const widths = [];
  for (const { text } of rows)
    if (text !== null && typeof text === "object") partsOf(text).forEach((part, k) => (widths[k] = Math.max(widths[k] ?? 0, part.length)));
  return widths;
}

/** Prediction, target and residual in few words; "" where the study tells none. @param {Row} row @param {{has_classes: boolean}} told */
export function verdictOf({ prediction, target, residual, loss }, { has_classes: hasClasses }) {
  if (prediction === null || target === null) return loss === null ? "" : `loss ${number(loss)}`;
  if (hasClasses) return prediction === target ? `${target} ✓` : `${prediction} for ${target}`;
  return `${rounded(prediction)} for ${rounded(target)}: ${residual > 0 ? "+" : ""}${rounded(residual)}`;
}

function rounded(value) {
  return Math.abs(value) >= 1 && Math.abs(value) < 1e4 ? signed(value.toFixed(Number.isInteger(value) ? 0 : 1)) : number(value, 2);
}

/** "+3.1 %". @param {number | null} share */
export function shareWords(share) {
  if (share === null) return "";
  const percents = 100 * share;
  const size = Math.abs(percents);
  return `${percents > 0 ? "+" : percents < 0 ? "−" : ""}${size >= 100 ? size.toFixed(0) : size.toFixed(1)} %`;
}

/** How many rows' arrows lie along the minibatch's, how many against it, and how many are zero. @param {Row[]} rows */
export function sidesOf(rows) {
  const count = (holds) => rows.filter(holds).length;
  const longest = Math.max(...rows.map((row) => Math.hypot(row.u ?? 0, row.v ?? 0)), 0);
  const isNone = ({ u, v }) => Math.hypot(u ?? 0, v ?? 0) <= AS_GOOD_AS_NONE * longest;
  return { along: count((row) => !isNone(row) && row.share > 0), against: count((row) => !isNone(row) && row.share < 0), none: count(isNone) };
}

/**
 * Of the rows that are not in the minibatch, those that would turn its arrow farthest from `reference`, and by how much in degrees.
 * @param {{row: number[], u: number[], v: number[]}} all @param {Arrow} sum of the rows' own arrows @param {Arrow} reference
 * @param {Set<number>} inside numbers of the minibatch's rows @param {Arrow | null} out of the row that goes for it
 */
export function turningMost(all, sum, reference, inside, out, most) {
  const [u, v] = [sum.u - (out?.u ?? 0), sum.v - (out?.v ?? 0)];
  return ranked(all, inside, most, (k) => Math.abs(turnBetween(reference, { u: u + all.u[k], v: v + all.v[k] }) ?? 0));
}

/** Those that go farthest along an arrow, or with the sign −1 farthest against it. */
export function alongMost(all, arrow, inside, most, sign = 1) {
  const length = sign * (lengthOf(arrow) || 1);
  return ranked(all, inside, most, (k) => (all.u[k] * arrow.u + all.v[k] * arrow.v) / length);
}

function ranked(all, inside, most, valueOf) {
  /** @type {{row: number, value: number}[]} */
  const best = [];
  for (let k = 0; k < all.row.length; k++) {
    if (inside.has(all.row[k])) continue;
    const value = valueOf(k);
    if (best.length === most && value <= best[most - 1].value) continue;
    const at = best.findIndex((one) => value > one.value);
    best.splice(at < 0 ? best.length : at, 0, { row: all.row[k], value });
    if (best.length > most) best.pop();
  }
  return best;
}

/** So many rows by chance, of `numRows` in all. @param {Set<number>} inside @param {() => number} random in [0, 1) */
export function randomRows(numRows, inside, most, random = Math.random) {
  const chosen = new Set();
  const free = Math.max(0, numRows - inside.size);
  while (chosen.size < Math.min(most, free)) {
    const row = Math.floor(random() * numRows);
    if (!inside.has(row)) chosen.add(row);
  }
  return [...chosen];
}
