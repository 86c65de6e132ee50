// What is drawn over a picture of the row that is pointed at: its own field, and the lines at which its gates switch; and those
// of all rows as a faint net.

import { encode, scaleOf } from "../pure/arrows.js";
import { kinkStrokes } from "../pure/kinks.js";
import { look } from "../pure/look.js";
import { paletteNow } from "../page/scheme.js";
import { page } from "../page/state.js";
import { plotIn } from "../page/dom.js";
import { paintStrokes } from "./brush.js";
import { addArrow, clearCanvas, planeOf, preparedContext, sizeOfCanvas, watchCanvas } from "./paint.js";

/** @import { Kinks } from "../pure/kinks.js" */
/** @import { RowField } from "../pure/increments.js" */

const NET = { width: 0.75, opacity: 0.35 };
const FAINTEST = 0.07;
const MANY = 64; // rows: of more each has fainter lines, so that arrows stay what is seen first
const OWN = { width: 1.6, opacity: 0.95 };

/**
 * @param {number} slot of the picture
 * @param {{field: RowField | null, row?: number | null, kinks: Kinks | null, net: Kinks | null} | null} drawn `field` of the row alone, null for none;
 *   `kinks` have that row's lines, `net` those of all
 */
export function drawRowLayer(slot, drawn) {
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById(`rows-canvas-${slot}`));
  const plane = drawn && planeOf(plotIn(`graph-${slot}`));
  if (!plane) return void (canvas.width > 0 && clearCanvas(canvas));
  const context = preparedContext(canvas);
  const palette = paletteNow();
  context.save();
  context.beginPath();
  context.rect(plane.left, plane.top, plane.width, plane.height);
  context.clip();
  const strokes = (kinks, how) => kinks && paintStrokes(context, plane, kinkStrokes(kinks, how));
  const net = { width: NET.width, opacity: opacityOf(drawn.net), colour: palette.ink };
  strokes(drawn.net, net);
  if (drawn.field) {
    context.fillStyle = palette.paper;
    context.globalAlpha = 0.55;
    context.fillRect(plane.left, plane.top, plane.width, plane.height);
    context.globalAlpha = 1;
    strokes(drawn.net, net);
  }
  strokes(drawn.kinks, { rows: [drawn.row], ...OWN, colour: palette.centre });
  if (drawn.field) {
    strokeField(context, plane, slot, frameOf(drawn.field), palette);
    label(context, plane, drawn.row === undefined ? "row that may come, own lengths" : `row ${drawn.row}, own lengths`, palette);
  }
  context.restore();
}

function opacityOf(net) {
  return Math.max(FAINTEST, NET.opacity * Math.min(1, MANY / (net?.header.rows.length || 1)));
}

// The legends speak of the minibatch: this says whose field it is.
function label(context, plane, words, palette) {
  context.font = `600 12px ${look.font}`;
  const [left, top] = [plane.left + 6, plane.top + 6];
  context.fillStyle = palette.paper;
  context.fillRect(left, top, context.measureText(words).width + 12, 20);
  context.fillStyle = palette.ink;
  context.fillText(words, left + 6, top + 14);
}

function frameOf({ u, v }) {
  const size = u.length;
  const isZero = Uint8Array.from(u, (_, k) => (u[k] === 0 && v[k] === 0 ? 1 : 0));
  const lengths = Float32Array.from(u, (_, k) => Math.hypot(u[k], v[k]));
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const range = longest > 0 ? { low: -1, high: 0, longest } : null;
  return { u, v, loss: new Float32Array(size), isZero, points: Math.round(Math.sqrt(size)), range };
}

// With lengths of its own: a row's gradient is not of the size of the minibatch's.
function strokeField(context, plane, slot, frame, palette) {
  const { halfWidth } = page.panels[slot].plan;
  const { length, direction } = page.view;
  const { arrows } = encode(frame, { halfWidth, scale: scaleOf([frame]), length, direction }, look);
  const path = new Path2D();
  for (let k = 0; k < arrows.x.length; k++) addArrow(path, plane.x(arrows.x[k]), plane.y(arrows.y[k]), arrows.u[k] * plane.scaleX, -arrows.v[k] * plane.scaleY);
  context.lineWidth = look.arrow_width;
  context.strokeStyle = palette.ink;
  context.stroke(path);
}

/** The picture's size changes. @param {number} slot @param {() => void} redraw */
export function watchRowLayer(slot, redraw) {
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById(`rows-canvas-${slot}`));
  sizeOfCanvas(canvas);
  watchCanvas(canvas, redraw);
}
