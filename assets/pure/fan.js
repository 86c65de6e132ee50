// The gradients of all minibatches at the checkpoint on show, as rays from the centre: how far the minibatches agree.

import { look } from "./look.js";
import { reachOf } from "./plane.js";
import { tipOf } from "./sampling.js";
import { spreadOf, strengthWords } from "./spread.js";
import { angleOf, disc, dots, heads, line } from "./strokes.js";

// Rays in the lengths of the picture's arrows (compressed, true, unit), the longest as long as the disc's radius; the
// strong arrow is the mean direction, R of the radius long. With another `longest` the disc is there already.
export function fanStrokes(frames, style, points, { paper, ink }, longest = 0) {
  const { live, longest: own, resultant } = spreadOf(frames);
  if (!live.length) return [];
  const lengths = lengthsOf(style, points, longest || own);
  const tips = live.map(({ u, v }) => tipOf([u, v], lengths));
  const [x, y] = [Math.cos, Math.sin].map((part) => lengths.sign * lengths.radius * resultant.length * part(resultant.angle));
  return [
    ...(longest ? [] : [disc(1.08 * lengths.radius, paper, 0.82)]),
    line(tips.flatMap(([u]) => [0, u, null]), tips.flatMap(([, v]) => [0, v, null]), ink, { width: 1, opacity: 0.35 }),
    dots(tips.map(([u]) => u), tips.map(([, v]) => v), ink, { size: 3, opacity: 0.5 }),
    line([0, x], [0, y], ink, { width: 2.5 }),
    heads([x], [y], [angleOf(x, y)], ink, { size: 10 }),
  ];
}

// How long arrows on the disc around the checkpoint are; on a coarse grid it is no larger than on one of 21 points.
export function lengthsOf({ halfWidth, length, direction }, points, longest) {
  return {
    radius: look.fan_in_cells * Math.min((2 * halfWidth) / (points - 1), reachOf(halfWidth, points) / 10), longest,
    exponent: { compressed: look.length_exponent, true: 1, unit: 0 }[length], sign: direction === "descent" ? -1 : 1,
  };
}

export function fanSentence(frames) {
  const { live, within, resultant } = spreadOf(frames);
  const zeros = frames.size - live.length;
  if (!live.length) return `The gradient at ○ is ${look.zero_words} for all ${frames.size} minibatches.`;
  const rest = zeros ? `, ${zeros} of ${frames.size} ${zeros > 1 ? "are" : "is"} zero` : "";
  return `${within} of ${live.length} minibatches point within 90° of their mean direction (${strengthWords(resultant.length)})${rest}.`;
}
