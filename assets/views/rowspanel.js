// The rows of a picture's minibatch, beside it: a compass of their arrows, the list, and what composes another minibatch of them.

import { number } from "../pure/formats.js";
import { hasAllKinks, kinksSentence } from "../pure/kinks.js";
import { haveArrows, lengthOf, sidesOf, sortedRows, sumOf, turnBetween } from "../pure/rowlist.js";
import { rowsText } from "../pure/rows.js";
import { isSurface } from "../pure/surface.js";
import { conductor } from "../page/conductor.js";
import { afterFrame, button, element, refill } from "../page/dom.js";
import { fieldAtHand, fieldsOf, keepFields, kinksOf, listOf, listOfMinibatch, makeFrame } from "../page/rows.js";
import { isGrid } from "../page/plans.js";
import { isBusy } from "../page/sliders.js";
import { page } from "../page/state.js";
import { sizeOfCanvas, watchCanvas } from "./paint.js";
import { paintPanel } from "./panels.js";
import { drawCompass, rowOnCompass } from "./rowcompass.js";
import { RowComposer } from "./rowcompose.js";
import { mountInfluence } from "./rowinfluence.js";
import { drawRowLayer, watchRowLayer } from "./rowlayer.js";
import { RowTable } from "./rowtable.js";

/** @import { Order } from "../pure/rowlist.js" */

const NAMES = ["rows", "rows-2", "rows-3"];
const LEAST_BESIDE = 320; // pixels that the panel needs beside its picture; else it is a sheet over the page's foot
const GOOD_BESIDE = 400;
const UNTIL_LINES = 90; // ms that the pointer rests on a row before its lines are asked for

/** @type {{order: Order, isNet: boolean, hovered: number | null, selected: number | null, shown: any, other: any, layer: any, isComing: boolean}} */
const state = { order: "share", isNet: false, hovered: null, selected: null, shown: null, other: null, layer: null, isComing: false };
/** @type {any} */
let parts = null; // the panel's elements, once it has been opened
let openedBy = null; // the button that has the focus back
let resting = 0; // the timer until lines are asked for
let written = ""; // what the list says
const listeners = new Set(); // of folds that follow the rows

// ---- where it is ------------------------------------------------------------------------------------------------

function slotNow() {
  const slot = NAMES.indexOf(page.view?.panel ?? "off");
  return slot >= 0 && !isGrid() && page.panels[slot]?.plan ? slot : null;
}

function planNow() {
  const slot = slotNow();
  return slot === null ? null : page.panels[slot].plan;
}

function host() {
  return document.getElementById("rows");
}

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
  close();
  event.stopPropagation();
});

// Beside its picture, over whole pictures there; where none has room, a sheet.
function place(slot) {
  const room = host().parentElement.getBoundingClientRect();
  const own = document.getElementById(`panel-${slot}`).getBoundingClientRect();
  const [before, after] = [own.left - room.left, room.right - own.right];
  const isSheet = Math.max(before, after) < LEAST_BESIDE;
  host().classList.toggle("gv-sheet", isSheet);
  document.body.dataset.beside = isSheet ? "sheet" : "beside";
  if (isSheet) return void host().removeAttribute("style");
  const isAfter = after >= before;
  const edges = page.panels.filter(({ plan }, other) => plan && other !== slot).map(({ slot: other }) => document.getElementById(`panel-${other}`).getBoundingClientRect());
  const widths = edges.map(({ left, right }) => (isAfter ? right - own.right : own.left - left)).filter((width) => width >= GOOD_BESIDE);
  const width = Math.min(isAfter ? after : before, ...widths);
  Object.assign(host().style, { left: `${isAfter ? own.right - room.left + 1 : own.left - room.left - width}px`, width: `${width - 1}px` });
}

new ResizeObserver(() => slotNow() !== null && place(slotNow())).observe(document.body);

// What lies under the panel is not in the order of Tab.
function cover(slot) {
  const box = slot === null || document.body.dataset.beside === "sheet" ? null : host().getBoundingClientRect();
  for (const { slot: other } of page.panels) {
    const panel = document.getElementById(`panel-${other}`);
    const own = panel.getBoundingClientRect();
    panel.inert = box !== null && other !== slot && own.left < box.right - 2 && own.right > box.left + 2;
  }
}

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
  const isClosed = slot === null;
  const isOpening = host().hidden && !isClosed;
  if (host().hidden !== isClosed) {
    host().hidden = isClosed;
    if (isClosed) {
      Object.assign(state, { shown: null, other: null, hovered: null, selected: null });
      written = "";
      parts?.table.clear();
      document.body.dataset.beside = "off";
      host().removeAttribute("style");
      cover(null);
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
  if (isOpening && document.body.dataset.beside === "sheet") showAbove(slot);
  follow();
}

// The picture is to be seen above the sheet.
function showAbove(slot) {
  const picture = /** @type {HTMLElement} */ (document.querySelector(`.gv-picture[data-slot="${slot}"]`));
  picture.style.scrollMarginTop = "calc(var(--app-shell-header-height, 48px) + 4px)";
  picture.scrollIntoView({ block: "start" });
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
  refill("rows-told", JSON.stringify([error, shown?.request, state.other?.request, page.view.rows]), ...(error ? [element("p", "gv-error", error)] : shown ? toldOf(shown) : [element("p", "", "Computing")]));
  if (!shown) return;
  const key = JSON.stringify([shown.request, state.order]);
  if (written === key) return;
  written = key;
  const mean = haveArrows(shown.rows) ? sumOf(/** @type {any[]} */ (shown.rows)) : null;
  parts.table.show(sortedRows(shown.rows, state.order, shown), shown, mean);
  parts.composer.show();
  mark();
}

function toldOf(shown) {
  const { rows } = shown;
  const facts = [`${rows.length} row${rows.length > 1 ? "s" : ""}`];
  const below = rows.filter((row) => row.below).length;
  if (rows[0]?.below !== null && !shown.has_classes) facts.push(`${below} below target`);
  if (shown.has_classes) facts.push(`${rows.filter(({ prediction, target }) => prediction === target).length} right`);
  if (!haveArrows(rows)) return [element("p", "", facts.join(", ")), element("p", "gv-rows-note", shown.sentence)];
  const { along, against, none } = sidesOf(rows);
  const sides = [`${along} along the arrow`, `${against} against it`, ...(none ? [`${none} without one`] : [])];
  const special = shown.coupled || shown.has_masks || rows[0].share === null;
  return [
    element("p", "", facts.join(", ")),
    element("p", "gv-rows-sides", element("i", "gv-along"), `${sides[0]}  `, element("i", "gv-against"), sides.slice(1).join(", ")),
    element("p", "", `|∇J| = ${number(lengthOf(shown))}`, turnedWords(shown)),
    special ? element("p", "gv-rows-note", shown.sentence) : null,
  ].filter(Boolean);
}

// How far composing has turned the arrow from that of the recorded minibatch.
function turnedWords(shown) {
  const { other } = state;
  if (!page.view.rows || !other || other.u === null || other.request.epoch !== shown.request.epoch) return "";
  const turn = turnBetween(other, shown);
  const before = new Set(other.rows.map(({ row }) => row));
  const fresh = shown.rows.filter(({ row }) => !before.has(row)).length;
  return turn === null ? "" : `, turned by ${Math.round(Math.abs(turn))}° from minibatch ${page.view.minibatch} (${fresh} other row${fresh === 1 ? "" : "s"})`;
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
  const composer = new RowComposer({ context, hover: hoverOther });
  const aboutKinks = element("p", "gv-rows-note");
  aboutKinks.setAttribute("role", "status");
  const folds = element("div", "gv-rows-folds");
  host().replaceChildren(
    element("div", "gv-rows-head", title, button("×", close, "gv-close gv-rows-close")),
    element("div", "gv-rows-sum", compass, Object.assign(element("div", "gv-rows-words", told, detail), { tabIndex: 0, role: "group", ariaLabel: "The row that is pointed at, or what all have in common" })),
    element("div", "gv-rows-bar", orderChoice(), netChoice()),
    aboutKinks, table.element, composer.element, folds,
  );
  host().querySelector(".gv-rows-close").setAttribute("aria-label", "Close the rows");
  compass.addEventListener("pointermove", ({ offsetX, offsetY }) => hover(rowOnCompass(offsetX, offsetY)));
  compass.addEventListener("pointerleave", () => hover(null));
  compass.addEventListener("click", () => state.hovered !== null && (select(state.hovered), table.reveal(state.hovered)));
  sizeOfCanvas(compass);
  watchCanvas(compass, drawMarks);
  for (const fold of FOLDS) fold.mount(folds, context());
  return { title, compass, detail, aboutKinks, table, composer, slot: null };
}

/** Modules whose parts stand under the list: `mount(element, context)`. @type {{mount: (element: HTMLElement, context: any) => void}[]} */
const FOLDS = [{ mount: mountInfluence }];

function orderChoice() {
  const words = { share: "share", direction: "direction", residual: "residual" };
  const choice = element("fieldset", "gv-rows-order", element("legend", "gv-hidden", "Sorted by"));
  for (const [order, word] of Object.entries(words)) {
    const radio = Object.assign(element("input"), { type: "radio", name: "rows-order", value: order, checked: order === state.order });
    radio.addEventListener("change", () => {
      state.order = /** @type {Order} */ (order);
      write(planNow(), null);
    });
    choice.append(element("label", "", radio, element("span", "", word)));
  }
  return choice;
}

function netChoice() {
  const box = Object.assign(element("input"), { type: "checkbox", checked: state.isNet });
  box.addEventListener("change", () => {
    state.isNet = box.checked;
    drawLayer();
  });
  const choice = element("label", "gv-rows-net", box, element("span", "", "all kinks"));
  choice.title = "The lines at which a gate of any row switches, or its residual changes sign";
  return choice;
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
  if (slot !== null) drawRowLayer(slot, field ? { frame: frameOf(field), kinks: null, net: null } : null);
}

function select(row) {
  state.selected = state.selected === row ? null : row;
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

// The fields of the row that is pointed at, or selected, by their names.
function sayDetail() {
  const row = rowAt(state.hovered ?? state.selected);
  const hasFields = row && row.text !== null && typeof row.text === "object";
  parts.told ??= document.getElementById("rows-told");
  parts.told.hidden = Boolean(hasFields);
  parts.detail.replaceChildren(...(hasFields ? [element("b", "", `Row ${row.row}`), fieldList(row.text)] : []));
}

function fieldList(text) {
  return element("dl", "", ...Object.entries(text).map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value || "missing"))));
}

function drawLayer() {
  const slot = slotNow();
  if (slot === null) return;
  const plan = planNow();
  const row = state.hovered ?? state.selected;
  const field = row === null ? undefined : fieldAtHand(plan, row);
  const wantsLines = row !== null && !isBusy();
  const asked = state.isNet && !isBusy() ? kinksOf(plan, null, drawLayer) : null;
  const net = asked?.answer ?? null;
  const isInNet = net !== null && row !== null && hasAllKinks(net, row);
  const own = isInNet ? net : wantsLines ? kinksOf(plan, row, drawLayer).answer ?? null : null;
  if (parts) parts.aboutKinks.textContent = net ? kinksSentence(net) : asked?.error ?? "";
  const numKinks = row === null ? 0 : (own?.segments.get(row)?.length ?? 0) / 4;
  state.layer = { row, hasField: Boolean(field), hasKinks: Boolean(own), numKinks, hasNet: Boolean(net) };
  drawRowLayer(slot, row === null && !net ? null : { frame: field ? frameOf(field) : null, row, kinks: own, net });
}

function frameOf({ u, v }) {
  const size = u.length;
  const isZero = Uint8Array.from(u, (_, k) => (u[k] === 0 && v[k] === 0 ? 1 : 0));
  const lengths = Float32Array.from(u, (_, k) => Math.hypot(u[k], v[k]));
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const range = longest > 0 ? { low: -1, high: 0, longest } : null;
  return { u, v, loss: new Float32Array(size), isZero, points: Math.round(Math.sqrt(size)), range };
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
  if (rows && !rows.length) return;
  const { shown } = state;
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
