// The Minibatches view: rose, matrix and small multiples of one checkpoint, linked with each other, with the large
// picture and with the slider: what is hovered or chosen in one is marked in all.

import { scaleOf } from "../pure/arrows.js";
import { spreadOf } from "../pure/spread.js";
import { squaresIn } from "../pure/squares.js";
import { cosinesOf } from "../page/cosines.js";
import { scheme } from "../page/scheme.js";
import { goToMinibatch } from "../page/sliders.js";
import { isMinibatchesView, numMinibatches, page } from "../page/state.js";
import { cellAt, cellMiddle, drawMatrix } from "./matrix.js";
import { showMeasures } from "./measures.js";
import { drawMultiples, makeMinis, markMinis, placeMinis, stepMinis } from "./multiples.js";
import { sizeOfCanvas, watchCanvas } from "./paint.js";
import { drawRose, roseAt, rosePlace } from "./rose.js";
import { arrowLines, pairLines, showSpreadWords } from "./spreadwords.js";
import { hideTip, showTip } from "./tip.js";

let stack = null; // of which `spread` is made, with so many frames
let size = 0;
let spread = null;
let fields = ""; // what the small multiples show
let layout = null;
let style = null;
let hovered = null; // a minibatch, or null
let other = null; // in the matrix, the minibatch of the column
let pointedIn = null; // the canvas in which pointer or keyboard have been last
let cosines = null; // see cosines.js
let listening = false;

const at = (id) => document.getElementById(id);

// Brings the view in line with the page; `pictureStyle` as of the large picture. Cheap where only the choice moves.
export function showSpread(pictureStyle) {
  if (!isMinibatchesView() || !page.panels[0].plan) return;
  const { plan } = page.panels[0];
  style = { ...pictureStyle, range: page.view.range };
  if (!listening) listen();
  if (stack !== plan.minibatches || size !== stack.frames.size) {
    [stack, size] = [plan.minibatches, plan.minibatches.frames.size];
    spread = spreadOf(stack.frames);
    if (hovered !== null && !stack.frames.has(hovered)) [hovered, other] = [null, null];
    fields = "";
  }
  cosines = cosinesOf(plan, spread, `${stack.key}|${size}`, () => isMinibatchesView() && showSpread(style));
  showSpreadWords(page, plan, spread, stack, cosines);
  showMeasures(plan, () => isMinibatchesView() && showSpread(style));
  showFields();
  mark();
}

function showFields() {
  const host = at("minis");
  const many = numMinibatches(page.view.run);
  const canvas = at("minis-canvas");
  const { width, height } = sizeOfCanvas(canvas);
  const wanted = JSON.stringify([stack.key, size, many, style, scheme(), width, height]);
  if (wanted === fields) return;
  fields = wanted;
  layout = squaresIn(many, width, height);
  makeMinis(host, many, { onChoose: choose, onHover: (minibatch) => hover(minibatch, null) });
  placeMinis(host, layout);
  drawMultiples(canvas, stack.frames, layout, (_, frame) => (style.range === "frame" ? { ...style, scale: scaleOf([frame]) } : style));
  [...host.children].forEach((one, minibatch) => one.setAttribute("aria-label", arrowLines(arrowOf(minibatch), minibatch).join(", ")));
}

// Marks what is chosen and hovered in rose, matrix and multiples.
function mark() {
  const selected = page.view.rows ? null : page.view.minibatch;
  const chosen = { selected, hovered, other };
  drawRose(at("rose"), spread, { style, ...chosen });
  drawMatrix(at("matrix"), cosines, chosen);
  markMinis(at("minis"), selected, hovered);
}

function arrowOf(minibatch) {
  return spread.arrows.find((arrow) => arrow.minibatch === minibatch);
}

function hover(minibatch, column) {
  if (minibatch === hovered && column === other) return;
  [hovered, other] = [minibatch, column];
  if (minibatch === null) hideTip();
  if (cosines) mark();
}

function choose(minibatch) {
  goToMinibatch(minibatch);
}

// ---- rose and matrix by pointer and keyboard ------------------------------------------------------------------

function listen() {
  listening = true;
  attach("rose", {
    meant: (x, y) => {
      const row = roseAt(x, y);
      return row === null ? null : { row, column: null };
    },
    moved: (event) => {
      const by = stepOf(event, "ArrowLeft", "ArrowRight") + stepOf(event, "ArrowUp", "ArrowDown");
      return { row: moved(spread.order, hovered ?? page.view.minibatch, by), column: null };
    },
  });
  attach("matrix", {
    meant: cellAt,
    moved: (event) => {
      const row = hovered ?? page.view.minibatch;
      const by = [stepOf(event, "ArrowUp", "ArrowDown"), stepOf(event, "ArrowLeft", "ArrowRight")];
      return { row: moved(cosines.order, row, by[0]), column: moved(cosines.order, other ?? row, by[1]) };
    },
  });
  at("minis").addEventListener("keydown", (event) => stepMinis(at("minis"), event));
  watchCanvas(at("minis-canvas"), () => isMinibatchesView() && stack && showSpread(style));
  for (const id of ["rose", "matrix"]) watchCanvas(at(id), () => isMinibatchesView() && cosines && mark());
}

// `meant(x, y)` and `moved(event)` say which {row, column} the pointer or a key goes to.
function attach(id, { meant, moved: movedBy }) {
  const canvas = at(id);
  const group = canvas.parentElement;
  const point = (event) => {
    const found = meant(event.offsetX, event.offsetY);
    go(canvas, found, [event.offsetX, event.offsetY]);
    canvas.style.cursor = found ? "pointer" : "default";
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointerleave", () => hover(null, null));
  canvas.addEventListener("click", (event) => {
    const found = meant(event.offsetX, event.offsetY);
    if (found) choose(found.row);
  });
  // A click in one picture takes the focus from the other, which must not unmark what is clicked.
  group.addEventListener("blur", () => pointedIn === canvas && hover(null, null));
  group.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !(id === "matrix" ? cosines : spread)?.order.length) return;
    if (event.key === "Enter" || event.key === " ") choose(hovered ?? page.view.minibatch);
    else if (event.key === "Escape") hover(null, null);
    else if (/^(Arrow|Home$|End$)/.test(event.key)) {
      const found = movedBy(event);
      const place = id === "matrix" ? cellMiddle(found.row, found.column) : rosePlace(found.row);
      go(canvas, found, place);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function go(canvas, found, place) {
  pointedIn = canvas;
  hover(found ? found.row : null, found ? found.column : null);
  if (found) showTip(canvas, place, linesOf(found));
}

function linesOf({ row, column }) {
  if (column === null || column === row) return arrowLines(arrowOf(row), row);
  return pairLines(row, column, cosines.value(row, column));
}

function stepOf({ key }, back, forth) {
  return { [back]: -1, [forth]: 1, Home: -Infinity, End: Infinity }[key] ?? 0;
}

// The minibatch so many steps away in an order of directions.
function moved(order, minibatch, by) {
  return order[Math.max(0, Math.min(order.length - 1, order.indexOf(minibatch) + by))];
}

// What is on show, and which minibatch is pointed at.
export function marksOfSpread() {
  return { spread, hovered };
}
