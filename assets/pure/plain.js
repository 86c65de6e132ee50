// What a picture shows, in plain words: the line beside it.

import { hasDirections } from "./axes.js";
import { differenceSentences } from "./difference.js";
import { longWords } from "./estimate.js";
import { percent } from "./formats.js";
import { look } from "./look.js";
import { minibatchSentences } from "./minibatch.js";
import { overlaySentences } from "./overlays.js";
import { hasUnits, layerOf, unitOf } from "./parameters.js";
import { tensorOf } from "./tensors.js";
import { planeSentences } from "./toldplane.js";

export function plainSentences(page, plan, frame) {
  if (frame.difference) return [whatIsComing(plan, frame), ...differenceSentences(frame), whatIsMissing(frame), whatIsRandom(page, plan)].filter(Boolean);
  return [
    whatIsComing(plan, frame),
    whereTo(page.view, frame),
    ...minibatchSentences(frame, underWhat(page, plan)),
    whatIsZero(frame),
    whatIsMissing(frame),
    ...planeSentences(frame.plane, page.view.view === "compare"),
    whoseDirections(page.view, plan, frame.plane),
    whatIsActive(plan, frame),
    whatIsFlat(plan, frame),
    whatIsRandom(page, plan),
    ...overlaySentences(page.view, plan, frame),
  ].filter(Boolean);
}

// Of a slow field, the points of a coarser grid come first; and why there are no others.
function whatIsComing({ epochs, minibatches }, { index, of, points }) {
  if (!of) return "";
  const shown = `${points} × ${points} of ${of} × ${of} points`;
  const stacks = [epochs, minibatches].filter(Boolean);
  const why = stacks.map(({ failed, error, later }) => failed.get(index) ?? error ?? later).find(Boolean);
  if (why) return `${shown}. ${why}`;
  if (!stacks.some(({ loading, hurrying }) => loading || hurrying)) return `${shown}.`;
  const words = longWords(stacks.find(({ seconds }) => seconds)?.seconds);
  return `${shown}; the others are being computed${words ? `: all take about ${words}` : ""}.`;
}

// "At ○ the gradient points to larger x₁ and smaller x₂."
function whereTo({ direction }, frame) {
  const centre = (frame.u.length - 1) / 2;
  if (frame.isZero[centre]) return `At ○ the gradient is ${look.zero_words}.`;
  const sign = direction === "descent" ? -1 : 1;
  const parts = [{ name: "x₁", part: sign * frame.u[centre] }, { name: "x₂", part: sign * frame.v[centre] }].filter(({ part }) => part !== 0);
  const largest = Math.max(...parts.map(({ part }) => Math.abs(part)));
  // Within 6° of an axis the other part cannot be seen.
  const seen = parts.filter(({ part }) => Math.abs(part) > 0.1 * largest);
  const towards = seen.map(({ name, part }) => `${part > 0 ? "larger" : "smaller"} ${name}`).join(" and ");
  return direction === "descent" ? `At ○ descent goes to ${towards}.` : `At ○ the gradient points to ${towards}.`;
}

function whatIsZero(frame) {
  const unresolved = frame.num_unresolved ? ` ${frame.num_unresolved} arrows are too small for float32: their numbers are float64's.` : "";
  const zeros = frame.isZero.reduce((sum, zero) => sum + zero, 0);
  return `${zeros ? `${zeros} of ${frame.u.length} arrows are ${look.zero_words}.` : ""}${unresolved}`.trim();
}

// Where the loss is not finite, there is no arrow, no grey and no surface.
function whatIsMissing({ loss }) {
  const missing = loss.reduce((sum, value) => sum + !Number.isFinite(value), 0);
  return missing ? `At ${missing} of ${loss.length} points J is not finite: nothing is drawn there.` : "";
}

// Directions are made from a checkpoint, and eigenvectors from a minibatch too: pictures side by side are of several planes.
function whoseDirections({ view, minus }, plan, told) {
  if (!hasDirections(plan) || !told) return "";
  const differs = !minus || minus === "off" ? "" : ", so there is no difference to draw";
  if (view === "compare") return `Each run has its own directions${differs}.`;
  const isOwn = view === "minibatches" && [plan.x, plan.y].some((axis) => axis.startsWith("hessian:"));
  return isOwn ? "Each minibatch has its own eigenvectors: its arrow lies in a plane of its own." : "";
}

// On what share of the minibatch's rows the units of the two parameters are active at ○, where they are units that may be
// inactive.
function whatIsActive(plan, frame) {
  const units = /** @type {[string, number | null][]} */ ([[plan.x, frame.x_active], [plan.y, frame.y_active]])
    .filter(([parameter, share]) => share !== null && hasUnits(parameter, plan.network))
    .map(([parameter, share]) => [nameOf(parameter, plan), share]);
  if (units.length === 2 && units[0][0] === units[1][0]) units.pop();
  const told = units.map(([name, share]) => (share === 0 ? `${name} is inactive on all of them` : `${name} is active on ${percent(share)} of them`));
  return told.length ? `${capital(told.join(", "))}.` : "";
}

// Along the parameter of a dead unit nothing changes, so that all arrows are parallel.
function whatIsFlat(plan, { u, v, x_active: x, y_active: y, plane }) {
  if (plane) return "";
  const isFlat = (name, share, parts) => share === 0 && hasUnits(name, plan.network) && parts.every((part) => part === 0);
  const [isFlatX, isFlatY] = [isFlat(plan.x, x, u), isFlat(plan.y, y, v)];
  if (isFlatX === isFlatY) return "";
  return `∂J/\u2060∂${isFlatX ? "x₁" : "x₂"} is zero on the whole plane: all arrows are parallel to ${isFlatX ? "x₂" : "x₁"}.`;
}

// The unit's number, with its layer where the two parameters are of different ones.
function nameOf(parameter, plan) {
  const unit = unitOf(parameter);
  return layerOf(plan.x, plan.network) === layerOf(plan.y, plan.network) ? `unit ${unit}` : `unit ${unit} of ${tensorOf(parameter, plan.network).label}`;
}

// Of which masks the share of rows below target is: those drawn at ○, or all that are averaged.
function underWhat({ view }, plan) {
  if (!plan.isRandom) return "";
  return (plan.masks ?? view.masks) === "averaged" ? ", mean over the sets of masks" : " under the masks of ○";
}

function whatIsRandom({ view }, plan) {
  if (!plan.isRandom && !plan.minus?.isRandom) return "";
  return {
    fresh: "Masks are drawn anew at every grid point, so each arrow has masks of its own.",
    frozen: "One random set of masks holds for the whole plane.",
    averaged: "Arrows are means over several random sets of masks.",
  }[(plan.isRandom ? plan : plan.minus).masks ?? view.masks];
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
