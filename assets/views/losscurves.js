// The loss curves over the epoch slider: the chosen epoch is marked, and a click or drag goes to an epoch.

import { lossFigure } from "../pure/figure.js";
import { grouped, groupsWithin, metricsOfSeeds } from "../pure/groups.js";
import { setProps } from "../page/dash.js";
import { element, fill, plotIn } from "../page/dom.js";
import { dragAlong } from "../page/drag.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { goToEpoch, settle } from "../page/sliders.js";
import { colourOf, groupColour, labelOf, page, seedGroups } from "../page/state.js";

let drawn = "";
let listening = null;
let epoch = 0;

export function showLosses(chosen, anyway = false) {
  const lengths = Object.values(page.runs).map((run) => run.metrics.epoch.length);
  const lastEpoch = Math.max(1, ...Object.values(page.runs).map((run) => run.planned_epochs));
  const curves = curvesOf(chosen);
  const key = JSON.stringify([lengths, lastEpoch, chosen, Object.values(page.runs).map((run) => run.stamp), curves.map(({ label }) => label)]);
  if (key === drawn && !anyway) return;
  drawn = key;
  legend(curves);
  setProps("loss", { figure: lossFigure(curves, lastEpoch, paletteNow()) });
  awaitGraph();
}

// At the page's first curves, plotly.js may still be on its way.
function awaitGraph() {
  if (!markLosses(epoch)) requestAnimationFrame(awaitGraph);
}

// One for each run, or one for all seeds of a configuration that have begun.
function curvesOf(chosen) {
  const runs = Object.entries(page.runs).map(([run, { metrics }]) => ({ run, label: labelOf(run), colour: colourOf(run), isChosen: chosen.includes(run), metrics }));
  const begun = runs.filter(({ metrics }) => metrics.epoch.length).map(({ run }) => run);
  return grouped(runs, groupsWithin(seedGroups(), begun), ({ run }) => run, joined);
}

/** The curves as a table, the first row its head. @returns {(string | number | null)[][]} */
export function lossRows(chosen) {
  const columns = ["train_loss", "test_loss"];
  const head = columns.flatMap((column) => [column, `${column}_smallest`, `${column}_largest`]);
  const rows = curvesOf(chosen).flatMap(({ label, metrics, spreads }) => metrics.epoch.map((one, k) => [
    label, one, ...columns.flatMap((column) => [metrics[column][k], spreads?.[column][k]?.low ?? null, spreads?.[column][k]?.high ?? null]),
    spreads ? Math.max(...columns.map((column) => spreads[column][k]?.n ?? 0)) : 1,
  ]));
  return [["of", "epoch", ...head, "seeds"], ...rows];
}

function joined(group, curves) {
  const { metrics, spreads } = metricsOfSeeds(curves.map((curve) => curve.metrics), ["train_loss", "test_loss"]);
  const label = `${group.label}, n = ${curves.length}`;
  return { label, colour: groupColour(group), isChosen: curves.some(({ isChosen }) => isChosen), metrics, spreads };
}

function legend(curves) {
  const entries = curves.map(({ label, colour, isChosen }) => {
    const swatch = element("i", "gv-swatch");
    swatch.style.background = colour;
    return element("span", isChosen ? "gv-chosen" : "", swatch, label);
  });
  const lines = [["gv-line", "test"], ["gv-line gv-dotted", "train"]].map(([name, text]) => element("span", "", element("i", name), text));
  if (curves.some(({ spreads }) => spreads)) lines.push(element("span", "", element("i", "gv-band"), "mean, smallest to largest of n seeds"));
  fill("legend", JSON.stringify([curves.map(({ label, isChosen }) => [label, isChosen]), scheme()]), ...entries, ...lines);
}

// Marks the epoch; false if there are no curves yet to mark it on.
export function markLosses(at) {
  epoch = at;
  const graph = plotIn("loss");
  const line = document.getElementById("loss-mark");
  if (!graph || !graph.on || !graph._fullLayout || !graph._fullLayout.meta) return false;
  if (listening !== graph) listen(graph);
  const { xaxis, yaxis } = graph._fullLayout;
  line.style.transform = `translateX(${xaxis._offset + xaxis.d2p(epoch)}px)`;
  const [top, height] = [`${yaxis._offset}px`, `${yaxis._length}px`];
  if (line.style.top !== top || line.style.height !== height) Object.assign(line.style, { top, height });
  line.dataset.epoch = `${epoch}`;
  return true;
}

function listen(graph) {
  listening = graph;
  graph.on("plotly_afterplot", () => markLosses(epoch));
  const go = (event) => {
    const { xaxis } = graph._fullLayout;
    const at = xaxis.p2d(event.clientX - graph.getBoundingClientRect().left - xaxis._offset);
    goToEpoch(Math.max(0, Math.round(at)));
  };
  dragAlong(graph, { go, onEnd: settle });
}
