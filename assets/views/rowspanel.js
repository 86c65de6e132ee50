// The rows of a picture's minibatch, beside it: a compass of their arrows, the list, and what composes another minibatch of them.

import { haveArrows, leastRows, sortedRows, sumOf } from "../pure/rowlist.js";
import { rowsText } from "../pure/rows.js";
import { isSurface } from "../pure/surface.js";
import { conductor } from "../page/conductor.js";
import { afterFrame, button, closest, element, refill } from "../page/dom.js";
import { fieldAtHand, fieldsOf, keepFields, listOf, listOfMinibatch, makeFrame } from "../page/rows.js";
import { page } from "../page/state.js";
import { sizeOfCanvas, watchCanvas } from "./paint.js";
import { paintPanel } from "./panels.js";
import { drawCompass, rowOnCompass } from "./rowcompass.js";
import { RowComposer } from "./rowcompose.js";
import { mountInfluence } from "./rowinfluence.js";
import { drawRowLayer, watchRowLayer } from "./rowlayer.js";
import { layerOf } from "./rowlayerparts.js";
import { netChoice, orderChoice } from "./rowsbar.js";
import { NAMES, cover, host, leave, place, planNow, slotNow } from "./rowsplace.js";
import { RowTable } from "./rowtable.js";
import { rowsHelp, wordsOfMinibatch, wordsOfRow } from "./rowwords.js";

/** @import { Order } from "../pure/rowlist.js" */

const UNTIL_LINES = 90; // ms that the pointer rests on a row before its lines are asked for

/** @type {{order: Order, isNet: boolean, hovered: number | null, selected: number | null, shown: any, other: any, layer: any, isComing: boolean, isFieldSeen: boolean}} */
const state = { order: "share", isNet: false, hovered: null, selected: null, shown: null, other: null, layer: null, isComing: false, isFieldSeen: true };
/** @type {any} */
let parts = null; // the panel's elements, once it has been opened
let openedBy = null; // the button that has the focus back
let resting = 0; // the timer until lines are asked for
let written = ""; // what the list says
const listeners = new Set(); // of folds that follow the rows


document.addEventListener("click", (event) => {
  const pressed = event.target instanceof Element ? /** @type {HTMLElement} */ (event.target.closest("[data-rows]")) : null;
  if (!pressed || !page.view) return;
  const name = NAMES[Number(pressed.dataset.rows)];
  openedBy = pressed;
  if (page.view.panel === name) return close();
  const { plan } = page.panels[pressed.dataset.rows];
  if (plan) listOf(plan, follow); // on its way while the panel is made
  conductor.choose({ panel: name });
  host().querySelector("h2")?.focus({ preventScroll: true });
});

function close() {
  conductor.choose({ panel: "off" });
  openedBy?.focus();
  openedBy = null;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || slotNow() === null || !host().contains(/** @type {Node} */ (event.target))) return;
  if (event.defaultPrevented || closest(event, ".gv-help[open]")) return;
  if (!parts.composer.close(event.target)) close();
  event.stopPropagation();
});

// ---- what it shows ----------------------------------------------------------------------------------------------

/** Brings the panel in line with the page. */
export function showRows() {
  const slot = slotNow();
  for (const { slot: each } of page.panels) {
    const opener = document.getElementById(`rows-button-${each}`);
    const isOpen = `${each === slot}`;
    if (opener.getAttribute("aria-expanded") !== isOpen) opener.setAttribute("aria-expanded", isOpen);
    if (each !== slot) drawRowLayer(each, null);
  }
  if (host().hidden !== (slot === null)) {
    host().hidden = slot === null;
    if (slot === null) {
      Object.assign(state, { shown: null, other: null, hovered: null, selected: null });
      written = "";
      parts?.table.clear();
      leave();
    }
  }
  if (slot === null) return;
  parts ??= make();
  if (parts.slot !== slot) {
    parts.slot = slot;
    watchRowLayer(slot, drawLayer);
  }
  place(slot);
  cover(slot);
  follow();
}

// Asks for what is wanted and not there, and writes what is.
function follow() {
  const plan = planNow();
  if (!plan || !page.runs[plan.run]) return;
  const { answer, error } = listOf(plan, follow);
  host().dataset.state = answer ? "ready" : error ? "error" : "loading";
  state.isComing = !answer && !error;
  if (answer) state.shown = answer;
  if (state.shown && state.shown.request.run !== plan.run) state.shown = null;
  if (answer && state.selected !== null && !answer.rows.some(({ row }) => row === state.selected)) state.selected = null;
  write(plan, error);
  if (!answer) return;
  followFields(plan, answer);
  state.isComing = followRecorded(plan);
  for (const listener of listeners) listener(answer.rows);
}

function followFields(plan, answer) {
  if (answer.coupled || answer.has_masks || !haveArrows(answer.rows)) return drawLayer();
  const rows = answer.rows.map(({ row }) => row);
  const isAtHand = rows.every((row) => fieldAtHand(plan, row));
  const { answer: told } = isAtHand ? { answer: null } : fieldsOf(plan, rows.length, follow);
  if (told) keepFields(plan, told.fields, rows);
  drawLayer();
}

// The arrow of the recorded minibatch from which another was composed; whether it is on its way.
function followRecorded(plan) {
  const { answer, error } = page.view.rows ? listOfMinibatch(plan, page.view.minibatch, follow) : { answer: null, error: null };
  if (answer !== state.other) (state.other = answer), write(plan, null);
  return Boolean(page.view.rows) && !answer && !error;
}

function write(plan, error) {
  const { shown } = state;
  parts.title.textContent = page.view.rows ? "Composed minibatch" : `Rows of minibatch ${page.view.minibatch}`;
  refill("rows-told", JSON.stringify([error, shown?.request, state.other?.request, page.view.rows]), ...(error ? [element("p", "gv-error", error)] : shown ? wordsOfMinibatch(shown, composedFrom()) : [element("p", "", "Computing")]));
  sayDetail();
  if (!shown) return;
  const key = JSON.stringify([shown.request, state.order]);
  if (written === key) return;
  written = key;
  const mean = haveArrows(shown.rows) ? sumOf(/** @type {any[]} */ (shown.rows)) : null;
  parts.table.show(sortedRows(shown.rows, state.order, shown), shown, mean);
  parts.composer.show();
  mark();
}

// The recorded minibatch from which that on show was composed.
function composedFrom({ other, shown } = state) {
  return page.view.rows && other?.request.epoch === shown?.request.epoch ? other : null;
}

function make() {
  const title = element("h2", "");
  title.tabIndex = -1;
  const told = document.getElementById("rows-told");
  const compass = element("canvas", "gv-compass");
  compass.setAttribute("role", "img");
  compass.setAttribute("aria-label", "Compass: the arrow of each row, and the minibatch's own, thick");
  const detail = element("div", "gv-rows-detail");
  const table = new RowTable({ hover, select, takeOut: (row) => compose(rowsNow().filter((one) => one !== row)) });
  const composer = new RowComposer({ context, hover: hoverOther, onOpen: () => folds.querySelectorAll("details").forEach((fold) => (fold.open = false)) });
  const aboutKinks = element("p", "gv-rows-note");
  aboutKinks.setAttribute("role", "status");
  const folds = element("div", "gv-rows-folds");
  host().replaceChildren(
    element("div", "gv-rows-head", title, rowsHelp(), button("×", close, "gv-close gv-rows-close")),
    element("div", "gv-rows-sum", compass, Object.assign(element("div", "gv-rows-words", told, detail), { tabIndex: 0, role: "group", ariaLabel: "The row that is pointed at, or what all have in common" })),
    element("div", "gv-rows-bar", orderChoice(state.order, (order) => ((state.order = order), write(planNow(), null))), netChoice(state.isNet, (isNet) => ((state.isNet = isNet), drawLayer()))),
    aboutKinks, table.element, composer.element, folds,
  );
  host().querySelector(".gv-rows-close").setAttribute("aria-label", "Close the rows");
  compass.addEventListener("pointermove", ({ offsetX, offsetY }) => hover(rowOnCompass(offsetX, offsetY)));
  compass.addEventListener("pointerleave", () => hover(null));
  compass.addEventListener("click", () => state.hovered !== null && (select(state.hovered), table.reveal(state.hovered)));
  sizeOfCanvas(compass);
  watchCanvas(compass, drawMarks);
  mountInfluence(folds, context());
  folds.addEventListener("toggle", ({ target }) => target instanceof HTMLDetailsElement && target.open && composer.close(), true); // they have the same room
  return { title, compass, detail, aboutKinks, table, composer, slot: null };
}

// ---- pointed at, selected -----------------------------------------------------------------------------------------

function hover(row) {
  if (state.hovered === row) return;
  state.hovered = row;
  mark();
  drawLayer();
  clearTimeout(resting);
  resting = row === null ? 0 : window.setTimeout(drawLayer, UNTIL_LINES);
}

// A row that is not in the minibatch: its field alone.
function hoverOther(field) {
  const slot = slotNow();
  if (slot !== null) drawRowLayer(slot, field ? { field, kinks: null, net: null } : null);
}

function select(row) {
  state.selected = state.selected === row ? null : row;
  state.isFieldSeen = true;
  mark();
  drawLayer();
  parts.composer.show();
}

function mark() {
  parts.table.mark(state);
  drawMarks();
  sayDetail();
}

function drawMarks() {
  if (state.shown && slotNow() !== null && haveArrows(state.shown.rows)) drawCompass(parts.compass, state.shown.rows, state);
}

function rowAt(row) {
  return state.shown?.rows.find((one) => one.row === row) ?? null;
}

// Of the row that is pointed at, or selected; of none while there is an error to be read.
function sayDetail() {
  const row = host().dataset.state === "error" ? null : rowAt(state.hovered ?? state.selected);
  parts.detail.replaceChildren(...(row ? wordsOfRow(row, state.shown, composedFrom()) : []));
}

function drawLayer() {
  const slot = slotNow();
  if (slot === null) return;
  const row = state.hovered ?? (state.isFieldSeen ? state.selected : null);
  const { drawn, told, words } = layerOf(planNow(), row, state.isNet, drawLayer);
  if (parts) parts.aboutKinks.textContent = words;
  state.layer = told;
  drawRowLayer(slot, drawn);
}

// ---- composing ----------------------------------------------------------------------------------------------------

function rowsNow() {
  return state.shown?.rows.map(({ row }) => row) ?? [];
}

/**
 * Shows the minibatch of these rows: its arrows at once, where the rows' own fields are at hand, and then all else.
 * @param {number[] | null} rows null: the recorded one
 */
function compose(rows) {
  const { shown } = state;
  if (rows && rows.length < leastRows(shown)) return;
  state.isFieldSeen = false; // the composed minibatch is what is to be seen
  const panel = page.panels[slotNow()];
  const follows = rows && shown && !shown.coupled && !shown.has_masks && !isSurface(page.view);
  const frame = follows ? makeFrame(panel.plan, rows, rowsText(rows), shown.rows) : null;
  const choose = () => conductor.composeMinibatch(rows);
  if (!frame) return choose();
  paintPanel(panel, frame, panel.style);
  afterFrame(choose);
}

/** Whether what the panel says of a picture is on its way. @param {number} slot */
export function areRowsComing(slot) {
  return slot === slotNow() && state.isComing;
}

/** For questions.js. */
export function whatRowsShow() {
  const { shown, hovered, selected, layer } = state;
  const plan = planNow();
  const offered = parts?.composer.offered ?? [];
  const rows = rowsNow();
  return {
    rows, offered, hovered, selected, layer,
    arrow: shown ? { u: shown.u, v: shown.v } : null,
    canFollow: Boolean(plan) && rows.length > 0 && [...rows, ...offered].every((row) => fieldAtHand(plan, row)),
  };
}

/** What the panel's parts are given. */
function context() {
  return {
    get plan() {
      return planNow();
    },
    get rows() {
      return state.shown?.rows ?? [];
    },
    get told() {
      return state.shown;
    },
    get recorded() {
      return page.view.rows ? state.other : state.shown;
    },
    get selected() {
      return rowAt(state.selected);
    },
    onRows(callback) {
      listeners.add(callback);
      if (state.shown) callback(state.shown.rows);
    },
    select(row) {
      if (state.selected !== row) select(row);
      parts.table.reveal(row);
    },
    hover, compose,
  };
}
