// The two sliders, epoch and minibatch, and the keys that move them from anywhere. The minibatch has one among the
// controls and, in the view that is about minibatches, one beside the epoch's that plays.

import { minibatchWords } from "../pure/rows.js";
import { conductor } from "./conductor.js";
import { isReady, loadPlans } from "./loading.js";
import { createScrubber } from "./scrubber.js";
import { acrossMinibatches, isMinibatchesView, numMinibatches, page, shownEpochs, shownRuns } from "./state.js";

let epochs = null; // scrubbers
let minibatches = []; // two scrubbers of one value

// Makes them; false if they are there already.
export function makeSliders() {
  if (epochs) return false;
  epochs = createScrubber(document.getElementById("scrubber"), {
    name: "epoch",
    label: "Epoch",
    onMove: moveToEpoch,
    onRelease: () => conductor.epochReleased(),
    onIntent: () => {},
    ready: isReady,
  });
  minibatches = ["minibatch-scrubber", "minibatch-player"].map((id) => createScrubber(document.getElementById(id), {
    name: "minibatch",
    names: "minibatches",
    label: "Minibatch, counted from 0",
    onMove: moveToMinibatch,
    onRelease: () => conductor.minibatchReleased(),
    onIntent: prepareMinibatches,
    ready: () => true,
    playable: id === "minibatch-player",
    instead: () => (page.view?.rows ? minibatchWords(page.view) : ""),
  }));
  return true;
}

// Brings ranges and values in line with the state.
export function setSliders() {
  const there = shownEpochs();
  const planned = Math.max(0, ...shownRuns().map((name) => page.runs[name]?.planned_epochs ?? 0));
  if (there.length) epochs.setRange(there[0], there.at(-1));
  if (!epochs.busy) {
    if (there.length) page.view.epoch = Math.max(there[0], Math.min(there.at(-1), page.view.epoch));
    epochs.set(page.view.epoch);
  }
  document.body.style.setProperty("--gv-trained", `${planned ? (there.at(-1) ?? 0) / planned : 1}`);
  document.body.dataset.live = page.live ? "on" : "off";
  const many = Math.max(0, ...shownRuns().map(numMinibatches));
  if (many) {
    page.view.minibatch = Math.min(page.view.minibatch, many - 1);
    for (const one of minibatches) one.setRange(0, many - 1);
  }
  if (!minibatches.some((one) => one.busy)) for (const one of minibatches) one.set(page.view.minibatch);
}

function moveToEpoch(epoch) {
  page.view.epoch = epoch;
  page.live = page.live && epoch === shownEpochs().at(-1);
  conductor.epochMoved();
}

// Along the curves, `settle` when the pointer is let go.
export function goToEpoch(epoch) {
  const there = shownEpochs();
  if (!there.length || page.view.epoch === epoch) return;
  epochs.set(Math.max(there[0], Math.min(there.at(-1), epoch)));
  moveToEpoch(epochs.value);
  if (isMinibatchesView()) loadPlans();
  conductor.commitSoon();
  conductor.remember(false);
}

export function settle() {
  if (page.view) conductor.showActivity();
}

export function goToMinibatch(minibatch) {
  if (page.view.minibatch === minibatch && !page.view.rows) return;
  moveToMinibatch(minibatch);
  conductor.minibatchReleased();
}

function prepareMinibatches() {
  if (page.view && !page.view.rows && !acrossMinibatches()) conductor.moveOver("minibatches");
}

// It takes the place of a composed one.
function moveToMinibatch(minibatch) {
  page.view.rows = null;
  prepareMinibatches();
  page.view.minibatch = minibatch;
  for (const one of minibatches) one.set(minibatch);
  conductor.minibatchMoved();
}

/** A step of a slider. @param {"epoch" | "minibatch"} name @param {number} by */
export function stepSlider(name, by) {
  (name === "epoch" ? epochs : minibatches.at(-1))?.step(by);
}

// Whether a hand, or a play, moves one of them.
export function isBusy() {
  return Boolean(epochs?.busy || minibatches.some((one) => one.busy));
}

export function isScrubbing() {
  return Boolean(epochs?.busy);
}

// Keys that work wherever nothing else wants them.
document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || !epochs || !page.view || ["training", "evidence", "paths"].includes(page.view.view)) return;
  if (event.defaultPrevented || !(target instanceof Element)) return;
  // A slider takes its own arrows, and a choice that is made has no use for the space bar.
  const takesSpace = !target.matches("input[type=range], input[type=radio]:checked");
  if (target.closest("input, select, textarea, button, summary, [role=dialog], [contenteditable]") && (event.key !== " " || takesSpace)) return;
  const slider = isMinibatchesView() ? minibatches.at(-1) : epochs;
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  if (event.key in steps) slider.step(steps[event.key]);
  else if (event.key === " ") event.repeat || slider.toggle();
  else return;
  event.preventDefault();
});
