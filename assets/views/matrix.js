// The matrix of cosines between the gradients of all minibatches, rows and columns in one order.

import { channels, shadeAt, shadesOf } from "../pure/colours.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { preparedContext, sizeOfCanvas } from "./paint.js";

let tile = null; // the matrix, one pixel a cell
let key = null;
let place = null; // where it lies on the canvas

// `cosines`: {order: minibatches, value(a, b): cosine or null, key}; `chosen`: {selected, hovered: minibatches or
// null, other: the column that the pointer is at}.
export function drawMatrix(canvas, cosines, chosen) {
  const context = preparedContext(canvas, () => drawMatrix(canvas, cosines, chosen));
  const palette = paletteNow();
  const many = cosines.order.length;
  if (!many) return (place = null);
  const wanted = `${cosines.key}|${scheme()}`;
  if (key !== wanted) [tile, key] = [tileOf(cosines, palette), wanted];
  const { width, height } = sizeOfCanvas(canvas);
  const side = Math.min(width, height) - 2;
  place = { left: (width - side) / 2, top: (height - side) / 2, side, cell: side / many, order: cosines.order };
  context.imageSmoothingEnabled = false;
  context.drawImage(tile, place.left, place.top, side, side);
  context.strokeStyle = palette.grid;
  context.lineWidth = 1;
  context.strokeRect(place.left - 0.5, place.top - 0.5, side + 1, side + 1);
  bands(context, chosen.selected, chosen.selected, palette.chosen);
  if (chosen.hovered !== null) bands(context, chosen.hovered, chosen.other ?? chosen.hovered, palette.ink);
}

function tileOf({ order, value }, palette) {
  const many = order.length;
  const shades = shadesOf(palette.cosine).map(channels);
  const none = channels(palette.grid);
  const pixels = new ImageData(many, many);
  for (let j = 0; j < many; j++)
    for (let i = 0; i < many; i++) {
      const cosine = value(order[j], order[i]);
      const shade = cosine === null ? none : shades[shadeAt(cosine, -1, 1)];
      pixels.data.set([...shade, 255], 4 * (j * many + i));
    }
  const made = new OffscreenCanvas(many, many);
  made.getContext("2d").putImageData(pixels, 0, 0);
  return made;
}

// Frames a row and a column.
function bands(context, row, column, colour) {
  const { left, top, side, cell, order } = place;
  const [j, i] = [order.indexOf(row), order.indexOf(column)];
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  if (j >= 0) context.strokeRect(left, top + j * cell, side, cell);
  if (i >= 0) context.strokeRect(left + i * cell, top, cell, side);
}

// {row, column}: the two minibatches under a point of the canvas; null outside.
export function cellAt(x, y) {
  if (!place) return null;
  const [i, j] = [Math.floor((x - place.left) / place.cell), Math.floor((y - place.top) / place.cell)];
  const [row, column] = [place.order[j], place.order[i]];
  return row === undefined || column === undefined ? null : { row, column };
}

// Where a cell's middle is on the canvas.
export function cellMiddle(row, column) {
  const { left, top, cell, order } = place;
  return [left + (order.indexOf(column) + 0.5) * cell, top + (order.indexOf(row) + 0.5) * cell];
}
