// What a panel says of itself: what it shows, why it shows nothing, and what to look at where all arrows are zero.

import { hasDirections } from "../pure/axes.js";
import { longWords } from "../pure/estimate.js";
import { hasUnits, isOfNorm, mistakeIn, pairTitle, siblingOf } from "../pure/parameters.js";
import { plainSentences } from "../pure/plain.js";
import { minibatchWords } from "../pure/rows.js";
import { shortPair, symbolOf } from "../pure/shortnames.js";
import { isSurface } from "../pure/surface.js";
import { tensorOf } from "../pure/tensors.js";
import { reasonOfAllZero, zeroSentence } from "../pure/zero.js";
import { conductor } from "../page/conductor.js";
import { setProps } from "../page/dash.js";
import { ownFrame } from "../page/plans.js";
import { fewerSentence } from "../page/points.js";
import { retryStack } from "../page/shelf.js";
import { hasSizes, page, shownRuns, unreadableRun } from "../page/state.js";
import { canDrawSurfaces } from "./camera.js";
import { chooseEverywhere } from "./everywhere.js";
import { showNearestLive } from "./livepair.js";

// Title, sentences and veil of a panel; `frame` is undefined while it has none.
export function panelWords(plan, frame) {
  const title = titleOf(plan, frame);
  if (frame) return { title, sentences: [fewerSentence(plan), ...plainSentences(page, plan, frame), ...whatCannotBeDrawn()].filter(Boolean), veil: zeroVeil(plan, frame) };
  const missing = whyMissing(plan);
  return { title, sentences: [], veil: { key: `${missing.state}|${missing.text}|${plan.x}|${plan.y}|${page.view.view}`, ...missing } };
}

function whatCannotBeDrawn() {
  return isSurface(page.view) && !canDrawSurfaces() ? ["This browser has no WebGL for a surface: the loss is drawn in greys."] : [];
}

function titleOf(plan, frame) {
  const { view, epoch, mode, direction } = page.view;
  const which = minibatchWords(page.view);
  const random = plan.isRandom ? `, random masks (${plan.masks})` : "";
  const how = `${mode} mode${random}${direction === "descent" ? " · −∇J" : ""}`;
  const pair = pairOf(plan);
  const where = `${pair}epoch ${epoch} · ${which}${rowsOf(plan, frame)} · ${how}`;
  if (view === "minibatches") return [which.replace(/^./, (letter) => letter.toUpperCase()), `${pair}epoch ${epoch} · ${how}`];
  if (view !== "compare") return [pairTitle(plan.x, plan.y, plan.network) || plan.label, where];
  const { label } = plan;
  return plan.minus ? [`${label} − ${plan.minus.label}`, `difference Δ∇J · ${where}`] : [label, where];
}

// "b₀, b₁ · ", with its layer where the title is another; a plane along directions has its own title.
function pairOf({ x, y, network }) {
  if (!x || !network || (hasDirections({ x, y }) && page.view.view !== "compare")) return "";
  return page.view.view !== "compare" ? `${symbolOf(x, network)}, ${symbolOf(y, network)} · ` : `${shortPair(x, y, network, true)} · `;
}

// " (64 rows)": as chosen, or as the recorded minibatch has them, once that is known.
export function rowsOf(plan, frame) {
  if (page.view.rows) return ""; // the words for chosen rows say it
  const rows = !plan.network || hasSizes(plan.run) ? page.view.minibatch_size : frame?.num_rows;
  return rows ? ` (${rows} rows)` : "";
}

function whyMissing(plan) {
  if (plan.minus && ownFrame(plan)) return whyMissing(plan.minus);
  const run = page.runs[plan.run];
  const { epoch, minibatch } = page.view;
  if (!run && !page.areRunsKnown) return page.away ? awayVeil() : { state: "loading", text: "Loading" };
  const unreadable = unreadableRun(plan.run);
  if (unreadable) return { state: "error", text: `This run cannot be read: ${unreadable.file}: ${unreadable.reason}` };
  if (!run) return { state: "away", text: `${plan.label} is not trained yet.` };
  if (run.cannot) return { state: "error", text: run.cannot };
  if (plan.lacking) return { state: "error", text: plan.lacking, actions: insteadOf(plan) };
  const stack = [plan.epochs, plan.minibatches].find((one) => one?.error);
  if (stack) return { state: "error", text: stack.error, actions: stack.canRetry ? [["Try again", () => retryStack(stack)]] : [] };
  const failed = plan.epochs.failed.get(epoch) ?? plan.minibatches?.failed.get(minibatch);
  if (failed) return { state: "error", text: failed };
  const broken = run.broken.find(({ file }) => file.startsWith(`epoch-${String(epoch).padStart(4, "0")}`));
  if (broken) return { state: "error", text: `${broken.file} is broken and left out: ${broken.reason}` };
  if (!run.epochs.length) return { state: "away", text: "Its first checkpoint is on its way." };
  if (!run.epochs.includes(epoch)) return { state: "away", text: `${plan.label} is at epoch ${run.epochs.at(-1)} so far.` };
  if (page.away) return awayVeil();
  const later = plan.epochs.later ?? plan.minibatches?.later;
  return later ? { state: "away", text: later } : { state: "loading", ...waiting(plan) };
}

// How long it takes is told where that is long.
function waiting(plan) {
  const words = longWords(plan.epochs.seconds ?? plan.minibatches?.seconds);
  return words ? { text: `Computing: this takes about ${words}.`, isTold: true } : { text: "Computing" };
}

function awayVeil() {
  return { state: "away", text: `${page.away} The picture appears when the server answers again.` };
}

function sideOf(plan) {
  const { view } = page;
  return plan.x === view.x_b && plan.y === view.y_b && view.view === "explore" ? "b" : "a";
}

// Another model has no such parameter: the same units' biases where all models on show have them, or the pair that is
// suggested for this one.
function insteadOf(plan) {
  const side = sideOf(plan);
  const runs = shownRuns().flatMap((name) => page.runs[name] ?? []);
  const pair = [plan.x, plan.y].map((name) => biasOf(name, plan.network));
  const isShared = pair.every((name) => name && runs.every((run) => !mistakeIn(name, run))) && pair[0] !== pair[1];
  const instead = isShared ? pair : plan.network.suggested?.[side];
  if (!instead) return [];
  const isOfBiases = instead.every((name) => tensorOf(name, plan.network).kind === "bias");
  return [[isOfBiases ? "Show biases" : "Show two of its parameters", () => conductor.choose({ [`x_${side}`]: instead[0], [`y_${side}`]: instead[1] })]];
}

// The parameter itself, or the bias of the unit whose β or γ it is in another run of the study.
function biasOf(name, { study }) {
  const owner = Object.values(page.runs).find((run) => run.study === study && isOfNorm(name, run));
  return owner ? siblingOf(name, "bias", owner) : name;
}

// All arrows are zero: says why, and offers what is not.
function zeroVeil(plan, frame) {
  if (frame.difference?.equal === frame.u.length)
    return { state: "zero", key: "equal", text: "The two fields are equal up to round-off: there is no difference to draw." };
  if (frame.difference) return null;
  const reason = reasonOfAllZero(frame);
  if (!reason) return null;
  const text = zeroSentence(frame, reason);
  const actions = frame.plane ? [] : reason === 1 ? otherParameters(plan) : liveOnes(plan, reason);
  return { state: "zero", key: `zero|${reason}|${plan.x}|${plan.y}|${page.view.view}|${shownRuns()}`, text, actions };
}

// Where a unit is inactive on every row, or none leads on from it.
function liveOnes(plan, reason) {
  const isOfUnits = [plan.x, plan.y].every((name) => hasUnits(name, plan.network));
  return [3, 4].includes(reason) && isOfUnits ? [["Show the nearest live pair", () => showNearestLive(plan, sideOf(plan))]] : [];
}

// β and γ of the same units, where the model has them in the same layer, and eval mode.
function otherParameters(plan) {
  const side = sideOf(plan);
  const { network } = plan;
  const actions = [];
  for (const [kind, letter] of [["beta", "β"], ["gamma", "γ"]]) {
    const [x, y] = [plan.x, plan.y].map((name) => (isOfNorm(name, network) ? name : siblingOf(name, kind, network)));
    if (!x || !y || (x === plan.x && y === plan.y)) continue;
    // Side by side with models that have none, they are shown where this one is alone.
    const isAlone = shownRuns().every((name) => page.runs[name] && [x, y].every((parameter) => !mistakeIn(parameter, page.runs[name])));
    const there = isAlone ? {} : { view: "explore", run: plan.run };
    actions.push([`Show ${letter}${isAlone ? "" : " in Explore"}`, () => chooseEverywhere({ ...there, [`x_${side}`]: x, [`y_${side}`]: y })]);
  }
  const isHelped = page.view.mode === "train" && network.capabilities?.has_batch_statistics;
  return isHelped ? [...actions, ["Use eval mode", () => setProps("mode", { value: "eval" })]] : actions;
}
