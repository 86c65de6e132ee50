// The scatter of all training rows (pure/rowscatter.js): the minibatch's rows are marked, the pointer and the arrow keys go
// from row to row, and a click or Enter chooses one.

import { number, signed } from "../pure/formats.js";
import { look } from "../pure/look.js";
import { EDGE, lengthTicks, nextPoint, pointAt, pointWords, scatterLayout } from "../pure/rowscatter.js";
import { dot, ring, segment, sized, upright } from "../page/canvas.js";
import { element } from "../page/dom.js";
import { paletteNow } from "../page/scheme.js";

/** @type {Record<string, ["x" | "y", number]>} */
const STEPS = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowUp: ["y", 1], ArrowDown: ["y", -1] };

export class RowScatter {
  #at = null; // the place of the row under the pointer, or that the keyboard has gone to
  #layout = null;
  #told = null; // {answer, own}
  #background = null; // all rows, drawn once for each layout and scheme
  #canvas = element("canvas");
  #words = element("p", "gv-scatter-told");
  #onHover;
  #onSelect;

  /** @param {(row: number | null) => void} onHover @param {(row: number) => void} onSelect */
  constructor(onHover, onSelect) {
    [this.#onHover, this.#onSelect] = [onHover, onSelect];
    this.map = element("div", "gv-scatter", this.#canvas);
    this.map.tabIndex = 0;
    this.map.setAttribute("role", "application");
    this.map.setAttribute("aria-label", "All training rows by direction and length of their gradient: arrow keys go from row to row, Enter chooses");
    this.#words.setAttribute("role", "status");
    this.host = element("div", "", this.map, this.#words);
    this.#listen();
  }

  /** The answer of /api/v1/rows/all, and the numbers of the minibatch's rows. */
  show(answer, own) {
    if (this.#told?.answer !== answer) this.#at = null;
    this.#told = { answer, own };
    this.#lay();
  }

  redraw() {
    this.#background = null;
    this.#draw();
  }

  /** The rows with their places, for who looks from outside. */
  get points() {
    return this.#layout?.points ?? [];
  }

  #listen() {
    const meant = (event) => (this.#layout ? pointAt(this.#layout, event.offsetX, event.offsetY) : null);
    this.#canvas.addEventListener("pointermove", (event) => this.#go(meant(event)));
    this.#canvas.addEventListener("pointerleave", () => this.#go(null));
    this.#canvas.addEventListener("click", (event) => {
      this.#go(meant(event));
      this.#choose();
    });
    this.map.addEventListener("keydown", (event) => {
      if (!this.#layout?.points.length || event.ctrlKey || event.altKey || event.metaKey) return;
      const step = STEPS[event.key];
      if (step) this.#go(this.#at === null ? this.#begin() : nextPoint(this.#layout, this.#at, ...step));
      else if (event.key === "Home" || event.key === "End") this.#go(nextPoint(this.#layout, this.#at ?? 0, "x", event.key === "Home" ? -Infinity : Infinity));
      else if (event.key === "Enter" || event.key === " ") this.#choose();
      else return;
      event.preventDefault();
      event.stopPropagation(); // the page has keys of its own
    });
    new ResizeObserver(() => this.#lay()).observe(this.map);
  }

  #begin() {
    return (this.#layout.points.find(({ isOwn }) => isOwn) ?? this.#layout.points[0]).at;
  }

  #choose() {
    if (this.#at !== null) this.#onSelect(this.#layout.points[this.#at].row);
  }

  #lay() {
    const { clientWidth: width, clientHeight: height } = this.map;
    if (!this.#told || !width) return;
    this.#layout = scatterLayout(this.#told.answer, this.#told.own, width, height);
    this.#tell();
    this.redraw();
  }

  #go(at) {
    if (at === this.#at) return;
    this.#at = at;
    this.#onHover(at === null ? null : this.#layout.points[at].row);
    this.#tell();
    this.#draw();
  }

  #tell() {
    const { points, hasOwn } = this.#layout;
    this.#words.textContent = this.#at === null ? `${points.length} training rows; those of this minibatch are marked.` : pointWords(points[this.#at], hasOwn);
  }

  #draw() {
    if (!this.#layout) return;
    const context = sized(this.#canvas, this.#layout);
    this.#background ??= drawnRows(this.#layout);
    context.drawImage(this.#background, 0, 0, this.#layout.width, this.#layout.height);
    if (this.#at !== null) ring(context, this.#layout.points[this.#at], 7, paletteNow().ink, 2);
  }
}

function drawnRows(layout) {
  const canvas = document.createElement("canvas");
  const context = sized(canvas, layout);
  const palette = paletteNow();
  drawAxes(context, layout, palette);
  const opacity = layout.points.length > 2000 ? 0.35 : 0.6;
  for (const one of layout.points) if (!one.isOwn) dot(context, one, 1.6, one.degrees === null ? palette.zero : palette.ink, opacity);
  for (const one of layout.points) if (one.isOwn) dot(context, one, 3.4, palette.centre);
  return canvas;
}

function drawAxes(context, layout, palette) {
  const { width, height, across, up, hasOwn } = layout;
  const floor = height - EDGE.bottom - EDGE.floor;
  context.font = `11px ${look.font}`;
  context.strokeStyle = palette.grid;
  context.fillStyle = palette.faint;
  context.textAlign = "center";
  for (const degrees of [-180, -90, 0, 90, 180]) {
    segment(context, across(degrees), EDGE.top, across(degrees), floor);
    context.fillText(`${signed(`${degrees}`)}°`, across(degrees), height - EDGE.bottom + 14);
  }
  context.fillText(hasOwn ? "direction, from the minibatch's gradient" : "direction, from the first axis", (across(-180) + across(180)) / 2, height - 5);
  context.textAlign = "right";
  for (const length of lengthTicks(layout)) {
    const y = up(Math.log10(length));
    segment(context, EDGE.left, y, width - EDGE.right, y);
    context.fillText(number(length, 1), EDGE.left - 5, y + 4);
  }
  segment(context, EDGE.left, floor, width - EDGE.right, floor);
  context.fillText("none", EDGE.left - 5, floor + EDGE.floor / 2 + 4);
  upright(context, "length", 10, (EDGE.top + floor) / 2);
}
