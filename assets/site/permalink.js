// The whole view as a query string, read as gradviz/dashboard/permalink.py reads it, for a page that has no server to ask;
// tests/fixtures/permalinks.json holds both.

import { isDirection, mistakeInDirection } from "../pure/axes.js";
import { mistakeIn } from "../pure/parameters.js";
import { rowsOf, rowsText } from "../pure/rows.js";

const MOST_PARTS = 100;
const MOST_LETTERS = 40;
const MOST_SUGGESTED = 3;
const OWN_STUDY = "deliveries";
const WHOLE = /^\s*[+-]?\d+(\.0*)?\s*$/;
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const PARAMETER = /^[^\s[\],;:@]{1,200}(\[\d{1,9}(,\d{1,9}){0,15}\])?$/;

/** @typedef {{fields: {name: string, key: string}[], properties: Record<string, any>}} Told what a view has, and its JSON schema */

/** The view of a query string, fitted to the runs, and notices about it. @param {string} search @param {Told} told @param {Record<string, any>} runs */
export function opened(search, told, runs) {
  const { view, notices: unread } = read(search, told);
  const { view: settled, notices: unfit } = settle(view, told, runs);
  return { view: settled, notices: [...unread, ...unfit] };
}

/** @param {string} search @param {Told} told */
export function read(search, { fields, properties }) {
  const view = Object.fromEntries(fields.map(({ name }) => [name, properties[name].default]));
  const names = new Map(fields.map(({ name, key }) => /** @type {[string, string]} */ ([key, name]))).set("run", "run");
  const text = search.replace(/^\?/, "");
  if (text.split("&").length > MOST_PARTS) return { view, notices: [`The link has more than ${MOST_PARTS} parts and is ignored.`] };
  const notices = [];
  for (const [key, value] of new URLSearchParams(text)) {
    const name = names.get(key);
    if (name === undefined) {
      notices.push(`Unknown link parameter \`${key.slice(0, MOST_LETTERS)}\` ignored.`);
      continue;
    }
    const meant = valueOf(name, value, properties[name]);
    if (meant === undefined) notices.push(`The link's \`${key}\` is ignored: it does not take \`${value.slice(0, MOST_LETTERS)}\`.`);
    else view[name] = meant;
  }
  return { view, notices };
}

// ---- what a value means; undefined if nothing -----------------------------------------------------------------

/** What a field's own rules make of a text that has its form. */
const OWN = {
  x_a: axisOf, y_a: axisOf, x_b: axisOf, y_b: axisOf, x_fan: axisOf, y_fan: axisOf,
  points: (value) => (value % 2 ? value : undefined),
  rows: (value) => { const rows = rowsOf(value); return rows ? rowsText(rows) : undefined; },
  camera: (value) => numbersOf(value, [[-180, 180], [-88, 88], [0.4, 6]], 1e4),
  start: (value) => numbersOf(value, [[-1, 1], [-1, 1]], 1e4),
  conditions: (value, { items }) => items.enum.filter((one) => value.includes(one)),
};

function valueOf(name, text, schema) {
  const form = schema.anyOf?.find(({ type }) => type !== "null") ?? schema;
  const value = form.type === "array" ? text.split(",").filter(Boolean) : form.type === "string" ? text : NUMBERS[form.type].test(text) ? Number(text) : undefined;
  if (value === undefined || !fits(value, form)) return undefined;
  return OWN[name] ? OWN[name](value, form) : value;
}

const NUMBERS = { integer: WHOLE, number: NUMBER };

function fits(value, form) {
  if (form.enum) return form.enum.includes(value);
  if (form.type === "array") return value.length >= (form.minItems ?? 0) && value.length <= (form.maxItems ?? Infinity) && value.every((one) => fits(one, form.items));
  if (form.type === "string") return value.length >= (form.minLength ?? 0) && value.length <= (form.maxLength ?? Infinity) && (!form.pattern || new RegExp(form.pattern).test(value));
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = form;
  return Number.isFinite(value) && value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
}

function axisOf(text) {
  const compact = text.replaceAll(" ", "");
  if (isDirection(compact)) return mistakeInDirection(compact) ? undefined : compact;
  return PARAMETER.test(compact) && /[.[]/.test(compact) ? compact : undefined;
}

function numbersOf(text, limits, digits) {
  const parts = text.split(",");
  const fit = parts.length === limits.length && parts.every((part, k) => NUMBER.test(part) && Number(part) >= limits[k][0] && Number(part) <= limits[k][1]);
  return fit ? parts.map((part) => `${Math.round(Number(part) * digits) / digits + 0}`).join(",") : undefined;
}

// ---- what the runs make of it ---------------------------------------------------------------------------------

/** @param {any} view @param {Told} told @param {Record<string, any>} runs */
export function settle(view, { properties }, runs) {
  const notices = [];
  const settled = { ...view };
  const names = Object.keys(runs);
  if (!names.length) return { view, notices };
  if (!Object.hasOwn(runs, view.run)) {
    settled.run = names.find((name) => !runs[name].cannot) ?? names[0];
    if (view.run !== properties.run.default) notices.push(`There is no run \`${view.run}\`: showing ${settled.run} instead.`);
  }
  const run = runs[settled.run];
  const add = (notice) => notice && notices.push(notice);
  add(compared(settled, run, runs, properties.compared.default));
  for (const side of ["a", "b"]) add(pair(settled, side, run));
  add(fan(settled));
  add(size(settled, run, properties.minibatch_size.default));
  if (view.epoch !== null && run.epochs.length && !run.epochs.includes(view.epoch)) {
    settled.epoch = run.epochs.reduce((a, b) => (Math.abs(b - view.epoch) < Math.abs(a - view.epoch) ? b : a));
    notices.push(`${run.run} has no epoch ${view.epoch}: showing epoch ${settled.epoch} instead.`);
  }
  return { view: settled, notices };
}

// Of a side of Compare, such as "dropout~frozen".
const runOf = (side) => side.split("~")[0];

const isUsual = (run) => run.study === OWN_STUDY;

function compared(view, run, runs, usual) {
  const asked = view.compared;
  const coming = Object.values(runs).some(isUsual) ? usual : [];
  const found = asked.filter((side) => Object.hasOwn(runs, runOf(side)) || coming.includes(runOf(side)));
  const absent = asked.filter((side) => !found.includes(side)).map(runOf).filter((name) => !usual.includes(name));
  const isPlain = JSON.stringify(asked) === JSON.stringify(usual);
  const isKept = found.some((side) => Object.hasOwn(runs, runOf(side))) && (!isPlain || isUsual(run));
  view.compared = isKept ? found : Object.keys(runs).filter((name) => runs[name].study === run.study).slice(0, MOST_SUGGESTED);
  return absent.length ? `There is no run \`${absent[0]}\`: comparing without it.` : "";
}

function fan(view) {
  const { x_fan: x, y_fan: y } = view;
  if ((x === null) === (y === null) && (x === null || x !== y)) return "";
  view.x_fan = view.y_fan = null;
  return "The link's plane of the paths needs two axes: showing the principal plane of their ends.";
}

function size(view, run, usual) {
  const asked = view.minibatch_size;
  if (!run.minibatch_sizes.length) {
    view.minibatch_size = usual;
    return asked === usual ? "" : `${run.run} was recorded with its minibatches: their size cannot be chosen.`;
  }
  const sizes = Object.entries(run.minibatches).filter(([, many]) => many).map(([each]) => Number(each));
  if (asked <= run.train_rows || !sizes.length) return "";
  view.minibatch_size = Math.max(...sizes);
  const notice = `${run.run} has ${run.train_rows} training rows, fewer than a minibatch of ${asked}: showing minibatches of ${view.minibatch_size} instead.`;
  return asked === usual ? "" : notice;
}

function pair(view, side, run) {
  const [x, y] = [`x_${side}`, `y_${side}`];
  if (!run.suggested) return "";
  const standard = run.suggested[side];
  const [a, b] = view[x] === null && view[y] === null ? standard : [view[x] ?? standard[0], view[y] ?? standard[1]];
  const mistake = [a, b].map((axis) => (isDirection(axis) ? null : mistakeIn(axis, run))).find(Boolean);
  const instead = `he picture shows ${standard[0]} and ${standard[1]} instead.`;
  [view[x], view[y]] = mistake || a === b ? standard : [a, b];
  if (mistake) return `${mistake} T${instead}`;
  return a === b ? `The link pairs ${a} with itself: t${instead}` : "";
}
