// Loads what the plans of the panels need.

import { conductor } from "./conductor.js";
import { wholeFrame } from "./plans.js";
import { hurryStack, keepLoadingOnly, loadStack, openStack } from "./shelf.js";
import { acrossMinibatches, isMinibatchesView, numMinibatches, page } from "./state.js";

// What the moving slider needs, then the rest: a browser opens six connections to a server at most.
export function loadPlans() {
  const planned = page.plans;
  const across = acrossMinibatches();
  keepLoadingOnly(planned.flatMap((one) => (across && !page.view.rows ? [one.minibatches] : [one.epochs, one.minibatches])));
  for (const one of planned) loadNext(one);
}

function loadNext(plan) {
  if (page.away || !page.runs[plan.run] || plan.lacking) return;
  const { epochs } = page.runs[plan.run];
  // Beside all minibatches, a composed one is looked at where they are.
  const wanted = isMinibatchesView() ? epochs.filter((epoch) => epoch === page.view.epoch) : epochs;
  const loadEpochs = () => loadStack(plan.epochs, page.view.epoch, wanted, arrivals);
  if (acrossMinibatches() && !page.view.rows) {
    loadAll(plan.minibatches, plan.run);
    if (!plan.minibatches.loading && !isMinibatchesView()) loadEpochs();
  } else {
    loadEpochs();
    if (plan.minibatches && !plan.epochs.loading) loadAll(plan.minibatches, plan.run);
  }
}

function loadAll(stack, name) {
  const many = numMinibatches(name);
  if (many && !page.away) loadStack(stack, page.view.minibatch, Array.from({ length: many }, (_, k) => k), arrivals);
}

// Asks for the pictures that are wanted now and not there yet ahead of all that is being loaded.
export function hurryPlans() {
  for (const plan of page.plans) {
    if (page.away || plan.lacking || wholeFrame(plan)) continue;
    const run = page.runs[plan.run];
    if (acrossMinibatches() && !page.view.rows) hurryStack(plan.minibatches, page.view.minibatch, arrivals);
    else if (run?.epochs.includes(page.view.epoch)) hurryStack(plan.epochs, page.view.epoch, arrivals);
  }
}

const arrivals = {
  onFrame(stack, frame) {
    const wanted = stack.over === "epochs" ? page.view.epoch : page.view.minibatch;
    if (!plansOf(stack).length) return;
    if (frame.index === wanted) conductor.draw(), conductor.commitSoon();
    else if (isMinibatchesView()) conductor.drawSoon();
  },
  onEnd(stack) {
    const planned = plansOf(stack);
    if (!planned.length) return;
    for (const plan of planned) loadNext(plan); // and what was trained meanwhile
    hurryPlans();
    conductor.draw(), conductor.commitSoon();
  },
};

function plansOf(stack) {
  return page.plans.filter((plan) => plan.epochs === stack || plan.minibatches === stack);
}

// Whether the pictures of this epoch are there, or will not come. Those of all minibatches are asked for.
export function isReady(epoch) {
  if (isMinibatchesView()) return readyAcross(epoch);
  return page.plans.every((plan) => plan.epochs.frames.has(epoch) || !plan.epochs.loading);
}

function readyAcross(epoch) {
  const [plan] = page.plans;
  if (!plan || !page.runs[plan.run]?.epochs.includes(epoch)) return true;
  const stack = openStack({ ...plan.minibatches.selection, epoch }, "minibatches");
  loadAll(stack, plan.run);
  return !stack.loading;
}
