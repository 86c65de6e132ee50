// The rose: the gradients of all minibatches as arrows from one point, exact in direction, with the rings that tell
// their length, the mean of their directions, and rings along the foot for those that are zero.

import { drawnLength, rangeOfSizes, scaleOf } from "../pure/arrows.js";
import { shadeAt, shadesOf } from "../pure/colours.js";
import { number } from "../pure/formats.js";
import { look } from "../pure/look.js";
import { paletteNow } from "../page/scheme.js";
import { pathFor } from "../page/vectors.js";
import { addArrow, preparedContext, sizeOfCanvas } from "./paint.js";

const NEAR = 9; // pixels within which the pointer means an arrow
const MARGIN = 20; // for the names of the axes
const SMALLEST = 24; // radius in pixels of a ring that has a number
const RING = { radius: 4, step: 13 };
let drawn = null; // where arrows and rings are, for `at`

// `marks`: {style: as of a picture, selected, hovered: minibatches or null}.
export function drawRose(canvas, spread, marks) {
  const context = preparedContext(canvas, () => drawRose(canvas, spread, marks));
  const palette = paletteNow();
  const place = geometryOf(canvas, spread);
  drawn = { place, tips: new Map(), zeros: zeroPlaces(spread, place) };
  frame(context, place, spread, marks.style, palette);
  if (spread.live.length) {
    mean(context, place, spread, marks.style, palette);
    arrows(context, place, spread, marks, palette);
  }
  rings(context, spread, marks, palette);
}

function geometryOf(canvas, spread) {
  const { width, height } = sizeOfCanvas(canvas);
  const perLine = Math.max(1, Math.floor((width - 16) / RING.step));
  const lines = Math.ceil((spread.arrows.length - spread.live.length) / perLine);
  const foot = lines ? lines * RING.step + 6 : 0;
  return {
    x: width / 2, y: (height - foot) / 2, radius: Math.max(10, Math.min(width, height - foot) / 2 - MARGIN), width, height, perLine, foot,
  };
}

// Directions are turned round where the pictures show descent.
function signOf({ direction }) {
  return direction === "descent" ? -1 : 1;
}

function shareOf(size, longest, length) {
  return drawnLength(size, longest, length, look) / look.longest_in_cells;
}

function frame(context, { x, y, radius }, { longest, live }, style, palette) {
  const { length } = style;
  const minus = signOf(style) < 0 ? "−" : "";
  context.strokeStyle = palette.grid;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x - radius, y), context.lineTo(x + radius, y);
  context.moveTo(x, y - radius), context.lineTo(x, y + radius);
  circle(context, x, y, radius);
  const ringOf = (value) => radius * shareOf(value, longest, length);
  const values = live.length ? ringValues(longest, length).filter((value) => ringOf(value) >= SMALLEST) : [];
  for (const value of values) circle(context, x, y, ringOf(value));
  context.stroke();
  context.fillStyle = palette.faint;
  context.font = `10px ${look.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(`${minus}∂J/∂x₂`, x, y - radius - 10);
  context.save();
  context.translate(x + radius + 10, y);
  context.rotate(Math.PI / 2);
  context.fillText(`${minus}∂J/∂x₁`, 0, 0);
  context.restore();
  context.textAlign = "left";
  for (const value of values) label(context, value, x, y, ringOf(value), palette);
}

function label(context, value, x, y, radius, palette) {
  const text = number(value, 1);
  const [left, top] = [x + radius * Math.cos(2.6) - 12, y + radius * Math.sin(2.6)];
  context.fillStyle = palette.paper;
  context.fillRect(left - 2, top - 6, context.measureText(text).width + 4, 12);
  context.fillStyle = palette.faint;
  context.fillText(text, left, top);
}

function circle(context, x, y, radius) {
  context.moveTo(x + radius, y);
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

// Round numbers up to the longest: decades where lengths are compressed, three steps where they are true.
function ringValues(longest, length) {
  if (length === "unit") return [];
  const decade = 10 ** Math.floor(Math.log10(longest));
  if (length === "compressed") return [decade, decade / 10, decade / 100];
  const step = [5, 2, 1, 0.5, 0.2].map((n) => n * decade).find((size) => longest / size >= 2) ?? decade / 5;
  return Array.from({ length: Math.floor(longest / step) }, (_, k) => step * (k + 1));
}

function arrows(context, { x, y, radius }, spread, { style, selected, hovered }, palette) {
  const shades = shadesOf(palette.arrows);
  const sign = signOf(style);
  const scale = style.range === "frame" ? scaleOf([{ range: rangeOfSizes(spread.live.map(({ size }) => size)) }]) : style.scale;
  // Those that are chosen lie over the others.
  const rank = ({ minibatch }) => (minibatch === hovered ? 2 : 0) + (minibatch === selected ? 1 : 0);
  for (const arrow of [...spread.live].sort((a, b) => rank(a) - rank(b))) {
    const length = radius * shareOf(arrow.size, spread.longest, style.length);
    const [across, down] = [(sign * length * arrow.u) / arrow.size, (-sign * length * arrow.v) / arrow.size];
    drawn.tips.set(arrow.minibatch, [x + across, y + down]);
    const path = pathFor(context);
    addArrow(path, x + across / 2, y + down / 2, across, down);
    const isChosen = rank(arrow) > 0;
    context.lineWidth = isChosen ? 3 : look.arrow_width;
    context.strokeStyle = shades[shadeAt(Math.log10(arrow.size), scale.low, scale.high)];
    if (isChosen) context.strokeStyle = arrow.minibatch === hovered ? palette.ink : palette.chosen;
    context.stroke(path);
  }
}

// The mean of the unit vectors: as long as R, the outermost ring being 1. Under the arrows.
function mean(context, { x, y, radius }, { resultant }, style, palette) {
  const length = signOf(style) * radius * resultant.length;
  const [across, down] = [length * Math.cos(resultant.angle), -length * Math.sin(resultant.angle)];
  const size = Math.hypot(across, down);
  if (size < 1) return;
  /** @returns {[number, number]} */
  const at = (along, aside) => [x + (across * along - down * aside) / size, y + (down * along + across * aside) / size];
  const head = Math.min(14, size);
  const path = pathFor(context);
  path.moveTo(...at(0, 3.5));
  for (const [along, aside] of [[size - head, 3.5], [size - head, 9], [size, 0], [size - head, -9], [size - head, -3.5], [0, -3.5]])
    path.lineTo(...at(along, aside));
  path.closePath();
  context.fillStyle = palette.centre;
  context.globalAlpha = 0.5;
  context.fill(path);
  context.globalAlpha = 1;
}

function zeroPlaces(spread, { width, height, perLine, foot }) {
  const zeros = spread.arrows.filter(({ isZero }) => isZero);
  const columns = Math.min(zeros.length, perLine);
  const left = (width - (columns - 1) * RING.step) / 2;
  return new Map(zeros.map(({ minibatch }, k) => [
    minibatch, [left + (k % perLine) * RING.step, height - foot + 6 + Math.floor(k / perLine) * RING.step],
  ]));
}

function rings(context, spread, { selected, hovered }, palette) {
  for (const [minibatch, [x, y]] of drawn.zeros) {
    const isChosen = minibatch === selected || minibatch === hovered;
    context.lineWidth = isChosen ? 2.5 : 1.2;
    context.strokeStyle = minibatch === hovered ? palette.ink : minibatch === selected ? palette.chosen : palette.zero;
    context.beginPath();
    circle(context, x, y, RING.radius);
    context.stroke();
  }
}

// The minibatch whose arrow or ring lies under a point of the canvas; null if there is none.
export function roseAt(x, y) {
  if (!drawn) return null;
  let [best, nearest] = [null, NEAR];
  for (const [minibatch, [tipX, tipY]] of drawn.tips) {
    const distance = distanceToLine(x - drawn.place.x, y - drawn.place.y, tipX - drawn.place.x, tipY - drawn.place.y);
    if (distance < nearest) [best, nearest] = [minibatch, distance];
  }
  for (const [minibatch, [ringX, ringY]] of drawn.zeros) {
    const distance = Math.hypot(x - ringX, y - ringY);
    if (distance < nearest) [best, nearest] = [minibatch, distance];
  }
  return best;
}

// Where the arrow or ring of a minibatch is.
export function rosePlace(minibatch) {
  return drawn.tips.get(minibatch) ?? drawn.zeros.get(minibatch);
}

// From a point to the outer half of a line from 0: at the root all arrows meet, and none is meant.
function distanceToLine(x, y, endX, endY) {
  const along = Math.max(0.5, Math.min(1, (x * endX + y * endY) / (endX * endX + endY * endY || 1)));
  return Math.hypot(x - along * endX, y - along * endY);
}
