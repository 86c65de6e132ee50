// What is drawn over the arrows when it is wanted: the path through the epochs, the spread of the minibatches.

import { hasDirections } from "./axes.js";
import { fanSentence, fanStrokes } from "./fan.js";
import { markSentence, markStrokes, rayFrames, raySentence } from "./marks.js";
import { pathSentence, pathStrokes } from "./path.js";

export function wantsOverlay(view, overlay) {
  return view.show.includes(overlay);
}

export function overlayStrokes(view, plan, frame, style, palette) {
  if (!frame || frame.difference) return [];
  if (hasDirections(plan)) return planeStrokes(view, plan, frame, style, palette);
  const strokes = [];
  const spread = spreadFrames(view, plan);
  if (spread) strokes.push(...fanStrokes(spread, style, frame.points, palette));
  if (wantsOverlay(view, "path")) strokes.push(...pathStrokes(plan.epochs.frames, epochFrame(view, frame), style.halfWidth, frame.points, palette));
  return strokes;
}

export function overlaySentences(view, plan, frame) {
  if (!frame || frame.difference) return [];
  if (hasDirections(plan)) return planeSentences(view, plan, frame);
  const minibatches = minibatchFrames(view, plan);
  const sentences = [];
  if (minibatches) sentences.push(fanSentence(minibatches));
  if (wantsOverlay(view, "path")) sentences.push(pathSentence(plan.epochs.frames, epochFrame(view, frame), plan.halfWidth, frame.points, Boolean(plan.epochs.loading)));
  return sentences.filter(Boolean);
}

// The frames of all minibatches of the checkpoint on show, once they are all there.
function minibatchFrames(view, plan) {
  const stack = plan.minibatches;
  return stack && stack.selection.epoch === view.epoch && !stack.loading && stack.frames.size > 1 ? stack.frames : null;
}

function spreadFrames(view, plan) {
  return wantsOverlay(view, "spread") ? minibatchFrames(view, plan) : null;
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
  if (!wantsOverlay(view, "path") && !wantsOverlay(view, "spread")) return [];
  const told = toldOf(view, plan);
  if (!told) return ["What lies in this plane is being computed."];
  if (told.error) return [`What lies in this plane is not known: ${told.error}`];
  const sentences = [];
  if (wantsOverlay(view, "spread") && told.minibatches.length > 1) sentences.push(fanSentence(rayFrames(told)), raySentence(told));
  if (wantsOverlay(view, "path")) sentences.push(markSentence(told, plan.halfWidth, frame.points));
  return sentences;
}

// What the server says of the plane of the checkpoint on show, or {error}; undefined until it does. A plane may depend on its
// minibatch: while a slider moves over these, it is another one.
function toldOf(view, { planes }) {
  return planes && planes.selection.minibatch === view.minibatch ? planes.told.get(view.epoch) : undefined;
}
