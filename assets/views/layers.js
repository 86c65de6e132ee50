// The layers of a network as a choice: buttons where there is room for them, else a list.

import { hasDirections } from "../pure/axes.js";
import { defaultPair, layerOf } from "../pure/parameters.js";
import { shortPair } from "../pure/shortnames.js";
import { conductor } from "../page/conductor.js";
import { setProps } from "../page/dash.js";
import { element, fill } from "../page/dom.js";
import { site } from "../page/site.js";
import { page } from "../page/state.js";

const ROOM = 33; // letters of 12 pixels side by side, of which a button takes two besides its own
const shown = {}; // side -> what its buttons were last set to

/** A layer shows its first two biases, unless a pair of that layer is on show. @param {string} layer @param {string} side */
export function showLayer(layer, side) {
  const { view, runs } = page;
  const run = view && runs[view.run];
  const [x, y] = [`x_${side}`, `y_${side}`];
  if (!layer || !run || (layerOf(view[x], run) === layer && layerOf(view[y], run) === layer)) return;
  const pair = defaultPair(layer, run);
  if (pair) conductor.choose({ [x]: pair[0], [y]: pair[1] });
}

/** Brings both choices in line with the parameters on show. */
export function showLayers() {
  const { view } = page;
  const run = page.runs[view.run];
  if (!run) return;
  if (site) return showPairs(run);
  const layers = run.layers.map(({ value, label }) => ({ value, label: /\w/.test(value) ? value : label }));
  const hasRoom = layers.reduce((sum, { label }) => sum + label.length + 2, 0) <= ROOM;
  document.body.dataset.layers = hasRoom ? "buttons" : "list";
  for (const side of ["a", "b"]) {
    const [a, b] = [view[`x_${side}`], view[`y_${side}`]].map((name) => layerOf(name, run));
    const value = a === b ? a : "";
    if (hasRoom) setButtons(side, { data: layers, value });
    setList(side, layers, value, showLayer);
  }
}

// Of a published site: the pairs that are in it.
function showPairs(run) {
  document.body.dataset.layers = "list";
  const pairs = site.pairs[run.run].map(([x, y]) => ({ value: JSON.stringify([x, y]), label: shortPair(x, y, run, true) }));
  for (const side of ["a", "b"]) {
    const pair = [page.view[`x_${side}`], page.view[`y_${side}`]];
    setList(side, pairs, JSON.stringify(pair), (value) => {
      const [x, y] = JSON.parse(value);
      conductor.choose({ [`x_${side}`]: x, [`y_${side}`]: y });
    });
  }
}

// Set to the same again, they would undo a click that has not been told yet.
function setButtons(side, props) {
  if (shown[side] === JSON.stringify(props)) return;
  shown[side] = JSON.stringify(props);
  setProps(`layer-${side}`, props);
}

function setList(side, layers, value, choose) {
  const host = document.getElementById(`layers-${side}`);
  fill(host.id, JSON.stringify(layers), listOf(side, layers, host.dataset.label, choose));
  const list = /** @type {HTMLSelectElement} */ (host.firstChild);
  list.value = value;
  if (list.value !== value) list.value = "";
  list.options[0].text = site ? "another pair" : hasDirections({ x: page.view[`x_${side}`], y: page.view[`y_${side}`] }) ? "along directions" : "of two layers";
}

function listOf(side, layers, label, choose) {
  const none = new Option("of two layers", "");
  none.hidden = true;
  const list = element("select", "gv-speed gv-layer-list", none, ...layers.map(({ value, label: text }) => new Option(text, value)));
  list.setAttribute("aria-label", label);
  list.addEventListener("change", () => choose(list.value, side));
  return list;
}
