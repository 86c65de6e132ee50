// The names of parameters: what they say, and which ones a model has by its shapes.

import { hasDirections, isDirection, mistakeInDirection, pairWords } from "./axes.js";
import { tensorName, tensorOf, tensorsOf, tensorWith } from "./tensors.js";

/** @typedef {{shapes: Record<string, number[]>, tensors: Record<string, {layer: string, label: string, kind: string}>}} Network as in tensors.js */

const MOST = 60;
const MOST_NAMED = 16;
const NAME = /^([^[\]\s]+)(?:\[(\d+(?:,\d+)*)\])?$/;
const COUNTS = ["no index", "one index", "two indices", "three indices", "four indices", "five indices"];

// ---- suggestions ----------------------------------------------------------------------------------------------

/** Names that fit what is written; without a search, the first parameters around the present choice. @param {string} search @param {string | null} value @param {Network} run */
export function suggestions(search, value, run) {
  const typed = search.replace(/\s/g, "");
  const names = new Set(!typed || typed === value ? aroundChoice(value, run) : matching(typed, run));
  return [...names].slice(0, MOST);
}

function aroundChoice(value, run) {
  const near = tensorsOf(layerOf(value, run), run);
  const far = Object.keys(run.shapes).filter((tensor) => !near.includes(tensor));
  return [...near.flatMap((tensor) => first(tensor, run, 10)), ...far.flatMap((tensor) => first(tensor, run, 2))];
}

function matching(typed, run) {
  const [wanted, index] = typed.split("[");
  const tensors = Object.keys(run.shapes).filter((tensor) => tensor.includes(wanted));
  if (index === undefined) return tensors.flatMap((tensor) => first(tensor, run, 12));
  const given = index.replace("]", "").split(",").filter(Boolean).map(Number);
  return tensors.flatMap((tensor) => completions(tensor, run.shapes[tensor], given));
}

function first(tensor, run, most) {
  return completions(tensor, run.shapes[tensor], []).slice(0, most);
}

// The parameters whose indices begin as given and lie within the shape: the next index counts, those after it are 0. The
// last index of all may be given in part.
function completions(tensor, shape, given) {
  if (given.length > shape.length || given.some((index, axis) => !Number.isInteger(index) || index >= shape[axis])) return [];
  const axis = Math.min(given.length, shape.length - 1);
  if (axis < 0) return [tensor];
  const before = given.slice(0, axis);
  const after = shape.slice(axis + 1).map(() => 0);
  const isWhole = given.length === shape.length;
  if (isWhole && shape.length > 1) return [nameOf(tensor, given)];
  const found = counting(shape[axis], isWhole ? shape[axis] : 12).filter((n) => !isWhole || `${n}`.startsWith(`${given[axis]}`));
  return found.slice(0, 12).map((n) => nameOf(tensor, [...before, n, ...after]));
}

function counting(length, most) {
  return Array.from({ length: Math.min(length, most) }, (_, n) => n);
}

function nameOf(tensor, indices) {
  return indices.length ? `${tensor}[${indices}]` : tensor;
}

function firstOf(tensor, run) {
  return nameOf(tensor, run.shapes[tensor].map(() => 0));
}

// ---- mistakes -------------------------------------------------------------------------------------------------

/** One sentence if there is no such parameter in the model, or a direction is written wrongly, else null: whether a checkpoint has a direction, the server says. @param {string} name @param {Network} run */
export function mistakeIn(name, run) {
  if (isDirection(name)) return mistakeInDirection(name);
  const [, tensor, index] = NAME.exec(name) ?? [];
  const shape = tensor !== undefined && Object.hasOwn(run.shapes, tensor) ? run.shapes[tensor] : null;
  const isAlone = shape?.length === 0; // a tensor without axes is one number
  if (tensor === undefined || (index === undefined && !isAlone)) return `"${name}" is not the name of a parameter: write it as ${examples(name, run)}.`;
  if (!shape) return `This model has no ${tensor}: it has ${listed(Object.keys(run.shapes))}.`;
  const given = index === undefined ? [] : index.split(",").map(Number);
  if (given.length !== shape.length) return `${tensor} takes ${COUNTS[shape.length] ?? `${shape.length} indices`}: write it as ${firstOf(tensor, run)}.`;
  const outside = given.findIndex((each, axis) => each >= shape[axis]);
  return outside < 0 ? null : `${name} is out of range: ${tensor} takes [${shape.map((size) => `0–${size - 1}`).join(", ")}].`;
}

// The model's own names: that of the tensor that is meant, or of one with few indices and of one with many.
function examples(name, run) {
  if (Object.hasOwn(run.shapes, tensorName(name))) return firstOf(tensorName(name), run);
  const byRank = Object.keys(run.shapes).sort((a, b) => run.shapes[a].length - run.shapes[b].length);
  return [...new Set([byRank[0], byRank.at(-1)])].map((tensor) => firstOf(tensor, run)).join(" or ");
}

function listed(names) {
  return names.length > MOST_NAMED ? `${names.slice(0, MOST_NAMED - 1).join(", ")} and ${names.length - MOST_NAMED + 1} more` : names.join(", ");
}

// ---- what a model has -----------------------------------------------------------------------------------------

/** Whether a parameter, or a tensor, is β or γ. @param {string} name @param {Network} run */
export function isOfNorm(name, run) {
  return ["beta", "gamma"].includes(tensorOf(name, run).kind);
}

/** The layer of a parameter, as the layer control has it; empty where the run has no such tensor. @param {string | null} name @param {Partial<Network> | null | undefined} run */
export function layerOf(name, run) {
  return tensorOf(name, run).layer;
}

/** Whether a parameter's layer has units of which one may be picked. @param {string} name @param {any} run */
export function hasUnits(name, run) {
  return Boolean(run?.layers?.find(({ value }) => value === layerOf(name, run))?.has_units);
}

/**
 * Two parameters of a layer: its first two biases; where it has none or just one, other first numbers of the layer, and of
 * the other layers where this one has a single number. Null in a model that has a single number.
 * @param {string} layer @param {Network} run @returns {[string, string] | null}
 */
export function defaultPair(layer, run) {
  const order = ["bias", "beta"].map((kind) => tensorWith(layer, kind, run)).filter(Boolean);
  const tensors = [...new Set([...order.slice(0, 1), ...tensorsOf(layer, run), ...Object.keys(run.shapes)])];
  const [one, other] = tensors.flatMap((tensor) => firstTwo(tensor, run));
  return other === undefined ? null : [one, other];
}

// The first number of a tensor, and the next along its first axis that has more than one.
function firstTwo(tensor, run) {
  const shape = run.shapes[tensor];
  const axis = shape.findIndex((size) => size > 1);
  return axis < 0 ? [firstOf(tensor, run)] : [firstOf(tensor, run), nameOf(tensor, shape.map((_, k) => (k === axis ? 1 : 0)))];
}

/** The parameter of another kind (a bias, β or γ) of the same unit, in a model that has it; undefined if it has none. @param {string} name @param {string} kind @param {Network} run */
export function siblingOf(name, kind, run) {
  const tensor = tensorWith(layerOf(name, run), kind, run);
  return tensor && run.shapes[tensor].length === 1 && unitOf(name) < run.shapes[tensor][0] ? `${tensor}[${unitOf(name)}]` : undefined;
}

/** Which layers two parameters are of, nothing where that is not known; directions in words. @param {string} x @param {string} y @param {Partial<Network>} run */
export function pairName(x, y, run) {
  if (hasDirections({ x, y })) return pairWords(x, y);
  const [a, b] = [x, y].map((name) => tensorOf(name, run).label);
  return a === b ? a : `${a} × ${b}`;
}

/** The same as a title: words begin with a capital letter, the names that a network has in its code stay as they are. @param {string} x @param {string} y @param {Partial<Network>} run */
export function pairTitle(x, y, run) {
  const { label, layer } = tensorOf(x, run);
  const name = pairName(x, y, run);
  return label === layer && !hasDirections({ x, y }) ? name : name.replace(/^./, (letter) => letter.toUpperCase());
}

/** @param {string} name */
export function unitOf(name) {
  const match = /\[(\d+)/.exec(name);
  return match ? Number(match[1]) : 0;
}
