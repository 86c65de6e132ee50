// Runs side by side where there are more than large pictures have room: small multiples on one canvas, and over it a
// button for each, which leads to the run alone.

import { pairTitle } from "../pure/parameters.js";
import { placeOf, squaresIn } from "../pure/squares.js";
import { conductor } from "../page/conductor.js";
import { button, element, fill, refill, say } from "../page/dom.js";
import { frameOf, isGrid } from "../page/plans.js";
import { colourOf, page } from "../page/state.js";
import { chooseEverywhere } from "./everywhere.js";
import { panelWords } from "./explain.js";
import { drawMultiples, placeMinis } from "./multiples.js";
import { sizeOfCanvas, watchCanvas } from "./paint.js";

const FEWEST = 0.34; // of the stage's width that a cell takes at most: three large pictures side by side are larger

let layout = null;

// Brings the grid in line with the plans; `styles` are theirs, as of large pictures.
export function showGrid(styles) {
  const section = document.getElementById("grid");
  if (section.hidden === isGrid()) section.hidden = !isGrid();
  if (!isGrid()) return;
  const { view, plans } = page;
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("grid-canvas"));
  const host = document.getElementById("grid-buttons");
  const { width, height } = sizeOfCanvas(canvas);
  layout = squaresIn(plans.length, width, height, FEWEST * width);
  const frames = new Map(plans.flatMap((plan, k) => (frameOf(plan) ? [[k, frameOf(plan)]] : [])));
  drawMultiples(canvas, frames, layout, (k) => styles[k]);
  watchCanvas(canvas, () => isGrid() && conductor.draw());
  const title = `${plans.length} runs · ${pairTitle(plans[0].x, plans[0].y)}`;
  const where = `epoch ${view.epoch} · minibatch ${view.minibatch} (${view.minibatch_size} rows) · ${view.mode} mode${view.direction === "descent" ? " · −∇J" : ""}`;
  refill("grid-title", `${title}|${where}`, element("h2", "", title), element("span", "gv-sub", where));
  canvas.setAttribute("aria-label", `${title}, ${where}`);
  const words = plans.map((plan, k) => panelWords(plan, frames.get(k)));
  fill("grid-buttons", JSON.stringify([plans.map(({ run, label, minus }) => [run, label, minus?.label, colourOf(run)])]), ...plans.map(cellOf));
  placeMinis(host, layout);
  [...host.children].forEach((cell, k) => {
    say(cell.querySelector(".gv-grid-note"), words[k].veil?.text ?? "");
    cell.setAttribute("aria-label", `${plans[k].label}: ${words[k].veil?.text ?? words[k].sentences.join(" ")}`);
  });
}

// Where a cell lies on the canvas, in its pixels.
export function gridCell(number) {
  return placeOf(number, layout);
}

function cellOf({ run, label, minus }) {
  const swatch = element("i", "gv-swatch");
  swatch.style.background = colourOf(run);
  const name = element("span", "gv-grid-name", swatch, minus ? `${label} − ${minus.label}` : label);
  const cell = button("", () => chooseEverywhere({ view: "explore", run }), "gv-mini gv-grid-cell");
  cell.append(name, element("span", "gv-grid-note"));
  cell.title = `Show ${label} alone`;
  return cell;
}
