// Level lines of a grid by marching squares, and where they carry their values: gradviz/drawing/level_labels.py says the
// same, and tests/fixtures/arrows.json holds both.

const NUM_LEVELS = 10;
const APART = 0.14; // of the grid's width, from label to label
const BORDER = 2.5; // room to the border counts so many times as much as room to another label
const LEAST_PIECE = 0.25; // of a cell: shorter pieces of a line have no direction to speak of
const SAME = 1 + 1e-9; // round-off chooses no place

// Ten levels between the smallest and the largest value; null where the grid varies by less than this share of itself.
// What is not finite is left out.
export function levelsOf(values, flatShare) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const step = (high - low) / NUM_LEVELS;
  return high - low > flatShare * Math.max(Math.abs(high), Math.abs(low)) ? { start: low + step / 2, end: high, step, low, high } : null;
}

// With how many digits the levels are told apart.
export function digitsOf({ low, high, step }) {
  return Math.max(2, Math.min(8, Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / step)) + 1));
}

// Calls line(x0, y0, x1, y1, level) in grid coordinates (column, row) for each piece of each level line.
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
      for (let n = 0, level = levels.start; n < NUM_LEVELS && level < levels.end; level = levels.start + ++n * levels.step) {
        const cuts = [];
        for (let side = 0; side < 4; side++) {
          const [ax, ay, a] = corners[side];
          const [bx, by, b] = corners[(side + 1) % 4];
          if (a < level === b < level) continue;
          const t = (level - a) / (b - a);
          cuts.push([ax + t * (bx - ax), ay + t * (by - ay)]);
        }
        for (let k = 0; k + 1 < cuts.length; k += 2) line(cuts[k][0], cuts[k][1], cuts[k + 1][0], cuts[k + 1][1], level);
      }
    }
}

/**
 * At most one label on each line, where there is most room for it: none lies over another, or over the checkpoint. Places in
 * columns and rows of the grid, angles in degrees counter-clockwise.
 * @param {ArrayLike<number>} values @param {number} points @param {any} levels
 * @returns {{column: number, row: number, angle: number, level: number}[]}
 */
export function levelLabels(values, points, levels) {
  const lines = new Map(Array.from({ length: NUM_LEVELS }, (_, n) => [levels.start + n * levels.step, []]));
  traceLevels(values, points, levels, (x0, y0, x1, y1, level) => lines.get(level).push([x0, y0, x1, y1]));
  const last = points - 1;
  const placed = [[last / 2, last / 2]];
  const found = [];
  for (const [level, pieces] of lines) {
    let [best, most] = [null, 0];
    for (const piece of pieces) {
      const [x0, y0, x1, y1] = piece;
      if (Math.hypot(x1 - x0, y1 - y0) < LEAST_PIECE) continue;
      const room = roomAt((x0 + x1) / 2, (y0 + y1) / 2, placed, last);
      if (room > most * SAME) [best, most] = [piece, room];
    }
    if (!best || most < APART * last) continue;
    const [x0, y0, x1, y1] = best;
    const [column, row] = [(x0 + x1) / 2, (y0 + y1) / 2];
    placed.push([column, row]);
    found.push({ column, row, angle: readable((Math.atan2(y1 - y0, x1 - x0) * 180) / Math.PI), level });
  }
  return found;
}

function roomAt(x, y, placed, last) {
  return Math.min(BORDER * Math.min(x, y, last - x, last - y), ...placed.map(([px, py]) => Math.hypot(x - px, y - py)));
}

// Turned so that it reads from the left.
function readable(degrees) {
  return degrees > 90 ? degrees - 180 : degrees <= -90 ? degrees + 180 : degrees;
}
