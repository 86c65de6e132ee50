// Level lines of a grid by marching squares.

// Ten levels between the smallest and the largest value; null where the grid varies by less than this share of itself.
// What is not finite is left out.
export function levelsOf(values, flatShare) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const step = (high - low) / 10;
  return high - low > flatShare * Math.max(Math.abs(high), Math.abs(low)) ? { start: low + step / 2, end: high, step, low, high } : null;
}

// With how many digits the levels are told apart.
export function digitsOf({ low, high, step }) {
  return Math.max(2, Math.min(8, Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / step)) + 1));
}

// Calls line(x0, y0, x1, y1) in grid coordinates (column, row) for each piece of each level line.
export function traceLevels(values, points, levels, line) {
  for (let j = 0; j + 1 < points; j++)
    for (let i = 0; i + 1 < points; i++) {
      const corners = [
        [i, j, values[j * points + i]],
        [i + 1, j, values[j * points + i + 1]],
        [i + 1, j + 1, values[(j + 1) * points + i + 1]],
        [i, j + 1, values[(j + 1) * points + i]],
      ];
      if (!corners.every(([, , value]) => Number.isFinite(value))) continue;
      for (let level = levels.start; level < levels.end; level += levels.step) {
        const cuts = [];
        for (let side = 0; side < 4; side++) {
          const [ax, ay, a] = corners[side];
          const [bx, by, b] = corners[(side + 1) % 4];
          if (a < level === b < level) continue;
          const t = (level - a) / (b - a);
          cuts.push([ax + t * (bx - ax), ay + t * (by - ay)]);
        }
        for (let k = 0; k + 1 < cuts.length; k += 2) line(cuts[k][0], cuts[k][1], cuts[k + 1][0], cuts[k + 1][1]);
      }
    }
}
