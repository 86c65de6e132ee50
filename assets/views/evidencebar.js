// The bar of a number of the evidence, of the page and of the report alike: its interval on an axis, the lines that the
// rule draws, and its null or control as a mark.

import { axesOf, barWords, estimateWords, fulfilled, hasBar, lineWords, shareAt, valueWords } from "../pure/bars.js";
import { element } from "../page/dom.js";

/** @import { Axis, Figure } from "../pure/bars.js" */

const SVG = "http://www.w3.org/2000/svg";
const LINE = 12; // pixels of a line of words
const LANE = 14; // of the number and of each mark

/** A list of bars, of the figures of which something is asked. @param {Figure[]} figures @returns {HTMLElement | null} */
export function barsOf(figures) {
  const drawn = figures.filter(hasBar);
  if (!drawn.length) return null;
  const axes = axesOf(drawn);
  return element("ul", "gv-bars", ...drawn.map((figure, k) => element("li", "gv-bar", headOf(figure), barOf(figure, axes[k]))));
}

function headOf(figure) {
  const value = element("b", "", estimateWords(figure));
  return element("div", "gv-bar-head", element("span", "", figure.name), value, element("span", "gv-bar-asked", askedBeside(figure)));
}

// What stands at the lines already is not said again.
function askedBeside({ thresholds, unit, asked }) {
  return thresholds.every((each) => each.words === lineWords(each, unit)) ? "" : `asked: ${asked}`;
}

/** @param {Figure} figure @param {Axis} axis */
function barOf(figure, axis) {
  const marks = figure.marks.filter(({ value }) => value !== null);
  const top = LINE * figure.thresholds.length + 2;
  const sides = marks.map((mark) => sideOf(mark, axis));
  const laneAt = (k) => top + LANE * (k + 1) + LINE * sides.slice(0, k).filter((side) => side === "below").length;
  const bottom = laneAt(marks.length);
  const at = (value) => `${100 * shareAt(axis, value)}%`;
  const svg = shape("svg", { class: "gv-bar-picture", width: "100%", height: bottom + LINE + 4, role: "img", "aria-label": barWords(figure) });
  for (const threshold of figure.thresholds) {
    const [from, to] = fulfilled(axis, threshold);
    svg.append(shape("rect", { class: "gv-bar-fulfilled", x: `${100 * from}%`, y: top, width: `${100 * (to - from)}%`, height: bottom - top }));
  }
  svg.append(shape("line", { class: "gv-bar-axis", x1: "0%", x2: "100%", y1: bottom, y2: bottom }));
  for (const tick of axis.ticks) svg.append(...tickOf(tick, axis, figure.unit, bottom));
  figure.thresholds.forEach((threshold, k) => svg.append(...thresholdOf(threshold, k, figure.unit, { axis, bottom })));
  svg.append(...laneOf(figure, at, top + LANE / 2, "gv-bar-own"));
  marks.forEach((mark, k) => svg.append(...laneOf(mark, at, laneAt(k) + LANE / 2, "gv-bar-mark"), nameOf(mark, axis, laneAt(k) + LANE / 2, sides[k])));
  return svg;
}

function tickOf(value, axis, unit, bottom) {
  const share = shareAt(axis, value);
  const x = `${100 * share}%`;
  const words = text(valueWords(value, unit), { class: "gv-bar-tick", x, y: bottom + LINE, "text-anchor": share < 0.05 ? "start" : share > 0.95 ? "end" : "middle" });
  return [shape("line", { class: "gv-bar-axis", x1: x, x2: x, y1: bottom, y2: bottom + 3 }), words];
}

// The words stand on the side where the rule is fulfilled, where there is room for them.
function thresholdOf(threshold, k, unit, { axis, bottom }) {
  const share = shareAt(axis, threshold.value);
  const isUp = threshold.side === "at least" || threshold.side === "above";
  const isRight = isUp ? share < 0.8 : share < 0.2;
  const [x, y] = [`${100 * share}%`, LINE * (k + 1) - 2];
  const words = text(lineWords(threshold, unit), { class: "gv-bar-line-words", x, y, dx: isRight ? 4 : -4, "text-anchor": isRight ? "start" : "end" });
  return [shape("line", { class: "gv-bar-line", x1: x, x2: x, y1: y - 8, y2: bottom }), words];
}

// The interval as a line, the number as a dot; a mark's as a hollow square.
function laneOf({ value, low, high }, at, y, kind) {
  const parts = [];
  if (low !== null && high !== null) parts.push(shape("line", { class: `${kind} gv-bar-interval`, x1: at(low), x2: at(high), y1: y, y2: y }));
  const place = shape("svg", { x: at(value), y, overflow: "visible" });
  place.append(kind === "gv-bar-own" ? shape("circle", { class: `${kind} gv-bar-dot`, r: 4.5 }) : shape("rect", { class: `${kind} gv-bar-hollow`, x: -3.5, y: -3.5, width: 7, height: 7 }));
  return [...parts, place];
}

const endsOf = ({ value, low, high }, axis) => [low ?? value, high ?? value].map((end) => shareAt(axis, end));

// Where a mark's interval leaves room for its name: a third of the width.
function sideOf(mark, axis) {
  const [from, to] = endsOf(mark, axis);
  return to < 0.66 ? "right" : from > 0.34 ? "left" : "below";
}

function nameOf(mark, axis, y, side) {
  const [from, to] = endsOf(mark, axis);
  const [share, dx, anchor] = { right: [to, 8, "start"], left: [from, -8, "end"], below: [0.5, 0, "middle"] }[side];
  return text(mark.name, { class: "gv-bar-mark-name", x: `${100 * share}%`, y: y + 4 + (side === "below" ? LINE : 0), dx, "text-anchor": anchor });
}

function text(words, attributes) {
  const made = shape("text", attributes);
  made.textContent = words;
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`);
  return made;
}
