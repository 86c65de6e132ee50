// The point that is read: the grid point at the pointer, marked in all pictures, with its numbers under each; without a
// pointer, the checkpoint itself.

import { factsOf, indexOf, offsetsOf, pointAt, steppedFrom, withinGrid } from "../pure/reading.js";
import { closest, plotIn, refill } from "../page/dom.js";
import { page } from "../page/state.js";
import { factElement, spokenOf } from "./facts.js";
import { planeOf } from "./paint.js";

let point = null; // {i, j}: column and row of the grid, from the middle

// ---- what is said ---------------------------------------------------------------------------------------------

// Brings the lines and the marks in line with what the panels show.
export function showReading() {
  for (const panel of page.panels) {
    if (!panel.plan) continue;
    const frame = panel.shown;
    const facts = frame ? factsOf(frame, panel.plan.halfWidth, point) : [];
    refill(`reading-${panel.slot}`, frame ? keyOf(panel, frame, indexOf(frame, point)) : "", ...facts.map(factElement));
    mark(panel, frame);
  }
}

function keyOf(panel, frame, k) {
  return `${panel.plan.x}|${panel.plan.y}|${k}|${frame.u[k]}|${frame.v[k]}|${frame.loss[k]}|${frame.x}|${frame.y}|${frame.isZero[k]}|${point !== null}`;
}

function mark({ slot, plan }, frame) {
  const cross = document.getElementById(`cross-${slot}`);
  const plane = point && frame && planeOf(plotIn(`graph-${slot}`));
  const place = plane && placeIn(plane, ...offsetsOf(frame, plan.halfWidth, point));
  if (cross.hidden === Boolean(place)) cross.hidden = !place; // even the same again costs styles
  if (place) cross.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
}

// In pixels; null where zooming has left the point outside.
function placeIn(plane, across, up) {
  const [x, y] = [plane.x(across), plane.y(up)];
  return plane.holds(x, y) ? [x, y] : null;
}

// ---- pointer and keys -----------------------------------------------------------------------------------------

// Moves to a grid point, within the grid; null: back to the checkpoint.
function readPoint(next) {
  next = withinGrid(next);
  if (next?.i === point?.i && next?.j === point?.j && next?.points === point?.points) return;
  point = next;
  showReading();
}

function readAt(event) {
  const slot = closest(event, ".gv-picture")?.dataset.slot;
  if (slot === undefined) return readPoint(null);
  const panel = page.panels[slot];
  const graph = plotIn(`graph-${slot}`);
  const plane = planeOf(graph);
  if (!plane || !panel.shown) return;
  const box = graph.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  if (!plane.holds(x, y)) return readPoint(null);
  readPoint(pointAt(plane, panel.shown, panel.plan.halfWidth, [x, y]));
}

/** On a surface, Plotly tells at which point the pointer is. @param {any} graph @param {any} panel */
export function listenForReading(graph, panel) {
  graph.on("plotly_hover", ({ points: [{ x, y, data }] }) => {
    if (data.type !== "surface" || !panel.plan || !panel.shown) return;
    const { points } = panel.shown;
    const cell = (2 * panel.plan.halfWidth) / (points - 1);
    readPoint({ i: Math.round(x / cell), j: Math.round(y / cell), points });
  });
  graph.on("plotly_unhover", () => planeOf(graph) || readPoint(null));
}

// A finger does not hover: it reads where it taps.
for (const event of /** @type {const} */ (["pointermove", "pointerdown"])) document.addEventListener(event, readAt);

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

document.addEventListener("keydown", (event) => {
  const line = closest(event, ".gv-reading");
  if (!line || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = STEPS[event.key];
  const frame = page.panels.find(({ plan, shown }) => plan && shown)?.shown;
  if (step && frame) readPoint(steppedFrom(frame, point, step));
  else if (event.key === "Home" || event.key === "Escape") readPoint(null);
  else return;
  event.preventDefault();
  event.stopPropagation();
  document.getElementById("spoken").textContent = spokenOf(line);
}, true);

document.addEventListener("focusout", (event) => closest(event, ".gv-reading") && readPoint(null));
