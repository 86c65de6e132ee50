// The page's address says the whole view; gradviz/dashboard/permalink.py reads it.

import { searchOf } from "../pure/fields.js";
import { setProps } from "./dash.js";

/** @import { ViewField } from "../pure/fields.js" */

let visit = 0;
/** @type {ViewField[]} */
let fields = [];
let isAsked = false; // the server has been asked for the view of the address, and has not told it yet

// The fields of the view, as the server tells them when the page begins.
export function setFields(told) {
  fields = told;
}

export function viewFields() {
  return fields;
}

// What dash keeps as the address: a new value for each visit, so that it is read again even when the text is the same.
export function addressNow() {
  isAsked = true;
  return { search: window.location.search, visit: ++visit };
}

// Has the server read the address again: at back and forward, and where an answer never came.
export function askForView() {
  setProps("address", { data: addressNow() });
}

/** Goes to another view, which the server reads as it reads a link. @param {string} search @param {boolean} isStep in the history */
export function goTo(search, isStep) {
  const address = window.location.pathname + search;
  if (isStep) window.history.pushState(null, "", address);
  else window.history.replaceState(null, "", address);
  askForView();
}

export function isRead() {
  isAsked = false;
}

export function isViewAsked() {
  return isAsked;
}

export function readAgain() {
  if (isAsked) askForView();
}

// A choice is a step in the history; scrubbing replaces the last one.
export function writeAddress(view, isStep) {
  const search = searchOf(view, fields);
  if (search === window.location.search) return;
  const address = window.location.pathname + search;
  if (isStep) window.history.pushState(null, "", address);
  else window.history.replaceState(null, "", address);
}

window.addEventListener("popstate", askForView);
