// Fingers on a picture: one that moves sideways goes through its epochs (or minibatches), two enlarge the plane and move it, two
// taps show all of it again. One that moves up or down scrolls the page, by the browser (touch-action). And what a mouse is
// told by hovering, a tap tells, or on a button a long press.

import { pinchedPart, wholePlane } from "../pure/plane.js";
import { isSurface } from "../pure/surface.js";
import { closest, plotIn } from "../page/dom.js";
import { gridPoints } from "../page/points.js";
import { stepSlider } from "../page/sliders.js";
import { isMinibatchesView, numMinibatches, page, shownEpochs, shownRuns } from "../page/state.js";
import { planeOf } from "./paint.js";
import { hideTip, showTip } from "./tip.js";
import { partOf, resetZoom, showPart } from "./zoom.js";

const FAR = 10; // pixels: a finger moves, and does not tap
const LEAST_STEP = 8; // pixels of a step through the epochs
const TAP_MS = 300;
const BESIDE = 30; // pixels between two taps of one double tap

const fingers = new Map(); // pointerId -> {x, y}, on one picture
let slot = ""; // of that picture
let scrub = null; // {x, y, value: where the slider was, isMoving}
let pinch = null; // {part, middle, apart}: when the second finger came
let isDrawing = false; // the plane is on its way to where the fingers are
let tap = { x: 0, y: 0, at: -Infinity };
let began = 0;

// ---- what is moved --------------------------------------------------------------------------------------------

const slider = () => (isMinibatchesView() ? "minibatch" : "epoch");

function scrubAlong({ clientX, clientY }) {
  const [across, down] = [clientX - scrub.x, clientY - scrub.y];
  if (!scrub.isMoving && (Math.abs(across) < FAR || Math.abs(across) < Math.abs(down))) return;
  scrub.isMoving = true;
  const many = slider() === "epoch" ? shownEpochs().length : Math.max(1, ...shownRuns().map(numMinibatches));
  const host = document.querySelector(slot ? `#panel-${slot} .gv-picture` : ".gv-grid-picture");
  const steps = Math.round(across / Math.max(LEAST_STEP, host.clientWidth / Math.max(1, many)));
  const by = scrub.value + steps - page.view[slider()];
  if (by) stepSlider(slider(), by);
}

// The fingers' middle, in shares of the plane, and how far they are apart, in pixels.
function spread() {
  const graph = plotIn(`graph-${slot}`);
  const plane = planeOf(graph);
  const [a, b] = [...fingers.values()];
  const { left, top } = graph.getBoundingClientRect();
  const [x, y] = [(a.x + b.x) / 2 - left, (a.y + b.y) / 2 - top];
  /** @type {[number, number]} */
  const middle = [(x - plane.left) / plane.width, 1 - (y - plane.top) / plane.height];
  return { middle, apart: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
}

function beginPinch() {
  scrub = null;
  if (slot && planeOf(plotIn(`graph-${slot}`))) pinch = { ...spread(), part: partOf(page.panels[slot].plan) };
}

async function pinchNow() {
  if (isDrawing) return;
  const { halfWidth } = page.panels[slot].plan;
  const { middle, apart } = spread();
  const part = pinchedPart(pinch.part, wholePlane(halfWidth, gridPoints()), pinch.apart / apart, pinch.middle, middle);
  isDrawing = true;
  try {
    await (part ? showPart(part, halfWidth) : resetZoom());
  } finally {
    isDrawing = false;
  }
}

function tapped({ clientX: x, clientY: y, timeStamp }) {
  const isSecond = timeStamp - tap.at < TAP_MS && Math.hypot(x - tap.x, y - tap.y) < BESIDE;
  tap = isSecond ? { x, y, at: -Infinity } : { x, y, at: timeStamp };
  if (isSecond) resetZoom();
}

// ---- fingers --------------------------------------------------------------------------------------------------

function hostOf(event) {
  if (event.pointerType !== "touch" || !page.view || closest(event, "button:not(.gv-grid-name), a, summary, .gv-card")) return null;
  return isSurface(page.view) && closest(event, ".gv-picture") ? null : closest(event, ".gv-picture, .gv-grid-picture");
}

window.addEventListener("pointerdown", (event) => {
  const host = hostOf(event);
  if (!host || fingers.size === 2) return;
  if (!fingers.size) slot = host.dataset.slot ?? "";
  else if ((host.dataset.slot ?? "") !== slot) return;
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (fingers.size === 2) return beginPinch();
  began = event.timeStamp;
  scrub = { x: event.clientX, y: event.clientY, value: page.view[slider()], isMoving: false };
}, true);

window.addEventListener("pointermove", (event) => {
  if (!fingers.has(event.pointerId)) return;
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pinch && fingers.size === 2) pinchNow();
  else if (scrub) scrubAlong(event);
  if (pinch || scrub?.isMoving) event.stopPropagation(); // it reads no point on its way
}, true);

for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) window.addEventListener(name, (event) => {
  if (!fingers.delete(event.pointerId)) return;
  const isTap = name === "pointerup" && scrub && !scrub.isMoving && event.timeStamp - began < TAP_MS;
  if (isTap) tapped(event);
  scrub = null;
  if (!fingers.size) pinch = null;
}, true);

window.addEventListener("blur", () => {
  fingers.clear();
  scrub = pinch = null;
});

// ---- what hovering tells --------------------------------------------------------------------------------------

const CONTROLS = "button, a, input, select, summary, label";

function tell(event) {
  const told = /** @type {HTMLElement | null} */ (closest(event, "[title]"));
  if (!told?.title) return false;
  const { left, top } = told.getBoundingClientRect();
  showTip(told, [event.clientX - left, event.clientY - top], ["", told.title]);
  return true;
}

document.addEventListener("click", (event) => {
  const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
  if (isTouch && !closest(event, CONTROLS)) tell(event);
});
document.addEventListener("contextmenu", (event) => {
  const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
  if (isTouch && closest(event, CONTROLS) && tell(event)) event.preventDefault();
});
document.addEventListener("pointerdown", ({ pointerType }) => pointerType === "touch" && hideTip(), true);
