// Draws a frame on a canvas over the Plotly picture, in its axes: what is seen while a slider moves.

import { boldness, encode } from "../pure/arrows.js";
import { pixelsOf, shadeAt, shadesOf } from "../pure/colours.js";
import { levelsOf, traceLevels } from "../pure/contours.js";
import { look } from "../pure/look.js";
import { planeIn } from "../pure/plane.js";
import { isSurface } from "../pure/surface.js";
import { paletteNow } from "../page/scheme.js";
import { paintStrokes } from "./brush.js";

// plotly.js draws heads of 5.8 px × arrowsize × line width, at most 0.7 of the arrow, at ±15°: the canvas does the same, so that nothing jumps.
const HEAD_PIXELS = 5.8;
const HEAD_ANGLE = Math.PI / 12;

// Radii and widths of rings in pixels, in a large picture and in one of many.
const LARGE = { zero: 2, zeroWidth: 1, centre: 9, centreWidth: 2 };
const SMALL = { zero: 1.2, zeroWidth: 1, centre: 5, centreWidth: 1.5 };

// Returns false if there is no Plotly picture yet to draw over, or if it is a surface, which Plotly alone draws. `style`: {halfWidth, scale, length, under}.
export function paintFrame(canvas, graph, frame, style) {
  const plane = isSurface(style) ? null : planeOf(graph);
  if (!plane) return clearCanvas(canvas), false;
  paintPlane(preparedContext(canvas), plane, frame, style, LARGE);
  return true;
}

// One of many pictures on a canvas, flat, with heat in place of a surface; `style.every`: of a fine grid, some arrows are left out.
export function paintSmall(context, plane, frame, style) {
  paintPlane(context, plane, frame, style, SMALL);
}

function paintPlane(context, plane, frame, style, rings) {
  const palette = paletteNow();
  context.save();
  context.beginPath();
  context.rect(plane.left, plane.top, plane.width, plane.height);
  context.clip();
  context.fillStyle = palette.paper;
  context.fillRect(plane.left, plane.top, plane.width, plane.height);
  if (style.under === "heat" || isSurface(style)) paintHeat(context, plane, frame, style, palette);
  if (style.under === "contour") paintContours(context, plane, frame, style, palette);
  const { arrows, zeros } = encode(frame, style, look);
  const { large = 1 } = style;
  paintArrows(context, plane, arrows, style.scale, palette, look.arrow_width * boldness(large));
  paintRings(context, plane, zeros.x, zeros.y, large * rings.zero, large * rings.zeroWidth, palette.zero);
  paintStrokes(context, plane, style.strokes ?? []);
  paintRings(context, plane, [0], [0], large * rings.centre, large * rings.centreWidth, palette.centre);
  context.restore();
}

export function clearCanvas(canvas) {
  canvas.dataset.drawn = "off";
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

// Where the graph's axes lie on it, in CSS pixels, and how data become pixels; null for a surface.
export function planeOf(graph) {
  const layout = graph && graph._fullLayout;
  if (!layout || !layout.xaxis || !layout.meta || layout.meta.isSurface) return null;
  const [x, y] = [layout.xaxis, layout.yaxis];
  return planeIn({ left: x._offset, top: y._offset, width: x._length, height: y._length }, { x: x.range, y: y.range });
}

export function preparedContext(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width: across, height: down } = sizeOfCanvas(canvas);
  const [width, height] = [Math.round(across * ratio), Math.round(down * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, across, down);
  canvas.dataset.drawn = "on";
  return context;
}

// The sizes of the canvases in CSS pixels: asking for one lays out the page, which takes longer than the drawing. All
// that draws on a canvas goes by this size, and is told when it has become another.
let sizes = new WeakMap();
const watchers = new WeakMap();
const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) sizes.set(target, contentRect);
  for (const { target } of entries) watchers.get(target)?.();
});

export function sizeOfCanvas(canvas) {
  if (!sizes.has(canvas)) {
    resized.observe(canvas);
    sizes.set(canvas, { width: canvas.clientWidth, height: canvas.clientHeight });
  }
  return sizes.get(canvas);
}

export function watchCanvas(canvas, onResize) {
  watchers.set(canvas, onResize);
  resized.observe(canvas);
}

// Another screen, or the browser's zoom: a box of the same size has other pixels.
function watchPixels() {
  matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`).addEventListener("change", () => {
    for (const canvas of document.querySelectorAll("canvas")) watchers.get(canvas)?.();
    watchPixels();
  }, { once: true });
}
watchPixels();

// The page is about to be laid out in another way.
export function forgetSizes() {
  sizes = new WeakMap();
}

function paintArrows(context, plane, arrows, scale, palette, width) {
  const shades = shadesOf(palette.arrows);
  const paths = new Map();
  for (let k = 0; k < arrows.x.length; k++) {
    const shade = shadeAt(arrows.colour[k], scale.low, scale.high);
    if (!paths.has(shade)) paths.set(shade, new Path2D());
    addArrow(paths.get(shade), plane.x(arrows.x[k]), plane.y(arrows.y[k]), arrows.u[k] * plane.scaleX, -arrows.v[k] * plane.scaleY, width);
  }
  context.lineWidth = width;
  for (const [shade, path] of paths) {
    context.strokeStyle = shades[shade];
    context.stroke(path);
  }
}

export function addArrow(path, x, y, across, down, width = look.arrow_width) {
  const [tipX, tipY] = [x + across / 2, y + down / 2];
  const head = Math.min(HEAD_PIXELS * look.arrow_head * width, 0.7 * Math.hypot(across, down));
  const angle = Math.atan2(down, across);
  path.moveTo(x - across / 2, y - down / 2);
  path.lineTo(tipX, tipY);
  path.lineTo(tipX - head * Math.cos(angle - HEAD_ANGLE), tipY - head * Math.sin(angle - HEAD_ANGLE));
  path.moveTo(tipX, tipY);
  path.lineTo(tipX - head * Math.cos(angle + HEAD_ANGLE), tipY - head * Math.sin(angle + HEAD_ANGLE));
}

function paintRings(context, plane, xs, ys, radius, width, colour) {
  const path = new Path2D();
  for (let k = 0; k < xs.length; k++) {
    const [x, y] = [plane.x(xs[k]), plane.y(ys[k])];
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke(path);
}

// The loss as an image, a pixel for each point; null where it is flat.
export function heatTile(frame, palette) {
  const levels = levelsOf(frame.loss, look.flat_share);
  if (!levels) return null;
  const shades = pixelsOf(palette.loss);
  const tile = new OffscreenCanvas(frame.points, frame.points);
  const image = new ImageData(frame.points, frame.points);
  const pixels = new Uint32Array(image.data.buffer);
  for (let k = 0; k < frame.loss.length; k++) {
    const row = frame.points - 1 - Math.floor(k / frame.points);
    pixels[row * frame.points + (k % frame.points)] = shades[shadeAt(frame.loss[k], levels.low, levels.high)];
  }
  tile.getContext("2d").putImageData(image, 0, 0);
  return tile;
}

function paintHeat(context, plane, frame, style, palette) {
  const tile = heatTile(frame, palette);
  if (!tile) return;
  const cell = (2 * style.halfWidth) / (frame.points - 1);
  const [width, height] = [cell * frame.points * plane.scaleX, cell * frame.points * plane.scaleY];
  context.imageSmoothingEnabled = false;
  context.drawImage(tile, plane.x(0) - width / 2, plane.y(0) - height / 2, width, height);
}

function paintContours(context, plane, frame, style, palette) {
  const levels = levelsOf(frame.loss, look.flat_share);
  if (!levels) return;
  const middle = (frame.points - 1) / 2;
  const cell = style.halfWidth / middle;
  const path = new Path2D();
  traceLevels(frame.loss, frame.points, levels, (x0, y0, x1, y1) => {
    path.moveTo(plane.x(cell * (x0 - middle)), plane.y(cell * (y0 - middle)));
    path.lineTo(plane.x(cell * (x1 - middle)), plane.y(cell * (y1 - middle)));
  });
  context.lineWidth = 1;
  context.strokeStyle = palette.contour;
  context.stroke(path);
}
