// Zoom and pan: the part of the plane that one picture is brought to, all pictures show. A surface is turned instead.

import { isSamePart, movedPart, scaledPart, wholePlane } from "../pure/plane.js";
import { isSurface } from "../pure/surface.js";
import { conductor } from "../page/conductor.js";
import { button, closest, fill, plotIn } from "../page/dom.js";
import { gridPoints } from "../page/points.js";
import { page } from "../page/state.js";
import { isTurned, onTurn, resetCamera, TURNS } from "./camera.js";

let part = null; // {x: [from, to], y: [from, to]} in half widths from the checkpoint; null is the whole plane
let forPlane = ""; // the planes that it belongs to

// The part on show of a picture's plane.
export function partOf({ halfWidth }) {
  const relative = relativePart();
  return part ? scaledPart(relative, halfWidth) : wholePlane(halfWidth, gridPoints());
}

function relativePart() {
  const { half_width: chosen } = page.view;
  const points = gridPoints();
  const planes = JSON.stringify([chosen, points]);
  if (forPlane !== planes) part = null;
  forPlane = planes;
  return part ?? wholePlane(1, points);
}

// `planOf`: tells the plan of the picture, which is newer than what the graph shows where it is being brought to it.
export function listenForZoom(graph, planOf) {
  graph.on("plotly_relayout", (change) => {
    const moved = Object.keys(change).some((key) => /^[xy]axis\.range/.test(key));
    if (moved && planOf()) showPart({ x: [...graph._fullLayout.xaxis.range], y: [...graph._fullLayout.yaxis.range] }, planOf().halfWidth);
  });
  graph.on("plotly_doubleclick", resetZoom);
}

// Brings all pictures to a part of their planes, given in one of such a half width; fulfilled once they are there.
export function showPart(next, halfWidth) {
  const relative = scaledPart(next, 1 / halfWidth);
  if (!page.view || isSamePart(relative, relativePart())) return;
  part = relative;
  return follow();
}

export function resetZoom() {
  if (!part) return;
  part = null;
  return follow();
}

// All pictures are brought there; what is drawn afterwards has it from `partOf`.
function follow() {
  const moves = page.panels.flatMap(({ plan, slot }) => {
    const graph = plan && plotIn(`graph-${slot}`);
    if (!graph?._fullLayout || graph._fullLayout.scene) return [];
    const { x, y } = partOf(plan);
    return window.Plotly.relayout(graph, { "xaxis.range": [...x], "yaxis.range": [...y] });
  });
  showZoomed();
  return Promise.all(moves).then(conductor.redraw);
}

// The way back, where there is one.
export function showZoomed() {
  for (const { slot } of page.panels) {
    if (isSurface(page.view)) fill(`zoomed-${slot}`, isTurned() ? "turned" : "", isTurned() ? button("Reset view", resetCamera) : null);
    else fill(`zoomed-${slot}`, part ? "zoomed" : "", part ? button("Whole plane", resetZoom) : null);
  }
  fill("zoomed-grid", part ? "zoomed" : "", part ? button("Whole plane", resetZoom) : null);
}

onTurn(showZoomed);

// What fingers do on a picture, views/touch.js says: plotly.js would take them. A tap reaches it as a click.
document.addEventListener("touchstart", (event) => {
  if (closest(event, ".gv-picture, .gv-loss")) event.stopPropagation();
}, { capture: true, passive: true });

// Keys that work wherever nothing else wants them: in, out, back, and along.
function move(factor, steps) {
  const whither = movedPart(relativePart(), wholePlane(1, gridPoints()), factor, steps);
  if (whither) showPart(whither, 1);
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
  const keys = isSurface(page.view) && page.panels.some(({ plan }) => plan) ? TURNS : KEYS;
  if (!keys[event.key] || (isArrow && !event.shiftKey)) return;
  keys[event.key]();
  event.preventDefault();
  event.stopPropagation();
}, true);
