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

const NET = { width: 0.75, opacity: 0.35 };
const OWN = { width: 1.6, opacity: 0.95 };

/**
 * @param {number} slot of the picture
 * @param {{frame: any, row?: number | null, kinks: Kinks | null, net: Kinks | null} | null} drawn `frame` of a row's own field, null for none;
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
  strokes(drawn.net, { ...NET, colour: palette.ink });
  if (drawn.frame) {
    context.fillStyle = palette.paper;
    context.globalAlpha = 0.55;
    context.fillRect(plane.left, plane.top, plane.width, plane.height);
    context.globalAlpha = 1;
    strokes(drawn.net, { ...NET, colour: palette.ink });
  }
  strokes(drawn.kinks, { rows: [drawn.row], ...OWN, colour: palette.centre });
  if (drawn.frame) strokeField(context, plane, slot, drawn.frame, palette);
  context.restore();
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
