// Many pictures as small multiples: drawn on one canvas, each under its name and all of one part of the plane.

import { wholePlane, isSamePart, planeIn, squareAround } from "../pure/plane.js";
import { heightOf, placeOf, squaresAcross, squaresIn } from "../pure/squares.js";
import { button, element, fill, say } from "../page/dom.js";
import { gridPoints } from "../page/points.js";
import { page } from "../page/state.js";
import { placeMinis } from "./multiples.js";
import { paintSmall, preparedContext, sizeOfCanvas } from "./paint.js";
import { partOf } from "./zoom.js";

const HEAD = 20; // pixels above each picture, for its name
const MOST = 0.34; // of the width: three large pictures side by side are larger
const LEAST = 150; // pixels, where the page scrolls
const ROOMY = 140; // pixels: room for a sentence in a picture
const CLOSEST = 6; // pixels between arrows: of a finer grid some are left out, and never the centre

/**
 * One picture. `frame` is undefined while there is none; `note`: why there is nothing to see, else "", and
 * `short` the same for a small picture; `words`: what is seen, for those who cannot.
 * @typedef {{key: string, name: string, colour: string, note: string, short: string, words: string, frame: any, style: any}} Cell
 */

/** @type {{canvas: HTMLCanvasElement, host: HTMLElement, cells: Cell[], layout: any, every: number}} */
export const grid = { canvas: null, host: null, cells: [], layout: null, every: 1 };

/** Draws them. @param {HTMLCanvasElement} canvas @param {HTMLElement} host over the canvas @param {Cell[]} cells */
export function drawGrid(canvas, host, cells) {
  Object.assign(grid, { canvas, host, cells });
  arrange();
  paint(preparedContext(canvas, () => paint(preparedContext(canvas))));
  fill(host.id, JSON.stringify(cells.map(({ key, name, colour }) => [key, name, colour])), ...cells.map(cellOf));
  placeMinis(host, grid.layout);
  [...host.children].forEach((cell, k) => {
    say(cell.querySelector(".gv-grid-note"), grid.layout.cell < ROOMY ? cells[k].short : cells[k].note);
    cell.querySelector(".gv-grid-name").setAttribute("aria-label", `${cells[k].name}: ${cells[k].note || cells[k].words}`);
  });
}

function paint(context) {
  grid.cells.forEach(({ frame, style }, k) => frame && paintSmall(context, planeOfCell(k), frame, { ...style, every: grid.every }));
}

// Within the window, or as high as it needs to be where the page scrolls.
function arrange() {
  const many = grid.cells.length;
  const { width, height } = sizeOfCanvas(grid.canvas);
  const isScrolled = window.matchMedia("(max-width: 991px)").matches;
  grid.layout = isScrolled ? squaresAcross(many, width, LEAST, HEAD) : squaresIn(many, width, height, MOST * width, HEAD);
  grid.canvas.parentElement.style.minHeight = isScrolled ? `${heightOf(many, grid.layout)}px` : "";
  const [{ halfWidth }] = page.plans;
  const points = gridPoints();
  const part = squareAround(partOf(page.plans[0]));
  const between = ((2 * halfWidth) / (points - 1)) * (grid.layout.cell / (part.x[1] - part.x[0]));
  grid.every = Math.max(1, Math.min((points - 1) / 2, Math.ceil(CLOSEST / between)));
}

// How a picture's plane lies on the canvas, in its pixels.
export function planeOfCell(number) {
  const { left, top, side } = placeOf(number, grid.layout);
  const { halfWidth } = page.plans[number];
  const points = gridPoints();
  const part = squareAround(partOf(page.plans[number]));
  // Where arrows are left out, those at the border are longer.
  const isWhole = isSamePart(part, wholePlane(halfWidth, points));
  return planeIn({ left, top, width: side, height: side }, isWhole ? wholePlane(halfWidth, Math.floor((points - 1) / grid.every) + 1) : part);
}

function cellOf({ name, colour }) {
  const swatch = element("i", "gv-swatch");
  swatch.style.background = colour;
  const open = button("", () => {}, "gv-grid-name");
  open.append(swatch, element("span", "", name));
  open.title = name;
  const cross = element("div", "gv-cross");
  cross.hidden = true;
  return element("div", "gv-grid-cell", open, element("div", "gv-grid-plane", cross, element("span", "gv-grid-note")));
}
