// The loss curves over the epoch slider: the chosen epoch is marked, and a click or drag goes to an epoch.

import { lossFigure } from "../pure/figure.js";
import { setProps } from "../page/dash.js";
import { element, fill, plotIn } from "../page/dom.js";
import { dragAlong } from "../page/drag.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { goToEpoch, settle } from "../page/sliders.js";
import { colourOf, labelOf, page } from "../page/state.js";

let drawn = "";
let listening = null;
let epoch = 0;

export function showLosses(chosen, anyway = false) {
  const lengths = Object.values(page.runs).map((run) => run.metrics.epoch.length);
  const lastEpoch = Math.max(1, ...Object.values(page.runs).map((run) => run.planned_epochs));
  const key = JSON.stringify([lengths, lastEpoch, chosen, Object.values(page.runs).map((run) => run.stamp)]);
  if (key === drawn && !anyway) return;
  drawn = key;
  legend(chosen);
  setProps("loss", { figure: lossFigure(curvesOf(chosen), lastEpoch, paletteNow()) });
  awaitGraph();
}

// At the page's first curves, plotly.js may still be on its way.
function awaitGraph() {
  if (!markLosses(epoch)) requestAnimationFrame(awaitGraph);
}

function curvesOf(chosen) {
  return Object.entries(page.runs).map(([name, { metrics }]) => ({ label: labelOf(name), colour: colourOf(name), isChosen: chosen.includes(name), metrics }));
}

function legend(chosen) {
  const entries = Object.keys(page.runs).map((name) => {
    const swatch = element("i", "gv-swatch");
    swatch.style.background = colourOf(name);
    return element("span", chosen.includes(name) ? "gv-chosen" : "", swatch, labelOf(name));
  });
  const lines = [["gv-line", "test"], ["gv-line gv-dotted", "train"]].map(([name, text]) => element("span", "", element("i", name), text));
  fill("legend", JSON.stringify([Object.keys(page.runs), chosen, scheme()]), ...entries, ...lines);
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
