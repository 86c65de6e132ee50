// The directions that a run offers at a checkpoint, what 1 means along each, and the planes that are chosen often.

import { axisWords, directionParts, isDirection, mistakeInDirection } from "./axes.js";
import { mistakeIn, suggestions } from "./parameters.js";

/**
 * @typedef {{run: string, epochs: number[], shapes: Record<string, number[]>, tensors: Record<string, {layer: string, label: string, kind: string}>}} Run
 * @typedef {{run: Run, epoch: number, minibatch: number, rows?: string | null, minibatches: number, others: Run[], ofPaths?: boolean}} Where the checkpoint, the
 *   minibatch on show, how many there are, and the other runs; `ofPaths`: for paths from there, no minibatch is on show
 * @typedef {{name: string, about: string, x: string, y: string, lack: string | null}} Preset
 */

const NUM_RANDOM = 3, NUM_COMPONENTS = 3, NUM_EIGENVECTORS = 2;
const MOST_SUGGESTED = 24;

/** The recorded epochs of the last step; at the first epoch, of the next. @param {Where} where @returns {[number, number] | null} */
function stepOf({ run: { epochs }, epoch }) {
  const place = epochs.indexOf(epoch);
  if (epochs.length < 2 || place < 0) return null;
  return place ? [epochs[place - 1], epoch] : [epoch, epochs[1]];
}

/** Why this checkpoint has no such direction, as far as it is known here, in one sentence; else null. @param {string} text @param {Where} where */
export function lackOf(text, where) {
  const { kind, value } = directionParts(text);
  const { run, epoch, minibatches } = where;
  const step = stepOf(where);
  if (["gradient", "step", "hessian"].includes(kind) && !step) return "This run has one checkpoint: a step lies between two.";
  if (kind === "step" && step[1] !== epoch) return `No step leads to epoch ${epoch}, the first: choose a later one.`;
  if (kind === "gradient" && value !== "mean" && Number(value) >= minibatches) return `The minibatches of this run are 0 to ${minibatches - 1}.`;
  if (kind === "pca" && Number(value) >= run.epochs.length) return `The path of ${counted(run.epochs.length, "checkpoint")} has ${counted(run.epochs.length - 1, "component")}.`;
  return kind === "towards" && value === `${run.run}/${epoch}` ? "That is the checkpoint itself." : null;
}

function counted(many, what) {
  return many === 1 ? `one ${what}` : `${many || "no"} ${what}s`;
}

/** What 1 means along a direction, in few words. @param {string} text @param {Where} where @returns {string} */
export function meaningOf(text, where) {
  const { kind, value } = directionParts(text);
  const [before, after] = stepOf(where) ?? [];
  const step = `the step from epoch ${before} to ${after}`;
  return {
    random: "as large as the weights, filter by filter; biases and norms do not move",
    "random-all": "as large as the weights, filter by filter",
    gradient: `as long as ${step}`, hessian: `as long as ${step}`, step,
    towards: `epoch ${value.split("/")[1]} of ${value.split("/")[0]}`,
    pca: "the path's standard deviation along it",
  }[kind];
}

/** All that this checkpoint offers, what is looked for most first. @param {Where} where @returns {string[]} */
export function offeredDirections(where) {
  const { run, minibatch, others, minibatches } = where;
  const counting = (many, from = 0) => Array.from({ length: many }, (_, k) => k + from);
  const alike = others.filter((other) => haveSameShapes(other, run));
  const towards = ({ run: name }, epochs) => epochs.filter((epoch) => epoch !== undefined).map((epoch) => `towards:${name}/${epoch}`);
  const first = [
    ...counting(NUM_RANDOM, 1).map((seed) => `random:${seed}`), `gradient:${minibatch}`, "gradient:mean", `gradient:${anotherOf(where)}`, "step",
    ...counting(NUM_COMPONENTS, 1).map((number) => `pca:${number}`), ...counting(NUM_EIGENVECTORS, 1).map((number) => `hessian:${number}`),
    ...towards(run, [run.epochs.at(-1), run.epochs[0]]), ...alike.flatMap((other) => towards(other, [other.epochs.at(-1)])), "random-all:1",
  ];
  const within = prefixesOf(run).flatMap((prefix) => ["random:1", `gradient:${minibatch}`, "gradient:mean", "step"].map((text) => `${text}@${prefix}`));
  const rest = [...counting(minibatches).map((number) => `gradient:${number}`), ...[run, ...alike].flatMap((each) => towards(each, each.epochs))];
  return [...new Set([...first, ...within, ...rest])].filter((text) => lackOf(text, where) === null);
}

/** Of what is offered, that which has all words of a search; and what is searched for itself, if it is one. @param {string} search @param {Where} where */
export function foundDirections(search, where) {
  const typed = search.trim();
  const own = isDirection(typed) && !mistakeInDirection(typed) && lackOf(typed, where) === null ? [typed.replaceAll(" ", "")] : [];
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = offeredDirections(where).filter((text) => words.every((word) => `${text} ${axisWords(text)}`.toLowerCase().includes(word)));
  return [...new Set([...own, ...found])];
}

/** The same and, where something is searched for, the parameters that fit. @param {string} search @param {Where} where */
export function foundAxes(search, where) {
  const typed = search.replace(/\s/g, "");
  const parameters = typed && !isDirection(typed) ? suggestions(typed, null, where.run) : [];
  const [own, others] = [true, false].map((isOwn) => parameters.filter((name) => (name === typed && !mistakeIn(name, where.run)) === isOwn));
  return [...own, ...foundDirections(search, where), ...others];
}

/** What an axis' text field suggests beside parameters: what is looked for most, or what has the words that are typed. @param {string} typed @param {string | null} value on show @param {Where} where */
export function suggestedDirections(typed, value, where) {
  const search = typed.trim();
  const found = search && search !== value ? foundDirections(search, where) : offeredDirections(where);
  return found.slice(0, MOST_SUGGESTED);
}

/** Planes that are chosen often, each with the reason if this checkpoint has it not. @param {Where} where @returns {Preset[]} */
export function presets(where) {
  const { run, epoch, minibatch, rows, minibatches, ofPaths } = where;
  const next = run.epochs[run.epochs.indexOf(epoch) + 1];
  const other = `gradient:${anotherOf(where)}`;
  const all = [
    ...(ofPaths && next !== undefined ? [{ name: "The run's own next step and the mean gradient", about: `the way to epoch ${next}, and the gradient of all minibatches`, x: `towards:${run.run}/${next}`, y: "gradient:mean" }] : []),
    { name: "Random plane, as in Li et al.", about: "two random directions, as large as the weights, filter by filter", x: "random:1", y: "random:2" },
    { name: `${rows || ofPaths ? "A" : "This"} minibatch against the mean`, about: `the gradient of minibatch ${minibatch}, and that of all minibatches`, x: `gradient:${minibatch}`, y: "gradient:mean" },
    { name: "The path's plane", about: "the first two principal components of the recorded checkpoints", x: "pca:1", y: "pca:2" },
    { name: "Where SGD goes and where another minibatch would", about: `the last step, and the gradient of minibatch ${anotherOf(where)}`, x: "step", y: other },
    { name: "Sharpest two", about: "the eigenvectors of the Hessian with the largest eigenvalues; finding them takes longer", x: "hessian:1", y: "hessian:2" },
  ];
  const lackOfMinibatches = ({ x, y }) => (minibatches < 2 && [x, y].some((text) => text.startsWith("gradient:")) ? "This run has one minibatch." : null);
  return all.map((preset) => ({ ...preset, lack: lackOf(preset.x, where) ?? lackOf(preset.y, where) ?? lackOfMinibatches(preset) }));
}

function anotherOf({ minibatch, minibatches }) {
  return (minibatch + 1) % Math.max(1, minibatches);
}

function haveSameShapes(a, b) {
  return Object.keys(b.shapes).every((name) => `${a.shapes[name]}` === `${b.shapes[name]}`);
}

// What the names of each layer's tensors have in common, up to a dot.
function prefixesOf({ shapes, tensors }) {
  const layers = new Map();
  for (const name of Object.keys(shapes)) {
    const layer = tensors[name]?.layer ?? "";
    const parts = name.split(".").slice(0, -1);
    const known = layers.get(layer) ?? parts;
    const apart = known.findIndex((part, k) => part !== parts[k]);
    layers.set(layer, apart < 0 ? known : known.slice(0, apart));
  }
  return [...new Set([...layers.values()].map((parts) => parts.join(".")))].filter(Boolean);
}
