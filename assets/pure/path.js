// The way of (x₁, x₂) through the epochs, on the plane of the checkpoint on show.

import { reachOf } from "./plane.js";
import { angleOf, dots, heads, line } from "./strokes.js";

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

function isInside({ x, y }, reach) {
  return Math.abs(x) <= reach && Math.abs(y) <= reach;
}

// Where the way goes through the border of the square |x|, |y| ≤ reach, and its direction there.
function crossingsOf(way, reach) {
  const found = [];
  for (let k = 0; k + 1 < way.length; k++) {
    const [a, b] = [way[k], way[k + 1]];
    const span = insidePart(a, b, reach);
    if (!span) continue;
    const angle = angleOf(b.x - a.x, b.y - a.y);
    for (const t of span) if (t > 0 && t < 1) found.push({ x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y), angle });
  }
  return found;
}

// The part [from, to] of the segment a-b within the square, or null (Liang and Barsky's clipping, 1984).
function insidePart(a, b, reach) {
  let [from, to] = [0, 1];
  for (const axis of ["x", "y"]) {
    const step = b[axis] - a[axis];
    if (step === 0 && Math.abs(a[axis]) > reach) return null;
    if (step === 0) continue;
    const [near, far] = [(-reach - a[axis]) / step, (reach - a[axis]) / step].sort((s, t) => s - t);
    [from, to] = [Math.max(from, near), Math.min(to, far)];
  }
  return from < to ? [from, to] : null;
}
