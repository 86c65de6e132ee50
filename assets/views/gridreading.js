// Small multiples by pointer and keyboard: one point is read in all of them, a part of the plane is drawn out, one
// picture is opened.

import { number } from "../pure/formats.js";
import { partsAt, zeroWords } from "../pure/frame.js";
import { look } from "../pure/look.js";
import { factsOf, indexOf, offsetsOf, pointAt, pointLines, steppedFrom, withinGrid } from "../pure/reading.js";
import { minibatchWords } from "../pure/rows.js";
import { perUnit } from "../pure/toldplane.js";
import { closest, element, refill } from "../page/dom.js";
import { dragAlong } from "../page/drag.js";
import { page } from "../page/state.js";
import { factElement, spokenOf } from "./facts.js";
import { grid, planeOfCell } from "./gridpicture.js";
import { stepMinis } from "./multiples.js";
import { showNumbers } from "./numbers.js";
import { hideTip, showTip } from "./tip.js";
import { showPart } from "./zoom.js";

const FAR = 6; // pixels: what is drawn out is larger, and a click is no part

/** @type {{i: number, j: number, points: number} | null} */
let point = null; // see pure/reading.js
let read = 0; // the picture whose numbers are told
let open = null; // what a click on a picture does, given its number
let drag = null; // {number, from, to}: pixels of the canvas
let isClick = true; // the pointer has not been drawn since it was pressed
let pointer = "mouse";

/** Listens, once. @param {(number: number) => void} onOpen */
export function readGrid(onOpen) {
  const isFirst = !open;
  open = onOpen;
  if (isFirst) listen();
}

// ---- what is told ---------------------------------------------------------------------------------------------

/** Brings the line, the marks and the table in line with the pictures. */
export function showGridReading() {
  const { cells, host } = grid;
  read = Math.min(read, cells.length - 1);
  const { name, frame } = cells[read];
  const { halfWidth } = page.plans[read];
  const facts = frame ? factsOf(frame, halfWidth, point) : [];
  refill("grid-reading", JSON.stringify([name, facts]), element("span", "gv-fact gv-grid-read", name), ...facts.map(factElement));
  [...host.children].forEach((cell, k) => {
    /** @type {HTMLElement} */ (cell.querySelector(".gv-grid-name")).tabIndex = k === read ? 0 : -1;
    mark(cell.querySelector(".gv-cross"), k);
  });
  showNumbers("grid-numbers", numbersAt(halfWidth));
}

function mark(cross, k) {
  const { frame } = grid.cells[k];
  const plane = point && frame ? planeOfCell(k) : null;
  const [x, y] = plane ? offsetsOf(frame, page.plans[k].halfWidth, point) : [];
  const isThere = Boolean(plane?.holds(plane.x(x), plane.y(y)));
  if (cross.hidden === isThere) cross.hidden = !isThere;
  if (isThere) cross.style.transform = `translate(${plane.x(x) - plane.left}px, ${plane.y(y) - plane.top}px)`;
}

// All pictures' numbers at the point.
function numbersAt(halfWidth) {
  const shown = grid.cells.filter(({ frame }) => frame);
  const [first] = shown;
  const where = first ? offsetsOf(first.frame, halfWidth, point).map((offset) => number(offset)).join(", ") : "";
  const rowOf = ({ name, frame }) => {
    const k = indexOf(frame, point);
    return [name, ...partsAt(frame, k), Math.hypot(frame.u[k], frame.v[k]), frame.loss[k], zeroWords(frame, k, look.zero_words)];
  };
  return {
    key: JSON.stringify([where, shown.map(rowOf)]),
    caption: `${shown.length} runs, epoch ${page.view.epoch}, ${minibatchWords(page.view)}, at Δx₁, Δx₂ = ${where}. Gradients ${first ? perUnit(first.frame) : ""}; J is the ${first?.frame.share_below === null ? "loss" : "mean |error|"}.`,
    head: ["run", "∂J/∂x₁", "∂J/∂x₂", "|∇J|", "J", "zero?"],
    named: 1,
    rows: () => shown.map(rowOf),
  };
}

// ---- pointer --------------------------------------------------------------------------------------------------

function listen() {
  for (const event of /** @type {const} */ (["pointermove", "pointerdown"])) document.addEventListener(event, readAt);
  const { host } = grid;
  const box = host.parentElement.appendChild(element("div", "gv-grid-box"));
  box.hidden = true;
  dragAlong(host, {
    // A finger scrolls the page.
    wants: (event) => ((isClick = true), (pointer = event.pointerType) !== "touch" && Boolean(cellAt(event)?.frame)),
    go: (event) => drawOut(event, box),
    onEnd: () => letGo(box),
  });
  host.addEventListener("click", (event) => {
    const chosen = numberAt(event);
    const isName = closest(event, ".gv-grid-name");
    if (chosen !== null && (isName || (isClick && pointer !== "touch"))) open(chosen);
  });
  host.addEventListener("focusin", (event) => readFrom(numberAt(event)));
  host.addEventListener("keydown", (event) => stepAmong(event, host));
  const line = document.getElementById("grid-reading");
  line.addEventListener("keydown", (event) => movePoint(event, line));
  line.addEventListener("focusout", () => readPoint(null));
}

function numberAt(event) {
  const cell = closest(event, ".gv-grid-cell");
  return cell ? [...grid.host.children].indexOf(cell) : null;
}

function cellAt(event) {
  return closest(event, ".gv-grid-plane") ? grid.cells[numberAt(event)] : undefined;
}

/** @returns {[number, number]} */
function pixelOf({ clientX, clientY }) {
  const { left, top } = grid.host.getBoundingClientRect();
  return [clientX - left, clientY - top];
}

function readAt(event) {
  if (!grid.cells.length || drag) return;
  const frame = cellAt(event)?.frame;
  hideTip();
  if (!frame) return readPoint(null);
  read = numberAt(event);
  const pixel = pixelOf(event);
  readPoint(withinGrid(pointAt(planeOfCell(read), frame, page.plans[read].halfWidth, pixel)));
  showTip(grid.host, pixel, [grid.cells[read].name, ...pointLines(frame, page.plans[read].halfWidth, point)]);
}

function readPoint(next) {
  if (next === null && point === null) return;
  point = next;
  if (grid.cells.length) showGridReading();
}

function readFrom(next) {
  if (next === null) return;
  read = next;
  showGridReading();
}

// ---- a part is drawn out --------------------------------------------------------------------------------------

function drawOut(event, box) {
  const at = pixelOf(event);
  drag = drag ? { ...drag, to: at } : { number: numberAt(event), from: at, to: at };
  const { left, top, side } = squareOf(drag);
  isClick &&= side < FAR;
  box.hidden = isClick;
  hideTip();
  Object.assign(box.style, { left: `${left}px`, top: `${top}px`, width: `${side}px`, height: `${side}px` });
}

// The square from where the pointer was pressed to where it is, within the picture.
function squareOf({ number: k, from, to }) {
  const plane = planeOfCell(k);
  const [right, down] = [to[0] >= from[0], to[1] >= from[1]];
  const room = [right ? plane.left + plane.width - from[0] : from[0] - plane.left, down ? plane.top + plane.height - from[1] : from[1] - plane.top];
  const side = Math.max(0, Math.min(Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])), ...room));
  return { left: right ? from[0] : from[0] - side, top: down ? from[1] : from[1] - side, side };
}

function letGo(box) {
  const { left, top, side } = squareOf(drag);
  const chosen = drag.number;
  const plane = planeOfCell(chosen);
  box.hidden = true;
  drag = null;
  if (isClick) return;
  const [across, up] = [(x) => plane.x(0) + x * plane.scaleX, (y) => plane.y(0) - y * plane.scaleY];
  const offset = (pixel, toPixel) => (pixel - toPixel(0)) / (toPixel(1) - toPixel(0));
  showPart({ x: [offset(left, across), offset(left + side, across)], y: [offset(top + side, up), offset(top, up)] }, page.plans[chosen].halfWidth);
}

// ---- keys -----------------------------------------------------------------------------------------------------

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const PAGES = { PageUp: -1, PageDown: 1 };

function movePoint(event, line) {
  const frame = grid.cells[read]?.frame;
  if (event.ctrlKey || event.altKey || event.metaKey || !frame) return;
  const step = STEPS[event.key];
  if (step) readPoint(steppedFrom(frame, point, step));
  else if (event.key in PAGES) readFrom(Math.max(0, Math.min(grid.cells.length - 1, read + PAGES[event.key])));
  else if (event.key === "Home" || event.key === "Escape") readPoint(null);
  else return;
  event.preventDefault();
  event.stopPropagation();
  document.getElementById("spoken").textContent = spokenOf(line);
}

// From name to name: one of them is what the Tab key stops at.
function stepAmong(event, host) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  stepMinis(host, event, [...host.querySelectorAll(".gv-grid-name")]);
  if (event.defaultPrevented) event.stopPropagation();
}
