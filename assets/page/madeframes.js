// Frames of composed minibatches as the rows' own fields give them (page/rows.js), until the server's are there.

import { page } from "./state.js";

const MOST = 40;
const made = new Map(); // what a picture is asked by -> its frame

/**
 * What a picture is asked by, with other values of some of its members; null leaves one out.
 * @param {any} plan @param {Record<string, any>} changes
 */
export function selectionOf(plan, changes = {}) {
  const parts = Object.entries({ ...plan.epochs.selection, epoch: page.view.epoch, ...changes }).filter(([, value]) => value !== null && value !== undefined);
  return new URLSearchParams(Object.fromEntries(parts)).toString();
}

/** @param {any} plan @param {string} rows as text @param {any} frame */
export function keepMade(plan, rows, frame) {
  made.set(addressOf(plan, rows), frame);
  if (made.size > MOST) made.delete(made.keys().next().value);
}

/** Of the picture's own rows, if they are chosen. @param {any} plan */
export function madeFrame(plan) {
  const { rows } = plan.epochs.selection;
  return rows ? made.get(addressOf(plan, rows)) : undefined;
}

function addressOf(plan, rows) {
  return selectionOf(plan, { rows, minibatch: null });
}
