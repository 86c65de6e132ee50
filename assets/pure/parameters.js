// The names of parameters: what they say, and which ones a model has by its shapes.

import { tensorOf, tensorWith } from "./tensors.js";

const MOST = 60;

// Names that fit what is written; without a search, the first parameters around the present choice.
export function suggestions(search, value, run) {
  const typed = search.replace(/\s/g, "");
  const names = new Set(!typed || typed === value ? aroundChoice(value, run) : matching(typed, run));
  return [...names].slice(0, MOST);
}

function aroundChoice(value, run) {
  const layer = layerOf(value);
  const tensors = Object.keys(run.shapes);
  const near = tensors.filter((tensor) => layerOf(tensor) === layer);
  const far = tensors.filter((tensor) => !near.includes(tensor));
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

// tensor[i] or tensor[i,j] for the indices that begin as given and lie within the shape.
function completions(tensor, shape, given) {
  if (given.some((index, axis) => !Number.isInteger(index) || index >= shape[axis])) return [];
  if (given.length === shape.length && shape.length === 2) return [`${tensor}[${given}]`];
  if (shape.length === 2) return counting(shape[given.length], 12).map((n) => `${tensor}[${given.length ? [given[0], n] : [n, 0]}]`);
  const found = counting(shape[0], shape[0]).filter((n) => !given.length || `${n}`.startsWith(`${given[0]}`));
  return found.slice(0, 12).map((n) => `${tensor}[${n}]`);
}

function counting(length, most) {
  return Array.from({ length: Math.min(length, most) }, (_, n) => n);
}

// One sentence if there is no such parameter in the model, else null.
export function mistakeIn(name, run) {
  const match = /^([\w.]+)\[(\d+)(?:,(\d+))?\]$/.exec(name);
  if (!match) return `"${name}" is not the name of a parameter: write it as hidden.1.linear.bias[0] or hidden.2.linear.weight[3,17].`;
  const shape = run.shapes[match[1]];
  if (!shape) return `This model has no ${match[1]}: it has ${Object.keys(run.shapes).join(", ")}.`;
  const given = [match[2], match[3]].filter((text) => text !== undefined).map(Number);
  if (given.length !== shape.length) return `${match[1]} takes ${shape.length === 2 ? "two indices, [unit,input]" : "one index, [unit]"}.`;
  const outside = given.findIndex((index, axis) => index >= shape[axis]);
  return outside < 0 ? null : `${name} is out of range: ${match[1]} takes [${shape.map((size) => `0–${size - 1}`).join(", ")}].`;
}

// Whether the model has β and γ.
export function hasNorm(run) {
  return Boolean(run) && Object.keys(run.shapes).some(isOfNorm);
}

// Whether a parameter, or a tensor, is β or γ.
export function isOfNorm(name) {
  return ["beta", "gamma"].includes(tensorOf(name).kind);
}

// The layer of a parameter: a number, or "output"; empty while the server has not told it.
export function layerOf(name) {
  return tensorOf(name).layer;
}

// The first two biases of a layer; of one with a single unit, its bias and its first weight.
export function defaultPair(layer, run) {
  const [bias, weight] = ["bias", "weight"].map((kind) => tensorWith(layer, kind, run));
  return [`${bias}[0]`, run.shapes[bias][0] > 1 ? `${bias}[1]` : `${weight}[0,0]`];
}

// What is shown without a choice: the first two biases of the last two hidden layers (permalink.py says the same).
export function suggestedPairs(run) {
  const last = run.hidden.length - 1;
  return { a: defaultPair(`${Math.max(0, last - 1)}`, run), b: defaultPair(`${last}`, run) };
}

// The parameter of another kind (a bias, β or γ) of the same unit, in a model that has it; undefined if it has none.
export function siblingOf(name, kind, run) {
  const tensor = tensorWith(layerOf(name), kind, run);
  return tensor && `${tensor}[${unitOf(name)}]`;
}

// Which layers two parameters are of; nothing while the server has not told what they are.
export function pairName(x, y) {
  const [a, b] = [tensorOf(x).label, tensorOf(y).label];
  return a === b ? a : `${a} × ${b}`;
}

export function pairTitle(x, y) {
  return pairName(x, y).replace(/^./, (letter) => letter.toUpperCase());
}

export function unitOf(name) {
  const match = /\[(\d+)/.exec(name);
  return match ? Number(match[1]) : 0;
}
