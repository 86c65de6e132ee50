// The gradients of all minibatches at the checkpoint on show, as rays from the centre: how far the minibatches agree.

import { look } from "./look.js";
import { reachOf } from "./plane.js";
import { spreadOf, strengthWords } from "./spread.js";
import { angleOf, disc, dots, heads, line } from "./strokes.js";

// Rays in the lengths of the picture's arrows (compressed, true, unit), the longest as long as the disc's radius; the
// strong arrow is the mean direction, R of the radius long. On a coarse grid the disc is no larger than on one of 21 points.
export function fanStrokes(frames, { halfWidth, length, direction }, points, { paper, ink }) {
  const { live, longest, resultant } = spreadOf(frames);
  if (!live.length) return [];
  const radius = look.fan_in_cells * Math.min((2 * halfWidth) / (points - 1), reachOf(halfWidth, points) / 10);
  const sign = direction === "descent" ? -1 : 1;
  const tips = live.map(({ u, v, size }) => {
    const drawn = (sign * radius * (size / longest) ** exponentOf(length)) / size;
    return [drawn * u, drawn * v];
  });
  const [x, y] = [Math.cos, Math.sin].map((part) => sign * radius * resultant.length * part(resultant.angle));
  return [
    disc(1.08 * radius, paper, 0.82),
    line(tips.flatMap(([u]) => [0, u, null]), tips.flatMap(([, v]) => [0, v, null]), ink, { width: 1, opacity: 0.35 }),
    dots(tips.map(([u]) => u), tips.map(([, v]) => v), ink, { size: 3, opacity: 0.5 }),
    line([0, x], [0, y], ink, { width: 2.5 }),
    heads([x], [y], [angleOf(x, y)], ink, { size: 10 }),
  ];
}

function exponentOf(length) {
  return { compressed: look.length_exponent, true: 1, unit: 0 }[length];
}

export function fanSentence(frames) {
  const { live, within, resultant } = spreadOf(frames);
  const zeros = frames.size - live.length;
  if (!live.length) return `The gradient at ○ is ${look.zero_words} for all ${frames.size} minibatches.`;
  const rest = zeros ? `, ${zeros} of ${frames.size} ${zeros > 1 ? "are" : "is"} zero` : "";
  return `${within} of ${live.length} minibatches point within 90° of their mean direction (${strengthWords(resultant.length)})${rest}.`;
}
