// The picture beside a claim: landscapes, the arrows of all minibatches at their centres, a chart, or the losses of a run.
// It is asked for and drawn when somebody comes near it, and again in other colours where the page becomes light or dark.

import { scaleOf } from "../pure/arrows.js";
import { shapesOf, SIZE } from "../pure/claimchart.js";
import { columnsOf } from "../pure/curves.js";
import { fanSentence, fanStrokes, lengthsOf } from "../pure/fan.js";
import { planeIn, wholePlane } from "../pure/plane.js";
import { isOutcome } from "../page/api.js";
import { ring } from "../page/canvas.js";
import { element } from "../page/dom.js";
import { fetchFrames } from "../page/frames.js";
import { paletteNow, watchScheme } from "../page/scheme.js";
import { page } from "../page/state.js";
import { paintStrokes } from "./brush.js";
import { paintSmall, preparedContext, sizeOfCanvas, watchCanvas } from "./paint.js";

const SVG = "http://www.w3.org/2000/svg";
const NEAR = "300px"; // of the window: what lies so near is asked for
const CENTRE = 3; // points a side, where only the arrow at the centre is drawn
const MOST_KEPT = 60;

const kept = new Map(); // the frames of a plane: a view that is opened again asks for none of them
const begun = new WeakMap(); // what each place begins once it is near
const painters = new Set(); // what is drawn on canvases that are in the page
const nearby = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    nearby.unobserve(target);
    begun.get(target)?.();
  }
}, { rootMargin: NEAR });
watchScheme(() => {
  for (const painter of painters) {
    if (painter.canvas.isConnected) painter.paint();
    else painters.delete(painter);
  }
});

/** @param {any} picture as the server tells it @param {AbortSignal} signal @returns {HTMLElement} */
export function pictureOf(picture, signal) {
  const body = element("div", `gv-claim-picture gv-claim-${picture.kind}`, ...bodyOf(picture, signal));
  const made = element("figure", "gv-claim-figure", body, element("figcaption", "", picture.caption, " ", linkTo(picture.address, "See it all")));
  return made;
}

function linkTo(address, words) {
  if (!address) return null;
  const link = element("a", "", words);
  link.href = address;
  return link;
}

function bodyOf(picture, signal) {
  if (picture.kind === "chart") return [chartOf(picture.chart, picture.caption)];
  if (picture.kind === "losses") return [chartOf(lossesOf(picture.run), picture.caption)];
  return picture.planes.map((plane) => planeOf(plane, picture.kind, signal));
}

// ---- charts -----------------------------------------------------------------------------------------------------

function chartOf(chart, words) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, class: "gv-chart", role: "img", "aria-label": words };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  for (const { name, attributes: own, words: text } of shapesOf(chart)) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(own)) made.setAttribute(key, `${value}`);
    if (text !== undefined) made.textContent = text;
    svg.append(made);
  }
  return svg;
}

// As log10; a loss of 0 has none.
function lossesOf(name) {
  const columns = columnsOf(page.runs[name] ?? { curves: [], metrics: { epoch: [] } }, "loss");
  const lines = [["test", "own"], ["train", "other"]].filter(([column]) => columns[column]).map(([column, role]) => ({
    name: column, x: columns.epoch, y: columns[column].map((loss) => (loss > 0 ? Math.log10(loss) : null)), low: [], high: [], role: /** @type {"own" | "other"} */ (role),
  }));
  return { x_title: "epoch", y_title: "loss J", lines, unit: "", range: null, ticks: [], threshold: null, isLog: true };
}

// ---- landscapes ---------------------------------------------------------------------------------------------------

function planeOf({ name, request, address }, kind, signal) {
  const canvas = element("canvas", "");
  canvas.ariaHidden = "true"; // the link says it all
  const note = element("span", "gv-plane-note", "");
  const link = element("a", "gv-plane", canvas, note, element("span", "gv-plane-name", name));
  link.href = address;
  link.setAttribute("aria-label", `${name}: open this view`);
  begun.set(link, () => draw({ link, canvas, note, request, kind, name }, signal));
  nearby.observe(link);
  return link;
}

async function draw({ link, canvas, note, request, kind, name }, signal) {
  note.textContent = "computing…";
  try {
    const frames = await framesOf(request, kind, signal);
    note.textContent = "";
    const paint = kind === "arrows" ? () => paintArrows(canvas, frames, request) : () => paintField(canvas, [...frames.values()][0], request);
    painters.add({ canvas, paint });
    watchCanvas(canvas, paint);
    paint();
    const words = kind === "arrows" ? fanSentence(frames) : `Gradients over x₁ = ${request.x} and x₂ = ${request.y}.`;
    link.setAttribute("aria-label", `${name}: ${words} Open this view.`);
    link.dataset.drawn = "yes";
  } catch (error) {
    if (error.name === "AbortError") return void (note.textContent = "");
    if (!isOutcome(error)) throw error;
    note.textContent = error.message;
  }
}

// Of one minibatch, or of all of them at the centre.
async function framesOf(request, kind, signal) {
  const { epoch, ...rest } = request;
  const asked = kind === "arrows" ? { ...rest, epoch, points: CENTRE, over: "minibatches" } : { ...rest, epoch, over: "epochs", only: epoch };
  const address = `api/v1/frames?${new URLSearchParams(asked)}`;
  const version = `${address}|${page.runs[request.run]?.stamp}`;
  if (!kept.has(version)) {
    const frames = new Map();
    await fetchFrames(address, { signal, onFrame: (frame) => take(frames, frame) });
    kept.set(version, frames);
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(version);
}

function take(frames, frame) {
  if (!frame.error) frames.set(frame.index, frame);
}

function paintField(canvas, frame, { half_width: halfWidth }) {
  const { length, under, direction } = page.view;
  const { width, height } = sizeOfCanvas(canvas);
  const style = { halfWidth, length, under, direction, scale: scaleOf([frame]), strokes: [] };
  paintSmall(preparedContext(canvas), planeIn({ left: 0, top: 0, width, height }, wholePlane(halfWidth, frame.points)), frame, style);
}

function paintArrows(canvas, frames, { half_width: halfWidth }) {
  const { direction } = page.view;
  const palette = paletteNow();
  const style = { halfWidth, length: "compressed", direction };
  const { width, height } = sizeOfCanvas(canvas);
  const { radius } = lengthsOf(style, CENTRE, 1);
  const reach = 1.12 * radius;
  const plane = planeIn({ left: 0, top: 0, width, height }, { x: [-reach, reach], y: [-reach, reach] });
  const context = preparedContext(canvas);
  ring(context, { x: plane.x(0), y: plane.y(0) }, radius * plane.scaleX, palette.faint, 0.7);
  paintStrokes(context, plane, fanStrokes(frames, style, CENTRE, palette));
}
