// From a frame to arrows: the encoding of gradviz/drawing/arrows.py and scale.py; tests/fixtures/arrows.json holds both.

// {low, high} of log10 |g| and the longest |g| of a frame's arrows. Null if all are zero.
export function rangeOf(frame) {
  const sizes = [];
  for (let k = 0; k < frame.u.length; k++) {
    const size = Math.hypot(frame.u[k], frame.v[k]);
    if (!frame.isZero[k] && size > 0 && Number.isFinite(size) && Number.isFinite(frame.loss[k])) sizes.push(size);
  }
  return rangeOfSizes(sizes);
}

// The same of the arrows with these positive |g|; the lowest 2 % are left out of `low`. Sorts them.
export function rangeOfSizes(sizes) {
  if (!sizes.length) return null;
  sizes.sort((a, b) => a - b);
  const place = 0.02 * (sizes.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sizes.length - 1);
  const low = Math.log10(sizes[below] + (place - below) * (sizes[above] - sizes[below]));
  const longest = sizes[sizes.length - 1];
  return { low, high: Math.log10(longest), longest };
}

// One scale for several frames: colours tell sizes apart over 0.1 to 4 decades below the longest.
export function scaleOf(frames) {
  let [low, high, longest] = [Infinity, -Infinity, 0];
  for (const { range } of frames) {
    if (!range) continue;
    low = Math.min(low, range.low);
    high = Math.max(high, range.high);
    longest = Math.max(longest, range.longest);
  }
  return longest ? { low: Math.min(Math.max(low, high - 4), high - 0.1), high, longest } : { low: -1, high: 0, longest: 1 };
}

// In cells; 0.92 of a cell for the longest.
export function drawnLength(size, longest, length, look) {
  const share = Math.min(1, size / longest);
  if (length === "unit") return 0.8 * look.longest_in_cells;
  return look.longest_in_cells * share ** (length === "true" ? 1 : look.length_exponent);
}

// Points with an arrow: positions (relative to the checkpoint) and drawn vectors, both in units of the parameters,
// with log10 |g|; and the points whose arrow is zero. Descent turns the arrows round. Of every so many columns and rows,
// the centre's among them, as much longer.
export function encode(frame, { halfWidth, scale, length, direction, every = 1 }, look) {
  const sign = direction === "descent" ? -1 : 1;
  const middle = (frame.points - 1) / 2;
  const cell = halfWidth / middle;
  const arrows = { point: [], x: [], y: [], u: [], v: [], colour: [] };
  const zeros = { point: [], x: [], y: [] };
  for (let k = 0; k < frame.u.length; k++) {
    const [u, v] = [frame.u[k], frame.v[k]];
    const size = Math.hypot(u, v);
    if (!Number.isFinite(size) || !Number.isFinite(frame.loss[k])) continue;
    const [across, up] = [(k % frame.points) - middle, Math.floor(k / frame.points) - middle];
    if (across % every !== 0 || up % every !== 0) continue;
    const [x, y] = [cell * across, cell * up];
    if (frame.isZero[k] || size === 0) {
      zeros.point.push(k), zeros.x.push(x), zeros.y.push(y);
      continue;
    }
    const drawn = (sign * every * cell * drawnLength(size, scale.longest, length, look)) / size;
    arrows.point.push(k), arrows.x.push(x), arrows.y.push(y);
    arrows.u.push(drawn * u), arrows.v.push(drawn * v), arrows.colour.push(Math.log10(size));
  }
  return { arrows, zeros };
}

/** How many times as wide lines are in a picture whose words are so many times as large. */
export function boldness(large = 1) {
  return 1 + 0.8 * (large - 1);
}
