// What each panel is to show, as plans.

/**
 * @typedef {object} Plan
 * @property {string} run its name
 * @property {string} label
 * @property {any} network what is told of the run's parameters
 * @property {boolean} isRandom masks are drawn
 * @property {string} masks how often, if they are
 * @property {string} x
 * @property {string} y
 * @property {number} halfWidth
 * @property {string | null} lacking why there is no such picture of this run
 * @property {any} epochs stack
 * @property {any} minibatches stack or null
 * @property {any} planes what lies in the plane, by epoch, if an axis is a direction; else null
 * @property {any} sampling how other minibatches would turn the arrow, by epoch, of two parameters; else null
 * @property {any} probe paths of SGD from the start on show, by epoch, if they are wanted; else null
 * @property {Plan} [minus] the plan that is subtracted, if any
 */

import { halfWidthOf, hasDirections } from "../pure/axes.js";
import { differenceOf, differencesOf, referenceOf } from "../pure/difference.js";
import { wantsOverlay } from "../pure/overlays.js";
import { mistakeIn } from "../pure/parameters.js";
import { startOf } from "../pure/probe.js";
import { isOfMinibatch, rowsText } from "../pure/rows.js";
import { madeFrame } from "./madeframes.js";
import { coarserOf, gridPoints } from "./points.js";
import { openStack } from "./shelf.js";
import { acrossMinibatches, drawsMasks, isMinibatchesView, labelOf, masksOf, minibatchSize, numRows, page, shownRuns, whichMinibatch } from "./state.js";

export function plans() {
  const { view } = page;
  if (["training", "evidence", "paths"].includes(view.view)) return [];
  if (!view.x_a) return shownRuns().filter((name) => page.runs[name]?.cannot).map((name) => planOf(name, "", ""));
  if (view.view === "minibatches") return [planOf(view.run, view.x_a, view.y_a)];
  if (view.view === "compare") return compared(shownRuns().flatMap((name) => sidesOf(name)));
  return [planOf(view.run, view.x_a, view.y_a), planOf(view.run, view.x_b, view.y_b)];
}

// Whether there are more than large pictures have room: then they are small multiples.
export function isGrid() {
  return page.plans.length > page.panels.length;
}

// Each against the reference, where one is subtracted.
function compared(planned) {
  const reference = referenceOf(page, planned);
  return reference ? planned.map((one) => (one === reference ? one : { ...one, minus: reference })) : planned;
}

// The pictures of a run side by side: under several masks, each is called by its own.
function sidesOf(name) {
  const { view } = page;
  const masks = masksOf(name);
  return masks.map((one) => {
    const plan = planOf(name, view.x_a, view.y_a, one);
    return masks.length > 1 ? { ...plan, label: `${plan.label}, ${plan.masks} masks` } : plan;
  });
}

function planOf(name, x, y, masks = page.view.masks) {
  const { view } = page;
  const halfWidth = halfWidthOf(view, x, y);
  const points = gridPoints();
  const coarser = coarserOf(name, { x, y }, points);
  const isAlongDirections = hasDirections({ x, y });
  const wantsMinibatches = acrossMinibatches() || (wantsOverlay(view, "spread") && !isAlongDirections);
  const common = {
    run: name, x, y, minibatch_size: minibatchSize(name), mode: view.mode, half_width: halfWidth, points,
  };
  const isRandom = view.mode === "train" && drawsMasks(name);
  if (isRandom) Object.assign(common, { masks, seed: view.seed });
  const run = page.runs[name];
  return {
    run: name, label: labelOf(name), network: run ?? null, isRandom, masks, x, y, halfWidth, lacking: run ? whyNone(run, x, y) : null,
    epochs: openStack({ ...common, ...whichMinibatch() }, "epochs", coarser),
    minibatches: wantsMinibatches ? openStack({ ...common, epoch: view.epoch }, "minibatches", coarser) : null,
    planes: isAlongDirections && run ? openPlanes({ ...common, ...whichMinibatch() }, run) : null,
    sampling: !isAlongDirections && run ? openSampling(common, run) : null,
    probe: wantsOverlay(view, "probe") && run ? openProbe({ ...common, ...whichMinibatch() }, run) : null,
  };
}

const MOST_TOLD = 80;
const told = new Map(); // what the server says of planes: key -> {kind, selection, told: epoch -> what it says, or {error}}

// It is the same however much of the plane is drawn, and another one as the path of a training goes on.
function openPlanes(common, { stamp, epochs }) {
  return openTold("plane", Object.entries(common).filter(([name]) => !["half_width", "points"].includes(name)), `${stamp}|${epochs.length}`);
}

// Of chosen rows only their number matters: one composition is told what another was.
function openSampling(common, { stamp }) {
  const entries = ["run", "x", "y", "minibatch_size", "mode"].map((name) => [name, common[name]]);
  const asMany = Array.from({ length: numRows(common.run) }, (_, k) => k);
  return openTold("sampling", page.view.rows ? [...entries, ["rows", rowsText(asMany)]] : entries, stamp);
}

// The start is in half widths, so that it is one point of all pictures.
function openProbe(common, { stamp, epochs }) {
  const { start, rate, steps } = page.view;
  const own = { start: startOf(start).map((share) => common.half_width * share).join(","), steps, ...(rate === null ? {} : { rate }) };
  return openTold("probe", Object.entries({ ...common, ...own }), hasDirections(common) ? `${stamp}|${epochs.length}` : stamp);
}

function openTold(kind, entries, version) {
  const selection = Object.fromEntries(entries);
  const key = `${kind}?${new URLSearchParams(selection)}|${version}`;
  const opened = told.get(key) ?? { kind, selection, told: new Map() };
  told.delete(key);
  told.set(key, opened);
  if (told.size > MOST_TOLD) told.delete(told.keys().next().value);
  return opened;
}

// Nothing can be computed of the run now, or its model has no such parameters; of directions, the server says it.
function whyNone(run, x, y) {
  return run.cannot ?? [x, y].map((parameter) => mistakeIn(parameter, run)).find(Boolean) ?? null;
}

// What a plan shows: its own frame, or by how much that differs from the reference's, on the finest grid of both.
export function frameOf(plan) {
  if (!plan.minus) return ownFrame(plan);
  const references = framesOf(plan.minus);
  for (const frame of framesOf(plan)) {
    const reference = references.find(({ points }) => points === frame.points);
    if (reference) return differenceOf(frame, reference);
  }
  return undefined;
}

// The finest frame that is there.
export function ownFrame(plan) {
  return framesOf(plan)[0];
}

// The frame with all points of the grid; undefined while coarser ones at most are there.
export function wholeFrame(plan) {
  return framesOf(plan).find((frame) => !frame.of && !frame.isSum);
}

// The whole frame and those of coarser grids, as far as they are there, the finest first.
function framesOf(plan) {
  const { view } = page;
  const stacks = [];
  if (acrossMinibatches() && plan.minibatches && !view.rows) stacks.push([plan.minibatches, view.minibatch]);
  if (isOfMinibatch(plan.epochs.selection, view)) stacks.push([plan.epochs, view.epoch]);
  const whole = stacks.flatMap(([stack, index]) => stack.frames.get(index) ?? []).slice(0, 1);
  if (!whole.length) whole.push(...[madeFrame(plan)].filter(Boolean));
  const coarse = stacks.flatMap(([stack, index]) => stack.coarse.get(index) ?? []);
  return [...whole, ...coarse.sort((a, b) => b.points - a.points)];
}

// The frames whose colours a picture's are compared with.
export function besides(plan) {
  const shown = frameOf(plan);
  const all = allFrames(plan);
  return shown?.of || shown?.isSum ? new Map([...all, [shown.index, shown]]) : all;
}

function allFrames(plan) {
  if (isMinibatchesView()) {
    const composed = page.view.rows ? ownFrame(plan) : null;
    return composed ? new Map([...plan.minibatches.frames, ["composed", composed]]) : plan.minibatches.frames;
  }
  return plan.minus ? differencesOf(plan.epochs.frames, plan.minus.epochs.frames) : plan.epochs.frames;
}
