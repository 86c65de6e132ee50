// Zoom and pan: the part of the plane that one picture is brought to, all pictures show.

import { isSamePart, movedPart, partName, wholePlane } from "../pure/plane.js";
import { conductor } from "../page/conductor.js";
import { button, closest, fill, plotIn } from "../page/dom.js";
import { page } from "../page/state.js";

let part = null; // {x: [from, to], y: [from, to]} in offsets from the checkpoint; null is the whole plane
let forPlane = ""; // the plane that it belongs to

// The part on show of a view's plane.
export function partOf({ half_width: halfWidth, points }) {
  const whole = wholePlane(halfWidth, points);
  if (forPlane !== partName(whole)) part = null;
  forPlane = partName(whole);
  return part ?? whole;
}

export function listenForZoom(graph) {
  graph.on("plotly_relayout", (change) => {
    const moved = Object.keys(change).some((key) => /^[xy]axis\.range/.test(key));
    if (moved) showPart({ x: [...graph._fullLayout.xaxis.range], y: [...graph._fullLayout.yaxis.range] });
  });
  graph.on("plotly_doubleclick", resetZoom);
}

// Brings all pictures to a part of the plane.
export function showPart(next) {
  if (!page.view || isSamePart(next, partOf(page.view))) return;
  part = next;
  follow();
}

function resetZoom() {
  if (!part) return;
  part = null;
  follow();
}

// All pictures are brought there; what is drawn afterwards has it from `partOf`.
function follow() {
  const { x, y } = partOf(page.view);
  const graphs = page.panels.flatMap(({ plan, slot }) => (plan && plotIn(`graph-${slot}`)) || []);
  const moves = graphs.filter((graph) => graph._fullLayout).map((graph) => window.Plotly.relayout(graph, { "xaxis.range": [...x], "yaxis.range": [...y] }));
  show();
  Promise.all(moves).then(conductor.redraw);
}

function show() {
  for (const place of [...page.panels.map(({ slot }) => slot), "grid"])
    fill(`zoomed-${place}`, part ? "zoomed" : "", part ? button("Whole plane", resetZoom) : null);
}

// A finger on a picture scrolls the page, two zoom all of it: plotly.js would take both. A tap reaches it as a click.
document.addEventListener("touchstart", (event) => {
  if (closest(event, ".gv-picture, .gv-loss")) event.stopPropagation();
}, { capture: true, passive: true });

// Keys that work wherever nothing else wants them: in, out, back, and along.
function move(factor, steps) {
  const { half_width: halfWidth, points } = page.view;
  const whither = movedPart(partOf(page.view), wholePlane(halfWidth, points), factor, steps);
  if (whither) showPart(whither);
  else resetZoom();
}

const KEYS = {
  "+": () => move(0.5), "=": () => move(0.5), "-": () => move(2), 0: resetZoom,
  ArrowLeft: () => move(1, [-1, 0]), ArrowRight: () => move(1, [1, 0]), ArrowUp: () => move(1, [0, 1]), ArrowDown: () => move(1, [0, -1]),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !page.view || !page.plans.length) return;
  if (closest(event, "input, select, textarea, button, [role=dialog], [contenteditable]")) return;
  const isArrow = event.key.startsWith("Arrow");
  if (!KEYS[event.key] || (isArrow && !event.shiftKey)) return;
  KEYS[event.key]();
  event.preventDefault();
  event.stopPropagation();
}, true);
