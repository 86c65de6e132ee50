// What of a line of the plane lies within the square |x|, |y| ≤ reach, and where it goes through its border.

import { angleOf } from "./strokes.js";

export function isInside({ x, y }, reach) {
  return Math.abs(x) <= reach && Math.abs(y) <= reach;
}

// Where the way goes through the border of the square |x|, |y| ≤ reach, and its direction there.
export function crossingsOf(way, reach) {
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
export function insidePart(a, b, reach) {
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
