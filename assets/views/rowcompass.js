// The compass of a minibatch's rows: the arrow of each from one point, exact in direction, and the minibatch's own, thick.

import { drawnLength } from "../pure/arrows.js";
import { look } from "../pure/look.js";
import { lengthOf, sumOf } from "../pure/rowlist.js";
import { paletteNow } from "../page/scheme.js";
import { page } from "../page/state.js";
import { addArrow, preparedContext, sizeOfCanvas } from "./paint.js";

/** @import { Row } from "../pure/rowlist.js" */

const MARGIN = 6;
const NEAR = 8; // pixels within which the pointer means an arrow

/** @type {{centre: [number, number], tips: Map<number, [number, number]>}} */
let drawn = { centre: [0, 0], tips: new Map() };

/** @param {HTMLCanvasElement} canvas @param {Row[]} rows @param {{hovered: number | null, selected: number | null}} marks */
export function drawCompass(canvas, rows, { hovered, selected }) {
  const context = preparedContext(canvas);
  const palette = paletteNow();
  const { width, height } = sizeOfCanvas(canvas);
  const [x, y, radius] = [width / 2, height / 2, Math.min(width, height) / 2 - MARGIN];
  drawn = { centre: [x, y], tips: new Map() };
  if (radius <= 0) return; // it is not seen
  context.strokeStyle = palette.grid;
  context.lineWidth = 1;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.moveTo(x - radius, y), context.lineTo(x + radius, y);
  context.moveTo(x, y - radius), context.lineTo(x, y + radius);
  context.stroke();
  const longest = Math.max(...rows.map((row) => lengthOf(/** @type {any} */ (row))));
  if (!(longest > 0)) return;
  const sign = page.view.direction === "descent" ? -1 : 1;
  const tipOf = ({ u, v }, reach) => {
    const size = Math.hypot(u, v);
    const length = size ? (sign * reach * drawnLength(size, longest, page.view.length, look)) / look.longest_in_cells / size : 0;
    return [length * u, -length * v];
  };
  const rank = ({ row }) => (row === hovered ? 2 : row === selected ? 1 : 0);
  for (const row of [...rows].sort((a, b) => rank(a) - rank(b))) {
    const [across, down] = tipOf(row, radius);
    if (!across && !down) continue;
    drawn.tips.set(row.row, [x + across, y + down]);
    const isMarked = rank(row) > 0;
    context.globalAlpha = isMarked ? 1 : 0.6;
    stroke(context, [x, y, across, down], isMarked ? 2.6 : 1.1, isMarked ? palette.ink : row.share < 0 ? palette.centre : palette.chosen);
  }
  context.globalAlpha = 1;
  const sum = sumOf(/** @type {any[]} */ (rows));
  const mean = { u: sum.u / rows.length, v: sum.v / rows.length };
  if (lengthOf(mean) > 0) {
    const [across, down] = tipOf(mean, radius);
    stroke(context, [x, y, across, down], 7, palette.paper);
    stroke(context, [x, y, across, down], 4, palette.ink);
  }
}

function stroke(context, [x, y, across, down], width, colour) {
  const path = new Path2D();
  addArrow(path, x + across / 2, y + down / 2, across, down);
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke(path);
}

/** The row whose arrow lies under a point of the canvas; null if there is none. @param {number} x @param {number} y */
export function rowOnCompass(x, y) {
  let [best, nearest] = [null, NEAR];
  const [across, down] = [x - drawn.centre[0], y - drawn.centre[1]];
  for (const [row, [tipX, tipY]] of drawn.tips) {
    const [endX, endY] = [tipX - drawn.centre[0], tipY - drawn.centre[1]];
    const along = Math.max(0.4, Math.min(1, (across * endX + down * endY) / (endX * endX + endY * endY || 1)));
    const distance = Math.hypot(across - along * endX, down - along * endY);
    if (distance < nearest) [best, nearest] = [row, distance];
  }
  return best;
}
