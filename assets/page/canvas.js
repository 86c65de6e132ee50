// What maps of points are drawn with, on a canvas of as many pixels as the screen has.

/** The canvas in this size, empty, measured in pixels of the page. @param {HTMLCanvasElement} canvas @param {{width: number, height: number}} size */
export function sized(canvas, { width, height }) {
  const ratio = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

export function segment(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** A disc around a point. @param {CanvasRenderingContext2D} context @param {{x: number, y: number}} at */
export function dot(context, { x, y }, radius, colour, opacity = 1) {
  context.globalAlpha = opacity;
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  context.globalAlpha = 1;
}

/** A circle around a point. @param {CanvasRenderingContext2D} context @param {{x: number, y: number}} at */
export function ring(context, { x, y }, radius, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}

/** Text along an axis that goes up, at the left edge. @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y its middle */
export function upright(context, text, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(text, 0, 0);
  context.restore();
}
