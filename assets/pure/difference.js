// By how much one field differs from another, at the same offsets from each checkpoint.

import { rangeOf } from "./arrows.js";
import { hasDirections } from "./axes.js";
import { mistakeIn } from "./parameters.js";

// Both fields are float32, exact to about 1e-6 of themselves: a difference below this share of the larger arrow is none.
const ROUND_OFF = 1e-5;
const known = new WeakMap(); // frame -> WeakMap of reference -> difference

// A frame like any other, with `difference`: {equal: points without a difference, oneSided: points where one of the two
// arrows is zero}. Undefined while one of them is.
export function differenceOf(frame, reference) {
  if (!frame || !reference) return undefined;
  if (!known.has(frame)) known.set(frame, new WeakMap());
  const made = known.get(frame);
  if (!made.has(reference)) made.set(reference, subtract(frame, reference));
  return made.get(reference);
}

function subtract(frame, reference) {
  const size = frame.u.length;
  const made = {
    ...frame, x: 0, y: 0,
    u: new Float32Array(size), v: new Float32Array(size), loss: new Float32Array(size),
    isZero: new Uint8Array(size), zeroReason: new Uint8Array(size), zeroParts: null,
  };
  let oneSided = 0;
  for (let k = 0; k < size; k++) {
    // An arrow that is zero up to round-off is zero, whatever float32 says.
    const [a, b] = [vectorAt(frame, k), vectorAt(reference, k)];
    made.u[k] = a[0] - b[0];
    made.v[k] = a[1] - b[1];
    made.loss[k] = frame.loss[k] - reference.loss[k];
    const larger = Math.max(Math.hypot(...a), Math.hypot(...b));
    made.isZero[k] = Math.hypot(made.u[k], made.v[k]) <= ROUND_OFF * larger ? 1 : 0;
    if (Boolean(frame.isZero[k]) !== Boolean(reference.isZero[k])) oneSided++;
  }
  made.difference = { equal: made.isZero.reduce((sum, zero) => sum + zero, 0), oneSided, own: frame, reference };
  made.range = rangeOf(made);
  return made;
}

function vectorAt(frame, k) {
  return frame.isZero[k] ? [0, 0] : [frame.u[k], frame.v[k]];
}

// The differences at all epochs that both have.
export function differencesOf(frames, references) {
  const both = new Map();
  for (const [index, frame] of frames) if (references.has(index)) both.set(index, differenceOf(frame, references.get(index)));
  return both;
}

// The reference's plan among those side by side, or null: the difference is asked for, and the planes are comparable.
export function referenceOf(page, plans) {
  const { view, minus } = page.view;
  const reference = view === "compare" && plans.length > 1 ? plans.find(({ run }) => run === minus) : null;
  return reference && plans.every(({ run }) => isComparable(page, run)) ? reference : null;
}

// Whether a run has the two parameters at all. Directions are each run's own.
export function isComparable({ view, runs }, name) {
  const run = runs[name];
  return Boolean(run) && !hasDirections({ x: view.x_a, y: view.y_a }) && [view.x_a, view.y_a].every((parameter) => !mistakeIn(parameter, run));
}

export function differenceSentences({ difference, u }) {
  const { equal, oneSided } = difference;
  const sentences = ["Arrows are Δ∇J, on a scale of their own."];
  if (equal) sentences.push(`At ${equal} of ${u.length} points the two gradients are equal up to round-off.`);
  if (oneSided) sentences.push(`At ${oneSided} of ${u.length} points one of the two is zero up to round-off: the difference is the other alone.`);
  return sentences;
}
