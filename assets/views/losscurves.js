// The curves over the epoch slider, of the losses or of what else a study measures: the chosen epoch is marked, and a click
// or drag goes to an epoch.

import { chosenFamily, columnName, COLUMNS, columnsOf, familiesOf, familyTitle, isLogarithmic } from "../pure/curves.js";
import { curveLabels } from "../pure/curvelabels.js";
import { lossFigure } from "../pure/figure.js";
import { grouped, groupsWithin, metricsOfSeeds } from "../pure/groups.js";
import { factName } from "../pure/minibatch.js";
import { setProps } from "../page/dash.js";
import { button, element, fill, plotIn } from "../page/dom.js";
import { conductor } from "../page/conductor.js";
import { dragAlong } from "../page/drag.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { goToEpoch, settle } from "../page/sliders.js";
import { colourOf, groupColour, labelOf, page, seedGroups, shownRuns } from "../page/state.js";
import { curvesRight, makeRoom, placeNames } from "./curvenames.js";

let drawn = "";
let labels = []; // of the curves that are drawn
let hasBands = false;
let listening = null;
let epoch = 0;
let chosenNow = [];
const widened = new ResizeObserver(() => labels.length && makeRoom(namesOf(labels)) && showLosses(chosenNow, true));

export function showLosses(chosen, anyway = false) {
  const family = familyOf(chosen);
  const runs = runsBeside(chosen);
  const lengths = runs.map((run) => run.metrics.epoch.length);
  const curves = curvesOf(chosen);
  offerFamilies(chosen, family);
  const key = JSON.stringify([lengths, endOfEpochs(chosen), family, chosen, runs.map((run) => run.stamp), curves.map(({ label }) => label)]);
  if (key === drawn && !anyway) return;
  drawn = key;
  labels = curveLabels(curves, isLogarithmic(family));
  hasBands = curves.some(({ spreads }) => spreads);
  chosenNow = chosen;
  makeRoom(namesOf(labels));
  widened.observe(document.getElementById("loss"));
  setProps("loss", { figure: lossFigure(curves, endOfEpochs(chosen), paletteNow(), { title: familyTitle(family, runs), isLog: isLogarithmic(family), right: curvesRight() }) });
  awaitGraph();
}

const namesOf = (named) => named.map(({ text }) => text);

// The runs on show, and beside them those of the same studies: curves of others measure other things.
function runsBeside(chosen) {
  const studies = new Set(chosen.map((name) => page.runs[name]?.study));
  const runs = Object.values(page.runs);
  return runs.some(({ study }) => studies.has(study)) ? runs.filter(({ study }) => studies.has(study)) : runs;
}

// Where the axis of the epochs ends.
export function endOfEpochs(chosen) {
  return Math.max(1, ...runsBeside(chosen).map((run) => run.planned_epochs));
}

// ---- which curves ---------------------------------------------------------------------------------------------

function runsOnShow(chosen) {
  const runs = chosen.flatMap((name) => page.runs[name] ?? []);
  return runs.length ? runs : runsBeside(chosen);
}

function familyOf(chosen) {
  return chosenFamily(page.view?.metric ?? "", familiesOf(runsOnShow(chosen)));
}

/** What the curves are called: "losses", "accuracy". */
export function curvesName() {
  const family = familyOf(shownRuns());
  return family === "loss" ? "losses" : factName(family);
}

// Above the curves, where a run on show has more than one family of them.
function offerFamilies(chosen, family) {
  const names = familiesOf(runsOnShow(chosen));
  const host = document.getElementById("families");
  const isThere = names.length > 1;
  if (host.hidden === isThere) host.hidden = !isThere;
  fill(host.id, JSON.stringify(names), ...names.map((name) => {
    const one = button(factName(name), () => conductor.choose({ metric: name === names[0] ? "" : name }), "gv-family");
    one.dataset.family = name;
    return one;
  }));
  for (const one of host.children) one.setAttribute("aria-pressed", `${/** @type {HTMLElement} */ (one).dataset.family === family}`);
}

// ---- drawing --------------------------------------------------------------------------------------------------

// At the page's first curves, plotly.js may still be on its way.
function awaitGraph() {
  if (!markLosses(epoch)) requestAnimationFrame(awaitGraph);
}

// One for each run, or one for all seeds of a configuration that have begun.
function curvesOf(chosen) {
  const family = familyOf(chosen);
  const runs = runsBeside(chosen).map((told) => ({ run: told.run, label: labelOf(told.run), colour: colourOf(told.run), isChosen: chosen.includes(told.run), metrics: columnsOf(told, family) }));
  const begun = runs.filter(({ metrics }) => metrics.epoch.length).map(({ run }) => run);
  return grouped(runs, groupsWithin(seedGroups(), begun), ({ run }) => run, joined);
}

/** The curves as a table, the first row its head. @returns {(string | number | null)[][]} */
export function lossRows(chosen) {
  const curves = curvesOf(chosen);
  const columns = columnsIn(curves);
  const head = columns.map((column) => columnName(column, familyOf(chosen))).flatMap((column) => [column, `${column}_smallest`, `${column}_largest`]);
  const rows = curves.flatMap(({ label, metrics, spreads }) => metrics.epoch.map((one, k) => [
    label, one, ...columns.flatMap((column) => [metrics[column]?.[k] ?? null, spreads?.[column]?.[k]?.low ?? null, spreads?.[column]?.[k]?.high ?? null]),
    spreads ? Math.max(...columns.map((column) => spreads[column]?.[k]?.n ?? 0)) : 1,
  ]));
  return [["of", "epoch", ...head, "seeds"], ...rows];
}

function columnsIn(curves) {
  return COLUMNS.filter((column) => curves.some(({ metrics }) => metrics[column]));
}

function joined(group, curves) {
  const { metrics, spreads } = metricsOfSeeds(curves.map((curve) => curve.metrics), COLUMNS.filter((column) => curves.every((curve) => curve.metrics[column])));
  const label = `${group.label}, n = ${curves.length}`;
  return { label, colour: groupColour(group), isChosen: curves.some(({ isChosen }) => isChosen), metrics, spreads };
}

// Each curve has its name at its end. Beside the slider stand the runs whose names found no room there, and what a band is.
function nameCurves(graph) {
  const left = placeNames(labels, graph);
  const named = new Set(labels.filter((label) => !left.includes(label)).map(({ run }) => run));
  const runs = new Map(left.filter(({ run }) => !named.has(run)).map((label) => [label.run, label]));
  const entries = [...runs.values()].map(({ run, colour, isChosen }) => {
    const swatch = element("i", "gv-swatch");
    swatch.style.background = colour;
    return element("span", isChosen ? "gv-chosen" : "", swatch, run);
  });
  if (hasBands) entries.push(element("span", "", element("i", "gv-band"), "mean, smallest to largest of n seeds"));
  fill("legend", JSON.stringify([entries.map(({ textContent, className }) => [textContent, className]), scheme()]), ...entries);
}

// Marks the epoch; false if there are no curves yet to mark it on.
export function markLosses(at) {
  epoch = at;
  const graph = plotIn("loss");
  const line = document.getElementById("loss-mark");
  if (!graph || !graph.on || !graph._fullLayout || !graph._fullLayout.meta) return false;
  if (listening !== graph) listen(graph), nameCurves(graph);
  const { xaxis, yaxis } = graph._fullLayout;
  line.style.transform = `translateX(${xaxis._offset + xaxis.d2p(epoch)}px)`;
  const [top, height] = [`${yaxis._offset}px`, `${yaxis._length}px`];
  if (line.style.top !== top || line.style.height !== height) Object.assign(line.style, { top, height });
  line.dataset.epoch = `${epoch}`;
  return true;
}

function listen(graph) {
  listening = graph;
  graph.on("plotly_afterplot", () => markLosses(epoch) && nameCurves(graph));
  const go = (event) => {
    const { xaxis } = graph._fullLayout;
    const at = xaxis.p2d(event.clientX - graph.getBoundingClientRect().left - xaxis._offset);
    goToEpoch(Math.max(0, Math.round(at)));
  };
  dragAlong(graph, { go, onEnd: settle });
}
