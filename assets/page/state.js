// What the page is about: its only state, and what follows from it alone.

import { look } from "../pure/look.js";
import { numChosen } from "../pure/rows.js";
import { paletteNow, scheme } from "./scheme.js";
import { site } from "./site.js";

export const page = {
  view: null, // all choices, as gradviz/dashboard/permalink.py names them; epoch and minibatch are what is shown
  live: true, // the newest epoch is followed
  isModeChosen: false, // by hand, or by the address
  runs: {},
  areRunsKnown: false, // the server has told them
  groups: [], // {label, colour, runs: their names, seeds}: seeds of one configuration, as the server tells them
  unreadable: [], // {file, reason}: runs that are there but cannot be read
  training: { state: "unknown", progress: [] },
  away: "", // what is the matter, while the server does not answer
  over: "epochs", // which slider moves the pictures now
  panels: [], // see views/panels.js
  plans: [], // what they are to show, or what the grid is to show where there are more: see page/plans.js
  notices: [],
};

// The names of the runs on show, in the order of the server.
export function shownRuns() {
  return shownOf(page.view);
}

// The same of a view that is not on show yet.
export function shownOf({ view, run, compared }) {
  return view === "compare" ? knownRuns().filter((name) => compared.map(runOf).includes(name)) : [run];
}

// The run of a side of Compare, such as "dropout" or, under other masks than the view's, "dropout~frozen".
export function runOf(side) {
  return side.split("~")[0];
}

// The masks of each picture of a run in Compare: undefined for the view's. No picture is there twice.
export function masksOf(name) {
  if (!drawsMasks(name) || page.view.mode !== "train") return [undefined];
  const sides = page.view.compared.filter((side) => runOf(side) === name);
  const masks = sides.sort((a, b) => a.length - b.length).map((side) => side.split("~")[1]);
  return [...new Set(masks.map((one) => (one === page.view.masks ? undefined : one)))];
}

// The names of the runs that there are, in the order of the server, and of those that a training makes by itself, which
// are where they will be: not where all runs are of other studies.
export function knownRuns() {
  const names = Object.keys(page.runs);
  const isOfOthers = names.length ? !names.some(hasTargets) : page.training.trains === false;
  if (site) return names;
  if (isOfOthers && !page.training.progress.some(({ run }) => run in look.variant_labels)) return names;
  Object.keys(look.variant_labels).forEach((name, k, usual) => {
    if (!names.includes(name)) names.splice(names.indexOf(usual[k - 1]) + 1, 0, name);
  });
  return names;
}

export function labelOf(name) {
  return page.runs[name]?.label ?? look.variant_labels[name] ?? name;
}

export function colourOf(name) {
  return page.runs[name]?.colour[scheme()] ?? paletteNow().variants[name];
}

// The groups of seeds that are drawn as one; none while each run is drawn by itself.
export function seedGroups() {
  return page.view?.seeds === "grouped" ? page.groups : [];
}

export function groupColour(group) {
  return group.colour[scheme()];
}

// The checkpoint from which directions lead: of the first run on show that has one at this epoch, as pure/directions.js asks
// for it; null if there is none.
export function checkpointNow() {
  const name = shownRuns().find((one) => page.runs[one]?.epochs.includes(page.view.epoch));
  if (!name) return null;
  const run = page.runs[name];
  const { epoch, minibatch, rows } = page.view;
  return { run, epoch, minibatch, rows, minibatches: numMinibatches(name), others: Object.values(page.runs).filter((other) => other !== run && !other.cannot) };
}

// Whether random masks are drawn in a run's train mode.
export function drawsMasks(name) {
  return page.runs[name]?.capabilities?.draws_masks ?? false;
}

// Whether its rows lie below or above a target, as those of deliveries do.
export function hasTargets(name) {
  return Boolean(page.runs[name]?.metrics?.share_below_target);
}

// The rows of a minibatch that are asked for: what is chosen, or what the recorded minibatches of the run stand under.
export function minibatchSize(name) {
  const run = page.runs[name];
  return !run || hasSizes(name) ? page.view.minibatch_size : Number(Object.keys(run.minibatches)[0]);
}

// Whether minibatches of several sizes can be made of a run's rows; others were recorded with it.
export function hasSizes(name) {
  return Boolean(page.runs[name]?.minibatch_sizes.length);
}

// What tells the minibatch on show in a request: its number, or the rows that it is composed of.
export function whichMinibatch() {
  const { minibatch, rows } = page.view;
  return rows ? { rows } : { minibatch };
}

// How many rows of a run the minibatch on show has, as far as that is chosen.
export function numRows(name) {
  return page.view.rows ? numChosen(page.view.rows) : minibatchSize(name);
}

// Epochs of the runs on show, ascending.
export function shownEpochs() {
  const all = new Set(shownRuns().flatMap((name) => page.runs[name]?.epochs ?? []));
  return [...all].sort((a, b) => a - b);
}

// Why a run cannot be read, as {file, reason}; undefined if it can, or is not there.
export function unreadableRun(name) {
  return page.unreadable.find(({ file }) => file.startsWith(`${name}/`));
}

// Whether pictures come from all minibatches of the epoch on show, not from all epochs of the minibatch.
export function acrossMinibatches() {
  return page.view.view === "minibatches" || page.over === "minibatches";
}

export function isMinibatchesView() {
  return page.view?.view === "minibatches";
}

// How many minibatches of the chosen size a run has.
export function numMinibatches(name) {
  return page.runs[name]?.minibatches[minibatchSize(name)] ?? 0;
}
