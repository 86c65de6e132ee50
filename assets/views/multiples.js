// Small multiples: the fields of all minibatches on one canvas, and over it a button for each.

import { drawnLength } from "../pure/arrows.js";
import { shadeAt, shadesOf } from "../pure/colours.js";
import { look } from "../pure/look.js";
import { GAP, placeOf } from "../pure/squares.js";
import { isSurface } from "../pure/surface.js";
import { button, element } from "../page/dom.js";
import { paletteNow } from "../page/scheme.js";
import { pathFor } from "../page/vectors.js";
import { addArrow, heatTile, preparedContext } from "./paint.js";

const CLOSEST = 6; // pixels between arrows: of a finer grid, some are left out, and never the centre

// Draws `frames` in the cells of a layout, each where its number in the map says; `styleOf(number, frame)`: as of a picture.
export function drawMultiples(canvas, frames, layout, styleOf) {
  const context = preparedContext(canvas, () => drawMultiples(canvas, frames, layout, styleOf));
  const palette = paletteNow();
  const paths = new Map();
  const zeros = pathFor(context);
  [...frames.keys()].sort((a, b) => a - b).forEach((number) => {
    const frame = frames.get(number);
    const style = styleOf(number, frame);
    const box = placeOf(number, layout);
    context.fillStyle = palette.paper;
    context.fillRect(box.left, box.top, box.side, box.side);
    if (style.under === "heat" || isSurface(style)) heat(context, frame, box, palette);
    arrows(context, paths, zeros, frame, box, style);
  });
  const shades = shadesOf(palette.arrows);
  context.lineWidth = layout.cell > 80 ? 1.2 : 1;
  for (const [shade, path] of paths) {
    context.strokeStyle = shades[shade];
    context.stroke(path);
  }
  context.strokeStyle = palette.zero;
  context.stroke(zeros);
}

function heat(context, frame, { left, top, side }, palette) {
  const tile = heatTile(frame, palette);
  if (!tile) return;
  context.imageSmoothingEnabled = false;
  context.drawImage(tile, left, top, side, side);
}

function arrows(context, paths, zeros, frame, { left, top, side }, style) {
  const { points } = frame;
  const middle = (points - 1) / 2;
  const step = side / points;
  const stride = Math.max(1, Math.min(middle, Math.ceil(CLOSEST / step)));
  const { scale } = style;
  const sign = style.direction === "descent" ? -1 : 1;
  // No arrow reaches into the next field.
  const first = (middle % stride) + ((middle % stride) + 0.5 < (look.longest_in_cells * stride) / 2 ? stride : 0);
  for (let j = first; j < points - first; j += stride)
    for (let i = first; i < points - first; i += stride) {
      const k = j * points + i;
      const [u, v] = [frame.u[k], frame.v[k]];
      const size = Math.hypot(u, v);
      if (!Number.isFinite(size) || !Number.isFinite(frame.loss[k])) continue;
      const [x, y] = [left + (i + 0.5) * step, top + side - (j + 0.5) * step];
      if (frame.isZero[k] || size === 0) {
        zeros.moveTo(x + 1, y), zeros.arc(x, y, 1, 0, 2 * Math.PI);
        continue;
      }
      const shade = shadeAt(Math.log10(size), scale.low, scale.high);
      if (!paths.has(shade)) paths.set(shade, pathFor(context));
      const drawn = (sign * stride * step * drawnLength(size, scale.longest, style.length, look)) / size;
      addArrow(paths.get(shade), x, y, drawn * u, -drawn * v);
    }
}

// Fills `host` with a button for each minibatch: Enter or a click chooses it, arrow keys go from one to the next.
export function makeMinis(host, many, { onChoose, onHover }) {
  if (host.childElementCount === many) return;
  const made = Array.from({ length: many }, (_, minibatch) => {
    const one = button(element("span", "", `${minibatch}`), () => onChoose(minibatch), "gv-mini");
    one.addEventListener("pointerenter", () => onHover(minibatch));
    one.addEventListener("pointerleave", () => onHover(null));
    one.addEventListener("focus", () => one.matches(":focus-visible") && onHover(minibatch));
    one.addEventListener("blur", () => onHover(null));
    return one;
  });
  host.replaceChildren(...made);
}

export function placeMinis(host, { columns, cell, left, head = 0 }) {
  host.style.paddingLeft = `${left}px`;
  host.style.gridTemplateColumns = `repeat(${columns}, ${cell}px)`;
  host.style.gridAutoRows = `${cell + head}px`;
  host.style.gap = `${GAP}px`;
  host.dataset.columns = columns;
}

// Marks the chosen one, the only one that the Tab key stops at.
export function markMinis(host, selected, hovered) {
  [...host.children].forEach((one, minibatch) => {
    one.setAttribute("aria-pressed", minibatch === selected);
    one.tabIndex = minibatch === (selected ?? 0) ? 0 : -1;
    one.classList.toggle("gv-hovered", minibatch === hovered);
  });
}

export function stepMinis(host, event, all = [...host.children]) {
  const columns = Number(host.dataset.columns);
  const here = all.indexOf(document.activeElement);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -here, End: all.length - 1 - here };
  if (here < 0 || !(event.key in steps)) return;
  event.preventDefault();
  all[here + steps[event.key]]?.focus();
}
