// What is drawn over the arrows when it is wanted: the path through the epochs, the spread of the minibatches.

import { hasDirections } from "./axes.js";
import { fanSentence, fanStrokes } from "./fan.js";
import { pathSentence, pathStrokes } from "./path.js";

export function wantsOverlay(view, overlay) {
  return view.show.includes(overlay);
}

export function overlayStrokes(view, plan, frame, style, palette) {
  if (!frame || frame.difference) return [];
  const strokes = [];
  const spread = spreadFrames(view, plan);
  if (spread) strokes.push(...fanStrokes(spread, style, frame.points, palette));
  if (wantsPath(view, plan)) strokes.push(...pathStrokes(plan.epochs.frames, epochFrame(view, frame), style.halfWidth, frame.points, palette));
  return strokes;
}

export function overlaySentences(view, plan, frame) {
  if (!frame || frame.difference) return [];
  const minibatches = minibatchFrames(view, plan);
  const sentences = [];
  if (minibatches) sentences.push(fanSentence(minibatches));
  if (wantsPath(view, plan)) sentences.push(pathSentence(plan.epochs.frames, epochFrame(view, frame), plan.halfWidth, frame.points, Boolean(plan.epochs.loading)));
  return sentences.filter(Boolean);
}

// Along directions, every checkpoint is at 0 of its own plane: its frames tell no path.
function wantsPath(view, plan) {
  return wantsOverlay(view, "path") && !hasDirections(plan);
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
