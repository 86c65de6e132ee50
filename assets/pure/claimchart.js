// The chart beside a claim as shapes: lines with their intervals, the rule's line, and a label at the end of each.

import { apart } from "./apart.js";
import { lineWords, valueWords } from "./bars.js";

/**
 * @typedef {{name: string, x: number[], y: (number | null)[], low: (number | null)[], high: (number | null)[], role: "own" | "other" | "null"}} Line
 * @typedef {{x_title: string, y_title: string, lines: Line[], unit: string, range: [number, number] | null, ticks: string[],
 *   threshold: {value: number, side: import("./bars.js").Side, words: string} | null, isLog?: boolean}} Chart
 * @typedef {{name: string, attributes: Record<string, string | number>, words?: string}} Shape
 */

export const SIZE = { width: 420, height: 230 };
const LETTER = 7.2; // pixels of a letter of the labels, about
const LABEL = 14; // of a line of them
const PLACE = { left: 50, top: 24, bottom: 40 };

/** @param {Chart} chart @returns {Shape[]} */
export function shapesOf(chart) {
  const named = chart.lines.length > 1 ? chart.lines : [];
  const asked = chart.threshold ? lineWords(chart.threshold, chart.unit) : "";
  const right = 14 + LETTER * Math.max(asked.length, ...named.map(({ name }) => name.length));
  const box = { left: PLACE.left, right: SIZE.width - right, top: PLACE.top, bottom: SIZE.height - PLACE.bottom };
  const scale = scaleOf(chart, box);
  return [...axes(chart, box, scale), ...chart.lines.flatMap((line) => lineShapes(line, chart, scale)), ...thresholdShapes(chart, box, scale), ...labels(named, chart.threshold && { name: asked, value: chart.threshold.value }, box, scale)];
}

function scaleOf(chart, box) {
  const xs = chart.lines.flatMap(({ x }) => x);
  const [first, last] = chart.ticks.length ? [-0.4, chart.ticks.length - 0.6] : [Math.min(...xs), Math.max(...xs)];
  const [low, high] = chart.range ?? extent(chart);
  const inner = chart.ticks.length ? 0 : 8;
  return {
    low, high, first, last,
    x: (value) => (last > first ? box.left + inner + ((value - first) / (last - first)) * (box.right - box.left - 2 * inner) : (box.left + box.right) / 2),
    y: (value) => box.bottom - (Math.max(0, Math.min(1, (value - low) / (high - low)))) * (box.bottom - box.top),
  };
}

// From 0, or of logarithms from the smallest.
function extent({ lines, threshold, isLog }) {
  const values = [...lines.flatMap(({ y, low, high }) => [...y, ...low, ...high]), threshold?.value ?? null].filter((value) => value !== null);
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  if (isLog) return [Math.floor(least), Math.max(Math.ceil(most), Math.floor(least) + 1)];
  const to = most > 0 ? 1.08 * most : 1;
  return [Math.min(0, 1.08 * least), to];
}

function axes(chart, box, { low, high, first, last, x, y }) {
  const levels = chart.isLog ? decades(low, high) : [low, (low + high) / 2, high];
  const words = (value) => (chart.isLog ? `${10 ** value < 1e-3 || 10 ** value > 1e4 ? `1e${value}`.replace("-", "−") : 10 ** value}` : valueWords(Number(value.toPrecision(2)), chart.unit));
  /** @type {Shape[]} */
  const shapes = levels.flatMap((value) => [
    { name: "line", attributes: { class: "gv-chart-grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) } },
    { name: "text", attributes: { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, words: words(value) },
  ]);
  const places = chart.ticks.length ? chart.ticks.map((text, k) => [k, text]) : [...new Set([first, last])].map((value) => [value, `${value}`]);
  for (const [at, text] of places) shapes.push({ name: "text", attributes: { x: x(at), y: box.bottom + 16, "text-anchor": "middle" }, words: text });
  shapes.push({ name: "text", attributes: { x: (box.left + box.right) / 2, y: SIZE.height - 6, "text-anchor": "middle" }, words: chart.x_title });
  shapes.push({ name: "text", attributes: { x: 4, y: 12 }, words: chart.y_title });
  return shapes;
}

function decades(low, high) {
  const step = Math.max(1, Math.ceil((high - low) / 4));
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, k) => low + k * step);
}

function lineShapes({ x: xs, y: ys, low, high, role }, { ticks }, { x, y }) {
  const kind = `gv-chart-${role}`;
  const there = xs.map((_, k) => k).filter((k) => ys[k] !== null);
  const shapes = there.filter((k) => (low[k] ?? null) !== null && (high[k] ?? null) !== null)
    .map((k) => ({ name: "line", attributes: { class: `${kind} gv-chart-interval`, x1: x(xs[k]), x2: x(xs[k]), y1: y(low[k]), y2: y(high[k]) } }));
  if (!ticks.length) shapes.push({ name: "polyline", attributes: { class: `${kind} gv-chart-line`, points: there.map((k) => `${x(xs[k]).toFixed(1)},${y(ys[k]).toFixed(1)}`).join(" ") } });
  if (there.length <= 25) shapes.push(...there.map((k) => ({ name: "circle", attributes: { class: `${kind} gv-chart-dot`, cx: x(xs[k]), cy: y(ys[k]), r: ticks.length ? 4 : 2.5 } })));
  return shapes;
}

function thresholdShapes({ threshold }, box, { y }) {
  if (!threshold) return [];
  const at = y(threshold.value);
  return [{ name: "line", attributes: { class: "gv-bar-line", x1: box.left, x2: box.right, y1: at, y2: at } }];
}

// At the right end of each line, and of the rule's, moved apart.
function labels(lines, asked, box, { y }) {
  const ends = lines.map(({ name, role, y: ys }) => ({ name, kind: `gv-chart-label gv-chart-${role}`, value: ys.findLast((value) => value !== null) ?? null }));
  if (asked) ends.push({ ...asked, kind: "gv-bar-line-words" });
  const there = ends.filter(({ value }) => value !== null);
  const places = apart(there.map(({ value }) => y(value)), LABEL, [box.top - LABEL / 2, box.bottom + LABEL / 2]);
  return there.flatMap(({ name, kind }, n) => (places[n] === null ? [] : [{ name: "text", attributes: { class: kind, x: box.right + 6, y: places[n] + 4 }, words: name }]));
}
