// A number with its interval between the ends of an axis, with what a rule asks of it and what is seen beside it.

import { number, percent, whole } from "./formats.js";

/**
 * @typedef {{value: number | null, low: number | null, high: number | null}} Estimate
 * @typedef {"at least" | "at most" | "above" | "below"} Side
 * @typedef {Estimate & {name: string, unit: string, sample: string, range: [number, number] | null, asked: string,
 *   thresholds: {value: number, side: Side, words: string}[], marks: (Estimate & {name: string})[]}} Figure
 * @typedef {{from: number, to: number, isLog: boolean, ticks: number[]}} Axis
 */

const SIGNS = { "at least": "≥", "at most": "≤", above: ">", below: "<" };
const DECADES = 2; // more, and the axis is one of logarithms

/** Whether there is something to see against what is asked. @param {Figure} figure */
export function hasBar({ value, thresholds }) {
  return value !== null && thresholds.length > 0;
}

/** An axis that holds all numbers of these figures of one unit. @param {Figure[]} figures @returns {Axis} */
export function axisOf(figures) {
  const [{ range, unit }] = figures;
  const values = figures.flatMap(valuesOn);
  if (range && unit !== "°") return { from: range[0], to: range[1], isLog: false, ticks: [range[0], (range[0] + range[1]) / 2, range[1]] };
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (!range && least > 0 && Math.log10(most / least) > DECADES) {
    const [from, to] = [Math.floor(Math.log10(least) - 0.2), Math.ceil(Math.log10(most) + 0.2)].map((power) => 10 ** power);
    return { from, to, isLog: true, ticks: [from, to] };
  }
  const to = Math.min(range?.[1] ?? Infinity, roundAbove(1.1 * Math.max(most, 0) || 1));
  const from = least < 0 ? -roundAbove(-1.1 * least) : 0;
  return { from, to, isLog: false, ticks: from < 0 ? [from, 0, to] : [0, to / 2, to] };
}

/** The axes of figures side by side: those of one unit and range share one, so that they can be compared. @param {Figure[]} figures @returns {Axis[]} */
export function axesOf(figures) {
  const kind = ({ unit, range }) => JSON.stringify([unit, range]);
  return figures.map((figure) => axisOf(figures.filter((other) => kind(other) === kind(figure))));
}

function valuesOn({ value, low, high, thresholds, marks }) {
  const all = [value, low, high, ...thresholds.map((each) => each.value), ...marks.flatMap((mark) => [mark.value, mark.low, mark.high])];
  return all.filter((each) => each !== null && Number.isFinite(each));
}

function roundAbove(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return decade * [1, 2, 3, 4, 5, 6, 8, 10].find((step) => step * decade >= 0.999999 * value);
}

/** How far along the axis, from 0 to 1; what lies beyond its ends is drawn at them. @param {Axis} axis @param {number} value */
export function shareAt({ from, to, isLog }, value) {
  const share = isLog ? Math.log(Math.max(value, Number.MIN_VALUE) / from) / Math.log(to / from) : (value - from) / (to - from);
  return Math.max(0, Math.min(1, share));
}

/** From where to where on the axis the rule's line is fulfilled, as shares. @param {Axis} axis @param {{value: number, side: Side}} threshold @returns {[number, number]} */
export function fulfilled(axis, { value, side }) {
  const at = shareAt(axis, value);
  return side === "at least" || side === "above" ? [at, 1] : [0, at];
}

/** `≥ 0.9`, as it stands at its line. @param {{value: number, side: Side}} threshold @param {string} unit */
export function lineWords({ value, side }, unit) {
  return `${SIGNS[side]} ${valueWords(value, unit === "times" ? "" : unit)}`;
}

/** A number with its unit: a share as per cent. @param {number} value @param {string} unit */
export function valueWords(value, unit) {
  if (unit === "%") return percent(value);
  const text = Number.isInteger(value) ? whole(value) : trimmed(number(value));
  return unit === "°" ? `${text}°` : unit ? `${text} ${unit}` : text;
}

// 0.900 is 0.9: what is asked has no more digits than it needs.
function trimmed(text) {
  return /^−?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, "") : text;
}

/** The number with its interval. @param {Estimate & {unit: string}} figure */
export function estimateWords({ value, low, high, unit }) {
  if (value === null) return "–";
  const text = (end) => (unit === "%" ? `${Math.round(100 * end)}` : Number.isInteger(end) ? whole(end) : number(end));
  const interval = low === null || high === null ? "" : ` [${text(low)}, ${text(high)}]`;
  const written = `${text(value)}${interval}`;
  return unit === "°" ? `${written}°` : unit ? `${written} ${unit}` : written;
}

/** What the bar shows, for those who cannot see it. @param {Figure} figure */
export function barWords(figure) {
  const marks = figure.marks.filter(({ value }) => value !== null).map((mark) => `${mark.name} ${estimateWords({ ...mark, unit: figure.unit })}`);
  return [`${figure.name}: ${estimateWords(figure)}`, `asked: ${figure.asked}`, ...marks].join("; ");
}
