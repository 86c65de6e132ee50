// Picking the two parameters of a picture from the units of a layer: on their map, from a list, or from the suggestions.

import { percent } from "../pure/formats.js";
import { isOfNorm, layerOf, mistakeIn, siblingOf, unitOf } from "../pure/parameters.js";
import { shortName } from "../pure/shortnames.js";
import { tensorOf, tensorWith } from "../pure/tensors.js";
import { nextUnit, unitAt, unitLayout, unitWords } from "../pure/units.js";
import { isOutcome, jsonFrom } from "../page/api.js";
import { conductor } from "../page/conductor.js";
import { button, element } from "../page/dom.js";
import { showNotices } from "../page/notices.js";
import { onPress } from "../page/openers.js";
import { watchScheme } from "../page/scheme.js";
import { drawsMasks, hasSizes, labelOf, minibatchSize, page, shownRuns } from "../page/state.js";
import { drawUnits } from "./unitmap.js";

const HEIGHT = 330;
let dialog = null;
let state = null; // what is picked from, see `show`; null while the dialog is closed
let parts = null; // elements of the dialog: {map, canvas, told, list, take, suggestions}

function open(side) {
  const name = shownRuns().find((one) => page.runs[one]?.epochs.includes(page.view.epoch));
  if (!name) return showNotices([`Epoch ${page.view.epoch} has no checkpoint to pick units of.`], "picker");
  const run = page.runs[name];
  const layers = layersOf(name);
  if (!layers.length) return showNotices([run.cannot ?? "This network has no layer with units to pick from: choose parameters by their names."], "picker");
  showNotices([], "picker");
  if (!dialog) create();
  const named = layers.find(({ value }) => value === layerOf(page.view[`x_${side}`], run));
  show({ side, name, layer: (named ?? layers.at(-1)).number, first: null });
  dialog.showModal();
}

// The layers whose units may be picked, each with its number for the server.
function layersOf(name) {
  return page.runs[name].layers.map((layer, number) => ({ ...layer, number })).filter((layer) => layer.has_units);
}

function create() {
  dialog = element("dialog", "gv-dialog gv-picker");
  dialog.setAttribute("role", "dialog"); // the page's keys look for it
  dialog.setAttribute("aria-labelledby", "picker-title");
  dialog.addEventListener("close", forget);
  document.body.append(dialog);
}

function forget() {
  state?.asking.abort();
  state = null;
}

// Back and forward may lead to another model.
window.addEventListener("popstate", () => dialog?.close());

// ---- what is in it --------------------------------------------------------------------------------------------

function build({ side, name, layer }) {
  const title = element("h2", "", page.view.view === "explore" ? `Two units for the ${side === "a" ? "left" : "right"} picture` : "Two units");
  title.id = "picker-title";
  const { epoch, mode } = page.view;
  const rows = hasSizes(name) ? ` · ${minibatchSize(name)} rows a minibatch` : "";
  const where = `${labelOf(name)} · epoch ${epoch} · ${mode} mode${isMasked() ? masksWords(name) : ""}${rows}`;
  const close = button("×", () => dialog.close(), "gv-close");
  close.setAttribute("aria-label", "Close");

  const layers = chosenFrom("Layer", layersOf(name).map(({ number, label, width }) => [number, `${label}, ${width} ${width === 1 ? "unit" : "units"}`]), layer, (value) => show({ ...state, layer: Number(value) }));
  const runs = page.view.view === "compare"
    ? chosenFrom("Units of", shownRuns().filter((one) => page.runs[one]?.epochs.includes(epoch) && layersOf(one).length).map((one) => [one, labelOf(one)]), name,
      (value) => show({ ...state, name: value, layer: sameLayer(value) }))
    : null;
  const list = chosenFrom("Units as a list", [], null, (value) => value !== "" && go(Number(value)));
  const take = button("", () => state.at !== null && pick(state.at));
  const canvas = element("canvas");
  const map = element("div", "gv-unit-map", canvas);
  map.tabIndex = 0;
  map.setAttribute("role", "application");
  map.setAttribute("aria-label", "Map of the units: arrow keys go from unit to unit, Enter picks");
  map.setAttribute("aria-describedby", "picker-told");
  const told = element("p", "gv-picker-told");
  told.id = "picker-told";
  told.setAttribute("role", "status");
  const suggestions = element("div", "gv-suggestions");
  parts = { map, canvas, told, list, take, suggestions };
  dialog.replaceChildren(
    element("header", "gv-dialog-head", title, element("span", "gv-sub", where), close),
    element("div", "gv-picker-body",
      element("div", "", element("div", "gv-picker-choices", runs, layers), map, told, key(), element("div", "gv-picker-choices", list, take)),
      element("div", "", element("h3", "", "Suggested pairs"), suggestions)),
  );
  listen(map, canvas);
}

// The layer of the same name in another run, or its last one.
function sameLayer(name) {
  const here = page.runs[state.name].layers[state.layer].value;
  const layers = layersOf(name);
  return (layers.find(({ value }) => value === here) ?? layers.at(-1)).number;
}

function chosenFrom(name, options, value, onChange) {
  const select = element("select", "gv-speed", ...options.map(([each, text]) => new Option(text, each, each === value, each === value)));
  select.setAttribute("aria-label", name);
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

function key() {
  const entry = (kind, text) => element("span", "", element("i", kind), text);
  return element("div", "gv-picker-key", entry("", "unit"), entry("gv-is-dead", "gradient zero"), entry("gv-is-on", "on show or picked"), entry("gv-is-suggested", "suggested"));
}

function isMasked() {
  return drawsMasks(state.name) && page.view.mode === "train";
}

// Units of minibatches that were recorded with the run are seen as each minibatch's gradient is.
function masksWords(name) {
  return hasSizes(name) ? " without masks" : " with masks of each minibatch's own";
}

// ---- what is known --------------------------------------------------------------------------------------------

// Begins anew with a layer of a run; the parameter that is picked already stays.
async function show({ side, name, layer, first }) {
  state?.asking.abort();
  state = { side, name, layer, first, units: null, pairs: null, layout: null, at: null, asking: new AbortController() };
  const asked = state;
  const focused = dialog.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  build(state);
  if (focused) dialog.querySelector(`[aria-label="${focused}"]`)?.focus();
  setBusy(true);
  tell("Computing the gradients of this layer's units…");
  parts.suggestions.replaceChildren("Looking for pairs…");
  const units = await answerOf(asked, "units");
  if (state !== asked) return;
  parts.map.setAttribute("aria-busy", "false");
  if (units.error) {
    parts.suggestions.replaceChildren();
    return tell(units.error);
  }
  asked.units = units;
  lay();
  parts.list.append(new Option("Units as a list", ""), ...asked.layout.units.map((one) => new Option(unitWords(one, rowsName(name)), one.unit)));
  tell(invitation());
  setTake();
  const pairs = await answerOf(asked, "pairs");
  if (state !== asked) return;
  asked.pairs = pairs.pairs ?? [];
  suggest(pairs);
  setBusy(false);
  draw();
}

function setBusy(on) {
  for (const part of [parts.map, parts.suggestions]) part.setAttribute("aria-busy", on);
  if (on) parts.take.textContent = "Pick";
  if (on) parts.take.disabled = true;
}

// The answer, or {error: one sentence}.
async function answerOf({ name, layer, asking }, what) {
  const { epoch, mode } = page.view;
  try {
    const address = `api/v1/${what}/${name}/${epoch}/${layer}?${new URLSearchParams({ minibatch_size: `${minibatchSize(name)}`, mode })}`;
    return await jsonFrom(address, { signal: asking.signal });
  } catch (error) {
    if (isOutcome(error)) return { error: error.message };
    if (error.name === "AbortError") return { error: "" };
    throw error;
  }
}

function suggest({ error, pairs }) {
  const host = parts.suggestions;
  if (error) return host.replaceChildren(error);
  if (!pairs.length) return host.replaceChildren(state.units.active ? "None: fewer than two units of this layer are active on 5–95 % of the rows and have a gradient." : "None: fewer than two units of this layer have a gradient.");
  host.replaceChildren(...pairs.map((pair) => {
    const names = [pair.x, pair.y].map(unitOf).join(" and ");
    const made = button("", () => choose(pair.x, pair.y), "gv-suggestion");
    const active = [pair.x_active, pair.y_active].includes(null) ? "" : `, active on ${percent(pair.x_active)} and ${percent(pair.y_active)}`;
    made.append(element("b", "", `units ${names}`), element("span", "", `R = ${(1 - pair.spread).toFixed(2)}${active}`));
    made.title = `How far the minibatches' gradients spread: 1 − R = ${pair.spread.toFixed(2)}. How far they are from lying on one line: ${pair.planarity.toFixed(2)} of 1.`;
    return made;
  }));
}

// ---- on the map -----------------------------------------------------------------------------------------------

const STEPS = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowUp: ["y", -1], ArrowDown: ["y", 1] };

function listen(map, canvas) {
  const meant = (event) => (state?.layout ? unitAt(state.layout, event.offsetX, event.offsetY) : null);
  canvas.addEventListener("pointermove", (event) => go(meant(event)));
  canvas.addEventListener("click", (event) => {
    const unit = meant(event);
    if (unit !== null) pick(unit);
  });
  map.addEventListener("keydown", (event) => {
    if (!state?.layout || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = STEPS[event.key];
    if (step) go(state.at === null ? nowShown()[0] ?? 0 : nextUnit(state.layout, state.at, ...step));
    else if (event.key === "Home" || event.key === "End") go(nextUnit(state.layout, state.at ?? 0, "x", event.key === "Home" ? -Infinity : Infinity));
    else if (event.key === "Enter" && state.at !== null) pick(state.at);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(() => state?.units && parts.map === map && lay()).observe(map);
}

function lay() {
  const width = parts.map.clientWidth;
  if (width) state.layout = unitLayout(state.units, width, HEIGHT);
  draw();
}

function go(unit) {
  if (!state?.layout || unit === state.at) return;
  state.at = unit;
  parts.list.value = unit ?? "";
  tell(unit === null ? invitation() : unitWords(state.layout.units[unit], rowsName(state.name)));
  setTake();
  draw();
}

function pick(unit) {
  const name = state.units.parameters[unit];
  if (state.first === name) return tell(`Unit ${unit} is x₁ already: a plane needs two.`);
  if (state.first !== null) return choose(state.first, name);
  state.first = name;
  tell(invitation());
  setTake();
  draw();
}

function setTake() {
  parts.take.textContent = state.first === null ? "Pick as x₁" : "Pick as x₂";
  parts.take.disabled = state.at === null;
}

// Side by side, every model must have both: where one has no β, the biases of the same units are shown.
function choose(x, y) {
  const { side } = state;
  const runs = shownRuns().flatMap((one) => page.runs[one] ?? []);
  const shared = (name) => (runs.every((run) => !mistakeIn(name, run)) ? name : siblingOf(name, "bias", page.runs[state.name]) ?? name);
  const choices = { [`x_${side}`]: shared(x), [`y_${side}`]: shared(y) };
  dialog.close();
  conductor.choose(choices);
}

// ---- what is said and drawn -----------------------------------------------------------------------------------

function invitation() {
  const { units } = state.layout;
  const { active, active_reason: reason, parameters } = state.units;
  const dead = units.filter(({ isDead }) => isDead).length;
  const rows = hasSizes(state.name) ? "training rows looked at" : rowsName(state.name);
  const counted = active ? `${dead} of ${units.length} units are dead on all ${rows} (the lower left corner).` : (reason ?? "");
  return state.first === null ? `Pick x₁. ${counted}${whoseGradients(parameters)}` : `x₁ is ${shortName(state.first, page.runs[state.name])}. Pick x₂, of this layer or another.`;
}

// Of which parameter of a unit the gradients are, where that is not its bias.
function whoseGradients([first]) {
  const run = page.runs[state.name];
  const { value } = run.layers[state.layer];
  const { kind, layer } = tensorOf(first, run);
  if (isOfNorm(first, run)) return layer === value && !tensorWith(value, "bias", run) ? "" : " Gradients are of β: batch statistics take the biases' out.";
  return kind === "bias" ? "" : " Gradients are of each unit's weights: the largest of them is picked.";
}

function tell(text) {
  parts.told.textContent = text;
}

// Units of this layer that the picture shows now.
function nowShown() {
  const { view } = page;
  const { value } = page.runs[state.name].layers[state.layer];
  return [view[`x_${state.side}`], view[`y_${state.side}`]].filter((name) => layerOf(name, page.runs[state.name]) === value).map(unitOf);
}

function draw() {
  if (!state?.layout) return;
  const { layout, at, first, pairs, units } = state;
  const picked = first === null ? nowShown() : [units.parameters.indexOf(first)].filter((unit) => unit >= 0);
  const shown = (pairs ?? []).flatMap((pair) => [pair.x, pair.y]).map(unitOf);
  drawUnits(parts.canvas, layout, { at, picked, shown, rows: rowsName(state.name) });
}

// Of which rows the shares are.
function rowsName(name) {
  return hasSizes(name) ? "training rows" : "rows of the minibatches";
}

onPress("pick", open);

watchScheme(draw);

// The units on the map, with their places in its pixels.
export function unitsOnMap() {
  return state?.layout?.units ?? [];
}
