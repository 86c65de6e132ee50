// What the page is about: its only state, and what follows from it alone.

import { look } from "../pure/look.js";

export const page = {
  view: null, // all choices, as gradviz/dashboard/permalink.py names them; epoch and minibatch are what is shown
  live: true, // the newest epoch is followed
  runs: {},
  areRunsKnown: false, // the server has told them
  unreadable: [], // {file, reason}: runs that are there but cannot be read
  training: { state: "unknown", progress: [] },
  away: "", // what is the matter, while the server does not answer
  over: "epochs", // which slider moves the pictures now
  panels: [], // see views/panels.js
  notices: [],
};

export function shownVariants() {
  const { view, variant, compared } = page.view;
  return view === "compare" ? Object.keys(look.variant_labels).filter((name) => compared.includes(name)) : [variant];
}

// Epochs of the variants on show, ascending.
export function shownEpochs() {
  const all = new Set(shownVariants().flatMap((variant) => page.runs[variant]?.epochs ?? []));
  return [...all].sort((a, b) => a - b);
}

// Why a variant's run cannot be read, as {file, reason}; undefined if it can, or is not there.
export function unreadableRun(variant) {
  return page.unreadable.find(({ file }) => file.startsWith(`${variant}/`));
}

// Whether pictures come from all minibatches of the epoch on show, not from all epochs of the minibatch.
export function acrossMinibatches() {
  return page.view.view === "minibatches" || page.over === "minibatches";
}

export function isMinibatchesView() {
  return page.view?.view === "minibatches";
}

// How many minibatches of the chosen size a run has.
export function numMinibatches(variant) {
  return page.runs[variant]?.minibatches[page.view.minibatch_size] ?? 0;
}
