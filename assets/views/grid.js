// Runs side by side where there are more than large pictures have room: small multiples, whose names lead to each alone.

import { look } from "../pure/look.js";
import { overlayStrokes } from "../pure/overlays.js";
import { pairTitle } from "../pure/parameters.js";
import { minibatchWords } from "../pure/rows.js";
import { conductor } from "../page/conductor.js";
import { element, refill } from "../page/dom.js";
import { frameOf, isGrid } from "../page/plans.js";
import { paletteNow } from "../page/scheme.js";
import { colourOf, page } from "../page/state.js";
import { chooseEverywhere } from "./everywhere.js";
import { panelWords, rowsOf } from "./explain.js";
import { drawGrid, grid } from "./gridpicture.js";
import { readGrid, showGridReading } from "./gridreading.js";
import { watchCanvas } from "./paint.js";

let isWatched = false;

// Brings the grid in line with the plans; `styles` are theirs, as of large pictures.
export function showGrid(styles) {
  const section = document.getElementById("grid");
  if (section.hidden === isGrid()) section.hidden = !isGrid();
  if (!isGrid()) return void (grid.cells = []);
  const { view, plans } = page;
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("grid-canvas"));
  const title = `${plans.length} runs · ${pairTitle(plans[0].x, plans[0].y, plans[0].network)}`;
  const { minus } = plans.find((plan) => plan.minus) ?? {};
  const where = `${minus ? `differences Δ∇J from ${minus.label} · ` : ""}epoch ${view.epoch} · ${minibatchWords(view)}${rowsOf(plans[0], frameOf(plans[0]))} · ${view.mode} mode${view.direction === "descent" ? " · −∇J" : ""}`;
  refill("grid-title", `${title}|${where}`, element("h2", "", title), element("span", "gv-sub", where));
  canvas.setAttribute("aria-label", `${title}, ${where}`);
  drawGrid(canvas, document.getElementById("grid-buttons"), plans.map((plan, k) => cellOf(plan, styles[k])));
  readGrid((number) => chooseEverywhere({ view: "explore", run: page.plans[number].run }));
  showGridReading();
  if (!isWatched) watchCanvas(canvas, () => isGrid() && conductor.draw());
  isWatched = true;
}

function cellOf(plan, style) {
  const frame = frameOf(plan);
  const { sentences, veil } = panelWords(plan, frame);
  const strokes = overlayStrokes(page.view, plan, frame, style, paletteNow());
  const name = plan.minus ? `${plan.label} − ${plan.minus.label}` : plan.label;
  return { key: `${plan.run}~${plan.masks}`, name, colour: colourOf(plan.run), note: veil?.text ?? "", short: veil?.state === "zero" ? shortOf(frame) : (veil?.text ?? ""), words: sentences.join(" "), frame, style: { ...style, strokes } };
}

function shortOf(frame) {
  return frame.difference ? "no difference" : look.zero_words;
}
