// Draws the map of the units (pure/units.js).

import { signed } from "../pure/formats.js";
import { look } from "../pure/look.js";
import { EDGE } from "../pure/units.js";
import { dot, ring, segment, sized, upright } from "../page/canvas.js";
import { paletteNow } from "../page/scheme.js";

// `marks`: {rows: of which the shares are, at: unit under the pointer or null, picked: [units], shown: [units]}.
export function drawUnits(canvas, layout, { at, picked, shown, rows }) {
  const { units } = layout;
  const context = sized(canvas, layout);
  const palette = paletteNow();
  drawAxes(context, layout, rows, palette);
  for (const one of units) dot(context, one, 2.2, one.isZero ? palette.zero : palette.ink, 0.45);
  const accent = getComputedStyle(canvas).getPropertyValue("--gv-accent");
  for (const unit of shown) ring(context, units[unit], 5, accent, 1.5);
  for (const unit of picked) dot(context, units[unit], 5, palette.centre);
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
  upright(context, "log10 RMS of ∂J", 11, (EDGE.top + floor) / 2);
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
