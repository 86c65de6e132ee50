// What is drawn over the arrows when it is wanted: the path through the epochs, the spread of the minibatches, the ellipse
// in which minibatches of other rows would have theirs, and the paths of SGD from a point of the plane.

import { hasDirections } from "./axes.js";
import { fanSentence, fanStrokes, lengthsOf } from "./fan.js";
import { markSentence, markStrokes, rayFrames, raySentence } from "./marks.js";
import { pathSentence, pathStrokes } from "./path.js";
import { probeStrokes } from "./probe.js";
import { isOfMinibatch } from "./rows.js";
import { longestOf, samplingSentence, samplingStrokes } from "./sampling.js";
import { spreadOf } from "./spread.js";

export function wantsOverlay(view, overlay) {
  return view.show.includes(overlay);
}

export function overlayStrokes(view, plan, frame, style, palette) {
  if (!frame || frame.difference) return [];
  const probed = probeOf(view, plan);
  const strokes = hasDirections(plan) ? planeStrokes(view, plan, frame, style, palette) : pairStrokes(view, plan, frame, style, palette);
  return probed?.paths ? [...strokes, ...probeStrokes(probed, palette)] : strokes;
}

function pairStrokes(view, plan, frame, style, palette) {
  const strokes = [];
  const spread = spreadFrames(view, plan);
  const sampling = samplingOf(view, plan)?.sampling;
  let longest = 0;
  if (sampling) {
    const own = ownArrow(frame);
    longest = Math.max(longestOf(sampling, own), spread ? spreadOf(spread).longest : 0);
    strokes.push(...samplingStrokes(sampling, own, lengthsOf(style, frame.points, longest), palette));
  }
  if (spread) strokes.push(...fanStrokes(spread, style, frame.points, palette, longest));
  if (wantsOverlay(view, "path")) strokes.push(...pathStrokes(plan.epochs.frames, epochFrame(view, frame), style.halfWidth, frame.points, palette));
  return strokes;
}

export function overlaySentences(view, plan, frame) {
  if (!frame || frame.difference) return [];
  const sentences = hasDirections(plan) ? planeSentences(view, plan, frame) : pairSentences(view, plan, frame);
  return [...sentences, ...probeSentences(view, plan)];
}

function pairSentences(view, plan, frame) {
  const minibatches = minibatchFrames(view, plan);
  const sentences = [];
  if (minibatches) sentences.push(fanSentence(minibatches));
  if (wantsOverlay(view, "sampling")) sentences.push(samplingWords(view, plan));
  if (wantsOverlay(view, "path")) sentences.push(pathSentence(plan.epochs.frames, epochFrame(view, frame), plan.halfWidth, frame.points, Boolean(plan.epochs.loading)));
  return sentences.filter(Boolean);
}

// The paths from the start on show, at the checkpoint and minibatch on show, or {error}; undefined until the server tells them.
export function probeOf(view, { probe, minus }) {
  return wantsOverlay(view, "probe") && !minus && probe && isOfMinibatch(probe.selection, view) ? probe.told.get(view.epoch) : undefined;
}

function probeSentences(view, plan) {
  if (!wantsOverlay(view, "probe")) return [];
  const told = probeOf(view, plan);
  if (!told) return ["The paths of the probe are being computed."];
  return told.error ? [`The paths of the probe are not known: ${told.error}`] : told.sentences;
}

// The frames of all minibatches of the checkpoint on show, once they are all there.
function minibatchFrames(view, plan) {
  const stack = plan.minibatches;
  return stack && stack.selection.epoch === view.epoch && !stack.loading && stack.frames.size > 1 ? stack.frames : null;
}

function spreadFrames(view, plan) {
  return wantsOverlay(view, "spread") ? minibatchFrames(view, plan) : null;
}

// What the server says of other minibatches at the checkpoint on show: {sampling, reason} or {error}; undefined until it does.
function samplingOf(view, { sampling }) {
  return wantsOverlay(view, "sampling") && sampling ? sampling.told.get(view.epoch) : undefined;
}

function samplingWords(view, plan) {
  const told = samplingOf(view, plan);
  if (!told) return "The sampling ellipse is being computed.";
  return told.sampling ? samplingSentence(told.sampling) : told.reason ?? `The sampling ellipse is not known: ${told.error}`;
}

// The arrow at ○, where it is not zero.
function ownArrow(frame) {
  const k = (frame.u.length - 1) / 2;
  const isZero = Boolean(frame.isZero[k]) || !(frame.u[k] || frame.v[k]);
  return isZero ? null : /** @type {[number, number]} */ ([frame.u[k], frame.v[k]]);
}

// A minibatch's frame is numbered by minibatch: on the path it is at the epoch on show.
function epochFrame(view, frame) {
  return { x: frame.x, y: frame.y, index: view.epoch };
}

// ---- in planes along directions -------------------------------------------------------------------------------

// Every checkpoint is at 0 of its own plane: frames tell no path.
function planeStrokes(view, plan, frame, style, palette) {
  const told = toldOf(view, plan);
  if (!told || told.error) return [];
  const strokes = [];
  if (wantsOverlay(view, "spread") && told.minibatches.length > 1) strokes.push(...fanStrokes(rayFrames(told), style, frame.points, palette));
  if (wantsOverlay(view, "path")) strokes.push(...markStrokes(told, view.epoch, style.halfWidth, frame.points, palette));
  return strokes;
}

function planeSentences(view, plan, frame) {
  const sentences = wantsOverlay(view, "sampling") ? ["The sampling ellipse is for planes of two parameters."] : [];
  if (!wantsOverlay(view, "path") && !wantsOverlay(view, "spread")) return sentences;
  const told = toldOf(view, plan);
  if (!told) return [...sentences, "What lies in this plane is being computed."];
  if (told.error) return [...sentences, `What lies in this plane is not known: ${told.error}`];
  if (wantsOverlay(view, "spread") && told.minibatches.length > 1) sentences.push(fanSentence(rayFrames(told)), raySentence(told));
  if (wantsOverlay(view, "path")) sentences.push(markSentence(told, plan.halfWidth, frame.points));
  return sentences;
}

// What the server says of the plane of the checkpoint on show, or {error}; undefined until it does. A plane may depend on its
// minibatch: while a slider moves over these, it is another one.
function toldOf(view, { planes }) {
  return planes && isOfMinibatch(planes.selection, view) ? planes.told.get(view.epoch) : undefined;
}
