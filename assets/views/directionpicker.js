// Choosing the plane of a picture along directions: planes that are chosen often, a search over what the run offers, and what
// the plane holds, before it is shown.

import { axisWords, hasDirections, isDirection } from "../pure/axes.js";
import { foundAxes, lackOf, meaningOf, presets } from "../pure/directions.js";
import { patience } from "../pure/patience.js";
import { minibatchWords } from "../pure/rows.js";
import { acrossSentence, shareSentence, unitSentence } from "../pure/toldplane.js";
import { isOutcome, jsonFrom, mayPass } from "../page/api.js";
import { conductor } from "../page/conductor.js";
import { button, element } from "../page/dom.js";
import { showNotices } from "../page/notices.js";
import { onPress } from "../page/openers.js";
import { checkpointNow, drawsMasks, labelOf, minibatchSize, page } from "../page/state.js";

/** @import { Where } from "../pure/directions.js" */

const REST_MS = 350; // the choice rests: then it is asked what the plane holds
const MOST_LISTED = 40;
const FAN = "fan"; // the side that is the plane of the paths
const FAN_SIZE = 64; // rows of the minibatches of its directions, as gradviz/compute/paths_plane.py takes them
const SYMBOLS = { x: "x₁", y: "x₂" };

let dialog = null;
/** @type {{side: string, where: Where, x: string | null, y: string | null} | null} */
let state = null; // null while the dialog is closed
let parts = null; // elements of the dialog
let asking = null; // {controller, timer, failures} of what is asked of the plane
const refusals = new Map(); // question -> the server's sentence

function open(side) {
  const where = side === FAN ? checkpointOfPaths() : checkpointNow();
  if (!where) return showNotices([`Epoch ${page.view.epoch} has no checkpoint that directions could lead from.`], "picker");
  if (where.run.cannot) return showNotices([where.run.cannot], "picker");
  showNotices([], "picker");
  const { view } = page;
  const [x, y] = [view[`x_${side}`], view[`y_${side}`]];
  state = { side, where, ...(hasDirections({ x, y }) || side === FAN ? { x, y } : { x: null, y: null }) };
  if (!dialog) create();
  build();
  dialog.showModal();
  /** @type {HTMLElement | null} */ (dialog.querySelector(".gv-preset:not(:disabled)"))?.focus();
  showChoice();
}

// The plane of paths does not depend on the minibatch and the mode of the pictures.
function checkpointOfPaths() {
  const where = checkpointNow();
  const { run } = where ?? {};
  return where && { ...where, minibatch: 0, rows: null, minibatches: run.minibatches[FAN_SIZE] ?? Object.values(run.minibatches)[0] ?? 0, ofPaths: true };
}

function create() {
  dialog = element("dialog", "gv-dialog gv-picker gv-directions");
  dialog.setAttribute("role", "dialog"); // the page's keys look for it
  dialog.setAttribute("aria-labelledby", "directions-title");
  dialog.addEventListener("close", () => {
    forget();
    state = null;
  });
  document.body.append(dialog);
}

// Back and forward may lead to another run.
window.addEventListener("popstate", () => dialog?.close());

// ---- what is in it --------------------------------------------------------------------------------------------

function build() {
  const { side, where } = state;
  const { view } = page;
  const title = element("h2", "", side === FAN ? "The plane of the paths" : view.view === "explore" ? `Directions for the ${side === "a" ? "left" : "right"} picture` : "Directions");
  title.id = "directions-title";
  const close = button("×", () => dialog.close(), "gv-close");
  close.setAttribute("aria-label", "Close");
  const sub = `${labelOf(where.run.run)} · epoch ${where.epoch} · ${side === FAN ? "eval mode" : `${minibatchWords(where)} · ${view.mode} mode`}`;

  const list = element("div", "gv-direction-list");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Directions that this run offers");
  const search = element("input", "gv-direction-search");
  Object.assign(search, { type: "search", placeholder: "gradient, towards, random:7, a parameter …", spellcheck: false, autocomplete: "off" });
  search.setAttribute("aria-label", "Search directions");
  search.addEventListener("input", showList);
  const chosen = element("div", "gv-direction-chosen");
  const told = element("div", "gv-direction-told");
  told.setAttribute("role", "status");
  const apply = button("Show", show, "gv-button gv-apply");
  parts = { list, search, chosen, told, apply, presets: element("div", "gv-presets", ...presets(where).map(presetButton)) };
  dialog.replaceChildren(
    element("header", "gv-dialog-head", title, element("span", "gv-sub", sub), close),
    element("div", "gv-picker-body",
      element("div", "", element("h3", "", "Planes"), parts.presets, element("h3", "", "This plane"), element("div", "gv-direction-plane", element("div", "", chosen, told), apply)),
      element("div", "", element("h3", "", "Directions one by one"), search, list)),
  );
  showList();
}

function presetButton(preset) {
  const { name, about, x, y } = preset;
  const lack = preset.lack ?? refusals.get(questionOf(x, y)) ?? null;
  const made = button("", () => choose({ x, y }), "gv-suggestion gv-preset");
  made.append(element("b", "", name), element("span", "", lack ?? `${about}.`));
  made.disabled = lack !== null;
  Object.assign(made.dataset, { x, y });
  return made;
}

function showList() {
  const found = foundAxes(parts.search.value, state.where);
  const rest = found.length - MOST_LISTED;
  parts.list.replaceChildren(
    ...found.slice(0, MOST_LISTED).map(rowOf),
    ...(found.length ? [] : [element("p", "gv-sub", "This checkpoint has no such direction.")]),
    ...(rest > 0 ? [element("p", "gv-sub", `and ${rest} more: search for them.`)] : []),
  );
}

function rowOf(text) {
  const words = axisWords(text);
  const choices = Object.entries(SYMBOLS).map(([axis, symbol]) => {
    const one = button(symbol, () => choose({ [axis]: text }), "gv-button gv-tab");
    one.setAttribute("aria-label", `${symbol}: ${words}`);
    one.setAttribute("aria-pressed", `${state[axis] === text}`);
    Object.assign(one.dataset, { axis, text });
    return one;
  });
  return element("div", "gv-direction", element("b", "", words), element("span", "gv-sub", isDirection(text) ? `${text} · 1 is ${meaningOf(text, state.where)}` : "one parameter, in its own unit"), element("span", "gv-tabs", ...choices));
}

// ---- what is chosen -------------------------------------------------------------------------------------------

function choose(choices) {
  Object.assign(state, choices);
  showChoice();
}

function showChoice() {
  const { x, y } = state;
  for (const one of parts.list.querySelectorAll("[data-axis]")) one.setAttribute("aria-pressed", `${state[one.dataset.axis] === one.dataset.text}`);
  for (const one of parts.presets.children) one.setAttribute("aria-pressed", `${one.dataset.x === x && one.dataset.y === y}`);
  parts.chosen.replaceChildren(...["x", "y"].map((axis) => element("p", "", element("b", "", SYMBOLS[axis]), ` ${state[axis] ? axisWords(state[axis]) : "not chosen yet"}`)));
  forget();
  const lack = lackOfChoice();
  parts.apply.disabled = lack !== null;
  if (lack) return tell(lack);
  tell("Asking what this plane holds…");
  asking.timer = setTimeout(ask, REST_MS);
}

// Why there is no such plane; null if there may be one.
function lackOfChoice() {
  const { x, y, where } = state;
  if (!x || !y) return x || y ? `Choose ${x ? "x₂" : "x₁"} too.` : "Choose a plane, or a direction for each axis.";
  if (x === y) return "A plane needs two different directions.";
  return [x, y].filter(isDirection).map((text) => lackOf(text, where)).find(Boolean) ?? refusals.get(questionOf(x, y)) ?? null;
}

function show() {
  const { side, x, y } = state;
  dialog.close();
  conductor.choose({ [`x_${side}`]: x, [`y_${side}`]: y });
}

// ---- what the plane holds -------------------------------------------------------------------------------------

// Whatever was asked is no longer wanted.
function forget() {
  clearTimeout(asking?.timer);
  asking?.controller.abort();
  asking = { controller: new AbortController(), timer: null, failures: 0 };
}

function questionOf(x, y) {
  const { run, epoch, minibatch, rows, ofPaths } = state.where;
  const plane = (query) => `api/v1/plane?${new URLSearchParams({ ...query, parts: "axes" })}#${page.runs[run.run]?.stamp}`;
  if (ofPaths) return plane({ run: run.run, epoch: `${epoch}`, x, y });
  const which = rows ? { rows } : { minibatch: `${minibatch}` };
  const { mode, masks, seed } = page.view;
  const random = mode === "train" && drawsMasks(run.run) ? { masks, seed: `${seed}` } : {};
  const query = { run: run.run, epoch: `${epoch}`, x, y, ...which, minibatch_size: `${minibatchSize(run.run)}`, mode, ...random };
  return plane(query);
}

async function ask() {
  const mine = asking;
  const question = questionOf(state.x, state.y);
  try {
    const told = await jsonFrom(question.split("#")[0], { signal: mine.controller.signal });
    if (mine === asking) tell(...sentencesOf(told));
  } catch (error) {
    if (mine !== asking || error.name === "AbortError") return;
    if (!isOutcome(error)) throw error;
    if (mayPass(error)) mine.timer = setTimeout(ask, patience(++mine.failures, error.seconds));
    else refuse(question, error.message);
    tell(error.message);
  }
}

// There is no such plane at this checkpoint: nothing is shown, and its preset says why.
function refuse(question, message) {
  refusals.set(question, message);
  parts.apply.disabled = true;
  const focused = parts.presets.contains(document.activeElement);
  parts.presets.replaceChildren(...presets(state.where).map(presetButton));
  if (focused) parts.presets.querySelector("button:not(:disabled)")?.focus();
}

function sentencesOf(plane) {
  const { x, y } = plane;
  if (state.where.ofPaths) return [unitSentence(plane), acrossSentence(y), ...x.notes, ...y.notes, "How much of the ways lies in it is told with them: their replicas are not kept, and are trained for each plane."].filter(Boolean);
  return [unitSentence(plane), acrossSentence(y), shareSentence(plane, `epoch ${state.where.epoch}`), ...x.notes, ...y.notes, plane.statistics].filter(Boolean);
}

function tell(...sentences) {
  parts.told.replaceChildren(...sentences.map((text) => element("p", "", text)));
}

onPress("directions", open);
