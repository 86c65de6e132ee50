// The rows of the minibatch behind a picture: what the server tells of them, asked for while the panel is open; and the
// minibatch that is composed of rows, whose field is there at once where the rows' own fields are.

import { rangeOf } from "../pure/arrows.js";
import { Increments } from "../pure/increments.js";
import { decodeKinks } from "../pure/kinks.js";
import { decodeFields } from "../pure/rowfields.js";
import { answerTo, arrived, jsonFrom } from "./api.js";
import { AskedOnce } from "./askedonce.js";
import { keepMade, selectionOf } from "./madeframes.js";
import { ownFrame } from "./plans.js";
import { page } from "./state.js";

/** @import { Row } from "../pure/rowlist.js" */
/** @import { RowField } from "../pure/increments.js" */

const MOST_NUMBERS = 6e6; // of the fields of all rows together, u and v, which the server gives
const NOTHING = 1e-6; // of the rows' mean length: a mean that is shorter is zero up to float32's round-off

const bufferFrom = async (address) => arrived((await answerTo(address)).arrayBuffer());
const lists = new AskedOnce(60);
const fields = new AskedOnce(12, async (address) => decodeFields(await bufferFrom(address)));
const others = new AskedOnce(60, async (address) => decodeFields(await bufferFrom(address)));
const lines = new AskedOnce(60, async (address) => decodeKinks(await bufferFrom(address)));
const all = new AskedOnce(6, jsonFrom);
const influences = new AskedOnce(60);

// What a run is told under changes with it: so does what is asked once.
function addressOf(kind, plan, changes) {
  return `api/v1/${kind}?${selectionOf(plan, changes)}#${page.runs[plan.run]?.stamp}`;
}

/** The rows of the picture's minibatch. @param {any} plan @param {() => void} onKnown @returns {{answer: any, error: string | null}} */
export function listOf(plan, onKnown) {
  return lists.of(addressOf("rows", plan), onKnown);
}

/** Those of one of the run's own minibatches. @param {any} plan @param {number} minibatch */
export function listOfMinibatch(plan, minibatch, onKnown) {
  return lists.of(addressOf("rows", plan, { rows: null, minibatch }), onKnown);
}

/** Those of any rows, as a minibatch of their own. @param {any} plan @param {string} rows as text */
export function listOfRows(plan, rows, onKnown) {
  return lists.of(addressOf("rows", plan, { rows }), onKnown);
}

/** Rows whose number or text is this. @param {any} plan @param {string} text */
export function foundRows(plan, text, onKnown) {
  return lists.of(`api/v1/rows/found?${new URLSearchParams({ run: plan.run, text })}#${page.runs[plan.run]?.stamp}`, onKnown);
}

/** The gradient of every row that a minibatch may have, by a part of the parameters. @param {any} plan @param {() => void} onKnown */
export function allRowsOf(plan, onKnown, part = "pair") {
  return all.of(addressOf("rows/all", plan, { rows: null, minibatch: 0, part }), onKnown); // whichever minibatch is on show
}

/** What each row of the picture's minibatch does to its gradient by a part of the parameters. @param {any} plan @param {string} part */
export function influenceOf(plan, part, onKnown) {
  return influences.of(addressOf("rows/influence", plan, { part }), onKnown);
}

/** The rows' own fields; nothing where they would be too many numbers. @param {any} plan @param {number} count of the rows */
export function fieldsOf(plan, count, onKnown) {
  if (2 * count * plan.epochs.selection.points ** 2 > MOST_NUMBERS) return { answer: null, error: "The rows' own fields on so fine a grid are too many numbers: choose fewer points." };
  return fields.of(addressOf("rows/fields", plan), onKnown);
}

/** The own fields of rows that are not in the minibatch. @param {any} plan @param {string} of their numbers as text */
export function fieldsOfOthers(plan, of, onKnown) {
  return others.of(addressOf("rows/fields", plan, { of }), onKnown);
}

/** The lines at which the rows' gates switch: of all, or of one. @param {any} plan @param {number | null} row */
export function kinksOf(plan, row, onKnown) {
  return lines.of(addressOf("rows/kinks", plan, { row }), onKnown);
}

// ---- the composed minibatch ---------------------------------------------------------------------------------------

const sums = new Map(); // what fields are the sum of -> {increments, known: row -> its field}

// All that rows' own fields depend on: the picture, but for its rows.
function placeOf(plan) {
  return selectionOf(plan, { rows: null, minibatch: null });
}

/**
 * Keeps what the server has told of rows' own fields, for a field that follows at once.
 * @param {any} plan @param {Map<number, RowField>} told @param {number[]} rows of the minibatch on show
 */
export function keepFields(plan, told, rows) {
  const place = placeOf(plan);
  if (!sums.has(place)) {
    const [one] = told.values();
    if (sums.size > 4) sums.delete(sums.keys().next().value);
    sums.set(place, { increments: new Increments(one.u.length), known: new Map() });
  }
  const { increments, known } = sums.get(place);
  for (const [row, field] of told) if (!known.has(row)) known.set(row, field);
  increments.goTo(rows, (row) => known.get(row));
}

/** A row's own field in this picture, if it is at hand. @param {any} plan @param {number} row @returns {RowField | undefined} */
export function fieldAtHand(plan, row) {
  return sums.get(placeOf(plan))?.known.get(row);
}

/**
 * The picture's frame for other rows, by what differs from those it has; null where not all of these rows' own fields are at hand.
 * @param {any} plan @param {number[]} rows @param {string} text of them @param {Row[]} told of as many as are known
 */
export function makeFrame(plan, rows, text, told) {
  const base = ownFrame(plan);
  const own = sums.get(placeOf(plan));
  if (!base || !own || base.u.length !== own.increments.size) return null;
  if (!own.increments.goTo(rows, (row) => own.known.get(row))) return null;
  const { u, v } = own.increments.mean();
  let size = 0;
  for (let k = 0; k < u.length; k++) size += Math.hypot(u[k], v[k]) / u.length;
  const isZero = Uint8Array.from(u, (_, k) => (Math.hypot(u[k], v[k]) <= NOTHING * size ? 1 : 0));
  const inside = new Map(told.map((row) => [row.row, row]));
  const below = rows.map((row) => inside.get(row)?.below);
  const share = base.share_below !== null && below.every((one) => typeof one === "boolean") ? below.filter(Boolean).length / rows.length : base.share_below;
  const frame = { ...base, u, v, isZero, zeroReason: new Uint8Array(u.length), zeroParts: null, num_rows: rows.length, share_below: share, index: page.view.epoch, isSum: true, facts: [] };
  frame.range = rangeOf(frame);
  keepMade(plan, text, frame);
  return frame;
}
