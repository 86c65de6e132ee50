// What the page knows of the numbers that a lesson names.

import { measured } from "../pure/lessonnumbers.js";
import { paths } from "../page/paths.js";
import { wholeFrame } from "../page/plans.js";
import { labelOf, numMinibatches, page } from "../page/state.js";

/** @import { Place, Source } from "../pure/lessonnumbers.js" */

/** The number at a place of the page, or its text; null while it is not known. @param {Place} place */
export function numberAt(place) {
  return measured(place, sourceOf(place));
}

/** What to call the run of a place where it is named. @param {Place} place */
export function runWords({ of }) {
  return of && page.runs[of] ? labelOf(of) : of ?? "";
}

/** @param {Place} place @returns {Source} */
function sourceOf({ picture, of }) {
  const { view } = page;
  const plan = page.runs[of] ? page.plans.find(({ run }) => run === of) : page.plans[picture - 1];
  const run = page.runs[of] ?? page.runs[plan?.run ?? view.run];
  return {
    frame: (plan && wholeFrame(plan)) ?? null,
    frames: plan ? allFrames(plan) : null,
    sampling: plan?.sampling?.told.get(view.epoch)?.sampling ?? null,
    metrics: run?.metrics ?? {},
    conditions: view.view === "paths" ? (paths.result?.conditions ?? null) : null,
    epoch: view.epoch,
    minibatch: view.rows ? null : view.minibatch,
    x: plan?.x ?? "",
    y: plan?.y ?? "",
  };
}

/** Those of all minibatches at the epoch on show, once no more come. @param {any} plan */
export function allFrames({ minibatches: stack, run }) {
  const isWhole = stack && stack.selection.epoch === page.view.epoch && stack.frames.size + stack.failed.size >= numMinibatches(run);
  return isWhole ? stack.frames : null;
}
