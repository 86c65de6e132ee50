// What a panel says of itself: what it shows, why it shows nothing, and what to look at where all arrows are zero.

import { zeroMessages } from "../pure/look.js";
import { hasNorm, isOfNorm, mistakeIn, pairTitle, siblingOf, suggestedPairs } from "../pure/parameters.js";
import { plainSentences } from "../pure/plain.js";
import { reasonOfAllZero } from "../pure/zero.js";
import { conductor } from "../page/conductor.js";
import { setProps } from "../page/dash.js";
import { ownFrame } from "../page/plans.js";
import { retryStack } from "../page/shelf.js";
import { page, shownRuns, unreadableRun } from "../page/state.js";
import { chooseEverywhere } from "./everywhere.js";

// Title, sentences and veil of a panel; `frame` is undefined while it has none.
export function panelWords(plan, frame) {
  const title = titleOf(plan);
  if (frame) return { title, sentences: plainSentences(page, plan, frame), veil: zeroVeil(plan, frame) };
  const missing = whyMissing(plan);
  return { title, sentences: [], veil: { key: `${missing.state}|${missing.text}|${plan.x}|${plan.y}|${page.view.view}`, ...missing } };
}

function titleOf(plan) {
  const { view, epoch, minibatch, minibatch_size: size, mode, masks, direction } = page.view;
  const random = plan.isRandom ? `, random masks (${masks})` : "";
  const where = `epoch ${epoch} · minibatch ${minibatch} (${size} rows) · ${mode} mode${random}${direction === "descent" ? " · −∇J" : ""}`;
  if (view === "minibatches") return [`Minibatch ${minibatch}`, where.replace(`minibatch ${minibatch} (${size} rows) · `, "")];
  if (view !== "compare") return [pairTitle(plan.x, plan.y), where];
  const { label } = plan;
  return plan.minus ? [`${label} − ${plan.minus.label}`, `difference Δ∇J · ${where}`] : [label, where];
}

function whyMissing(plan) {
  if (plan.minus && ownFrame(plan)) return whyMissing(plan.minus);
  const run = page.runs[plan.run];
  const { epoch, minibatch } = page.view;
  if (!run && !page.areRunsKnown) return page.away ? awayVeil() : { state: "loading", text: "Loading" };
  const unreadable = unreadableRun(plan.run);
  if (unreadable) return { state: "error", text: `This run cannot be read: ${unreadable.file}: ${unreadable.reason}` };
  if (!run) return { state: "away", text: `${plan.label} is not trained yet.` };
  if (plan.lacking) return { state: "error", text: plan.lacking, actions: [["Show biases", () => showBiases(plan)]] };
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
  return later ? { state: "away", text: later } : { state: "loading", text: "Computing" };
}

function awayVeil() {
  return { state: "away", text: `${page.away} The picture appears when the server answers again.` };
}

function sideOf(plan) {
  const { view } = page;
  return plan.x === view.x_b && plan.y === view.y_b && view.view === "explore" ? "b" : "a";
}

// Another model has no such parameter: the same units' biases, which every model has, or the first two of the layer.
function showBiases(plan) {
  const side = sideOf(plan);
  const runs = shownRuns().flatMap((name) => page.runs[name] ?? []);
  const pair = [plan.x, plan.y].map((name) => (isOfNorm(name) ? siblingOf(name, "bias", page.runs[plan.run]) : name));
  const isShared = pair.every((name) => runs.every((run) => !mistakeIn(name, run))) && pair[0] !== pair[1];
  const [x, y] = isShared ? pair : suggestedPairs(page.runs[plan.run])[side];
  conductor.choose({ [`x_${side}`]: x, [`y_${side}`]: y });
}

// All arrows are zero: says why, and offers what is not.
function zeroVeil(plan, frame) {
  if (frame.difference?.equal === frame.u.length)
    return { state: "zero", key: "equal", text: "The two fields are equal up to round-off: there is no difference to draw." };
  if (frame.difference) return null;
  const reason = reasonOfAllZero(frame);
  if (!reason) return null;
  const text = frame.zero_words ?? zeroMessages[reason];
  const actions = reason === 1 ? otherParameters(plan) : [];
  return { state: "zero", key: `zero|${reason}|${plan.x}|${plan.y}|${page.view.view}|${shownRuns()}`, text, actions };
}

function otherParameters(plan) {
  const side = sideOf(plan);
  const renamed = (kind) => (name) => (isOfNorm(name) ? name : siblingOf(name, kind, page.runs[plan.run]) ?? name);
  // Side by side with models that have no β, it is shown where this one is alone.
  const isAlone = shownRuns().every((name) => hasNorm(page.runs[name]));
  const where = isAlone ? "" : " in Explore";
  const show = (kind) => () => {
    const there = isAlone ? {} : { view: "explore", run: plan.run };
    chooseEverywhere({ ...there, [`x_${side}`]: renamed(kind)(plan.x), [`y_${side}`]: renamed(kind)(plan.y) });
  };
  return [
    [`Show β${where}`, show("beta")],
    [`Show γ${where}`, show("gamma")],
    ["Use eval mode", () => setProps("mode", { value: "eval" })],
  ];
}
