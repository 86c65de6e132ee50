// Paths of SGD on a picture's plane from a point that is dragged there. gradviz/drawing/probe.py draws the same, and tells the lines' styles.

import { look } from "./look.js";
import { dots, line } from "./strokes.js";

/**
 * @typedef {{schedule: string, x: number[], y: number[], name: string, line: string}} ProbePath
 * @typedef {{paths: ProbePath[], sentences: string[], rate?: number, drawn?: number, error?: string}} Probed what the server says (gradviz/compute/probe.py); `drawn`:
 *   how many of the steps are drawn so far, all of them without it
 * @typedef {[number, number]} Start in half widths from the checkpoint
 */

const FINE = 0.2; // of a step by key
const DIGITS = 1e4;
const SPAN = 2.5; // decades of the rate on either side of what the server chose
export const RATE_NOTCHES = 100;

/** The paths as far as they are drawn, the last of look.probe.lines on top. @param {Probed} told @param {any} palette */
export function probeStrokes(told, palette) {
  const { lines, most_dots: mostDots, start, step, end, halo } = look.probe;
  const halos = [];
  const strokes = [];
  for (const { schedule, dash, width } of lines) {
    const path = told.paths.find((one) => one.schedule === schedule);
    const upTo = path ? Math.min(path.x.length, 1 + (told.drawn ?? Infinity)) : 0;
    if (upTo < 2) continue;
    const [x, y] = [path.x.slice(0, upTo), path.y.slice(0, upTo)];
    const colour = palette.probe[schedule];
    const texts = x.map((_, k) => `${path.name}, step ${k}`);
    halos.push(line(x, y, palette.paper, { width: width + halo, opacity: 0.75 }));
    strokes.push(line(x, y, colour, { width, dash }));
    if (upTo > 2 && path.x.length <= mostDots + 1) strokes.push(dots(x.slice(1, -1), y.slice(1, -1), colour, { size: step, texts: texts.slice(1, -1) }));
    strokes.push(dots(x.slice(-1), y.slice(-1), colour, { size: end, texts: texts.slice(-1) }));
  }
  const [first] = told.paths;
  const at = [first.x.slice(0, 1), first.y.slice(0, 1)];
  return [...halos, ...strokes, dots(at[0], at[1], palette.ink, { size: start }), dots(at[0], at[1], palette.paper, { size: start - 4, texts: ["start"] })];
}

/** How many steps the longest path has. @param {Probed} told */
export function stepsOf({ paths }) {
  return Math.max(...paths.map(({ x }) => x.length - 1));
}

// ---- where it begins ------------------------------------------------------------------------------------------

/** @param {string} text @returns {Start} */
export function startOf(text) {
  const [x, y] = text.split(",").map(Number);
  return [x, y];
}

/** Its one text, as gradviz/compute/probe.py writes it: within the picture, with four digits. @param {Start} start */
export function startText(start) {
  return start.map((share) => `${Math.round(Math.max(-1, Math.min(1, share)) * DIGITS) / DIGITS + 0}`).join(",");
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** One cell of a grid away, or a fifth of one; home is the checkpoint. Null for other keys. @param {Start} start @returns {Start | null} */
export function startByKey([x, y], key, isFine, points) {
  if (key === "Home") return [0, 0];
  const along = ARROWS[key];
  if (!along) return null;
  const step = (isFine ? FINE : 1) * (2 / (points - 1));
  return [x + step * along[0], y + step * along[1]];
}

// ---- the rate -------------------------------------------------------------------------------------------------

/** The slider's place for a rate, of -RATE_NOTCHES to RATE_NOTCHES; the middle is `own`, what the server chose. */
export function notchOf(rate, own) {
  return Math.max(-RATE_NOTCHES, Math.min(RATE_NOTCHES, Math.round((Math.log10(rate / own) / SPAN) * RATE_NOTCHES)));
}

/** The rate, with three digits, at a place of the slider; null in the middle: each picture has its own. */
export function rateAt(notch, own) {
  return notch === 0 ? null : Number((own * 10 ** ((SPAN * notch) / RATE_NOTCHES)).toPrecision(3));
}
