// A view with other runs than before: what they have is shown of them.

import { site } from "./site.js";
import { page, runOf, shownOf } from "./state.js";

const COMPARED = 3; // without a choice

/**
 * A composed minibatch is on show until another one is chosen, by its number or by the size of all.
 * @param {any} view as it is to be @param {any} before @param {object} choices that make it
 */
export function leavingRows(view, before, choices) {
  const isOther = "minibatch" in choices || view.minibatch_size !== before.minibatch_size;
  return isOther && !("rows" in choices) ? { ...view, rows: null } : view;
}

/**
 * Of runs of another study than before, the parameters that are suggested for them are shown: their networks have no others in
 * common, nor rows. Compare, opened from such a run, compares runs of its study; and where some network is another in train
 * mode, it opens in that, unless a mode was chosen.
 * @param {any} view as it is to be @param {any} before
 */
export function fitted(view, before) {
  const studyOf = (name) => page.runs[name]?.study;
  const isOpened = view.view === "compare" && before.view !== "compare";
  if (isOpened && studyOf(view.run) && view.compared.every((side) => studyOf(runOf(side)) !== studyOf(view.run)))
    view = { ...view, compared: alike(view.run, studyOf) };
  if (isOpened && !page.isModeChosen && (!site || site.modes.includes("train")) && shownOf(view).some(trainsOtherwise)) view = { ...view, mode: "train" };
  view = withMasksThere(view, before);
  const shown = shownOf(view).filter((name) => page.runs[name]);
  if (!shown.length || !page.runs[before.run] || shown.some((name) => studyOf(name) === studyOf(before.run))) return view;
  const run = shown[0];
  const { a, b } = page.runs[run].suggested ?? { a: [null, null], b: [null, null] };
  return { ...view, run, x_a: a[0], y_a: a[1], x_b: b[0], y_b: b[1], rows: null };
}

// A site's train mode is seen with masks that it has; a step of a lesson has its own.
function withMasksThere(view, before) {
  const isEntered = view.mode === "train" && before.mode !== "train";
  return site?.masks.length && isEntered && !view.lesson && !site.masks.includes(view.masks) ? { ...view, masks: site.masks[0] } : view;
}

// Whether train mode draws masks, or uses the minibatch's statistics.
function trainsOtherwise(name) {
  const { draws_masks: draws, has_batch_statistics: has } = page.runs[name]?.capabilities ?? {};
  return Boolean(draws || has);
}

// The run and the first others of its study, in the order of the server.
function alike(run, studyOf) {
  const all = Object.keys(page.runs).filter((name) => studyOf(name) === studyOf(run));
  const first = all.slice(0, COMPARED);
  return first.includes(run) ? first : [...first.slice(0, COMPARED - 1), run];
}
