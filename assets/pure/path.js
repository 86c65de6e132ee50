// The way of (x₁, x₂) through the epochs, on the plane of the checkpoint on show.

import { crossingsOf, isInside } from "./clipping.js";
import { reachOf } from "./plane.js";
import { dots, heads, line } from "./strokes.js";

// `frames` by epoch; `frame` is on show. What is before it is drawn firmly, what comes after it faintly; where the way
// leaves the plane or enters it, a triangle points along it. The last argument is a palette.
export function pathStrokes(frames, frame, halfWidth, points, { centre, paper }) {
  const way = wayOf(frames, frame);
  if (way.length < 2) return [];
  const now = way.findIndex(({ epoch }) => epoch === frame.index);
  const [past, future] = [way.slice(0, now + 1), way.slice(Math.max(0, now))];
  const inside = way.filter((place) => isInside(place, reachOf(halfWidth, points)));
  const crossings = crossingsOf(way, reachOf(halfWidth, points));
  const columns = (places) => [places.map(({ x }) => x), places.map(({ y }) => y)];
  const strokes = [line(...columns(way), paper, { width: 4, opacity: 0.7 })];
  if (future.length > 1) strokes.push(line(...columns(future), centre, { width: 1.5, opacity: 0.55, dashed: true }));
  if (past.length > 1) strokes.push(line(...columns(past), centre, { width: 1.8 }));
  strokes.push(dots(...columns(inside), centre, { size: 5, texts: inside.map(({ epoch }) => `epoch ${epoch}`) }));
  if (crossings.length) strokes.push(heads(...columns(crossings), crossings.map(({ angle }) => angle), centre));
  return strokes;
}

// How many of the epochs known lie on the plane.
export function pathSentence(frames, frame, halfWidth, points, isLoading) {
  const way = wayOf(frames, frame);
  const inside = way.filter((place) => isInside(place, reachOf(halfWidth, points))).length;
  if (way.length < 2) return "";
  if (isLoading) return `${way.length} epochs of the path so far.`;
  return inside === way.length
    ? `All ${way.length} epochs lie on this plane.`
    : `${inside} of ${way.length} epochs lie on this plane; triangles at its border say where the path goes on.`;
}

// Places by epoch, relative to the checkpoint on show.
function wayOf(frames, frame) {
  return [...frames.values()]
    .sort((a, b) => a.index - b.index)
    .map(({ index, x, y }) => ({ epoch: index, x: x - frame.x, y: y - frame.y }));
}
