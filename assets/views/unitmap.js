// Draws the map of the units (pure/units.js).

import { signed } from "../pure/formats.js";
import { look } from "../pure/look.js";
import { EDGE } from "../pure/units.js";
import { paletteNow } from "../page/scheme.js";

// `marks`: {rows: of which the shares are, at: unit under the pointer or null, picked: [units], shown: [units]}.
export function drawUnits(canvas, layout, { at, picked, shown, rows }) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height, units } = layout;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const palette = paletteNow();
  drawAxes(context, layout, rows, palette);
  for (const { x, y, isZero } of units) dot(context, x, y, 2.2, isZero ? palette.zero : palette.ink, 0.45);
  const accent = getComputedStyle(canvas).getPropertyValue("--gv-accent");
  for (const unit of shown) ring(context, units[unit], 5, accent, 1.5);
  for (const unit of picked) dot(context, units[unit].x, units[unit].y, 5, palette.centre, 1);
  if (at !== null) ring(context, units[at], 7, palette.centre, 2);
}

function drawAxes(context, { width, height, low, high, across, up, units, isByNumber }, rows, palette) {
  const floor = height - EDGE.bottom - EDGE.floor;
  context.font = `11px ${look.font}`;
  context.strokeStyle = palette.grid;
  context.fillStyle = palette.faint;
  context.lineWidth = 1;
  context.textAlign = "center";
  if (isByNumber) drawNumbers(context, units, height);
  else drawShares(context, across, height);
  context.fillText(isByNumber ? "units by their number" : `active on this share of ${rows}`, (across(0) + across(1)) / 2, height - 6);
  context.textAlign = "right";
  for (let decade = Math.ceil(low); decade <= high; decade++) {
    segment(context, EDGE.left, up(decade), width - EDGE.right, up(decade));
    context.fillText(signed(`${decade}`), EDGE.left - 6, up(decade) + 4);
  }
  segment(context, EDGE.left, floor, width - EDGE.right, floor);
  context.fillText("zero", EDGE.left - 6, floor + EDGE.floor / 2 + 4);
  context.save();
  context.translate(11, (EDGE.top + floor) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText("log10 RMS of ∂J", 0, 0);
  context.restore();
}

function drawShares(context, across, height) {
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    segment(context, across(share), EDGE.top, across(share), height - EDGE.bottom);
    context.fillText(`${100 * share} %`, across(share), height - EDGE.bottom + 14);
  }
  context.fillText("none", EDGE.left + EDGE.strip * 0.4, height - EDGE.bottom + 14);
}

// The first and the last.
function drawNumbers(context, units, height) {
  for (const { unit, x } of new Set([units[0], units.at(-1)])) context.fillText(`${unit}`, x, height - EDGE.bottom + 14);
}

function segment(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function dot(context, x, y, radius, colour, opacity) {
  context.globalAlpha = opacity;
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  context.globalAlpha = 1;
}

function ring(context, { x, y }, radius, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}
