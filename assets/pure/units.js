// A map of the units of a layer: how often each is active (across) and how large its gradient is (up, as log10). Units that
// are active on no row have a strip of their own at the left, those without a gradient one at the bottom; dead units, which
// are both, lie in the corner. Where no unit can be inactive, they lie in the order of their numbers.

import { number, percent } from "./formats.js";
import { look } from "./look.js";

const ROUND_OFF = 1e-5; // of the largest, as in gradviz/landscape/pairs.py
export const EDGE = { left: 46, strip: 46, margin: 14, right: 24, top: 10, bottom: 36, floor: 26 };
const NEAR = 12; // pixels

// Units with their places in a canvas of this size: {unit, share, size, isDead, isZero, x, y}, and the axes.
export function unitLayout({ active, gradient_rms: sizes }, width, height) {
  const isByNumber = !active;
  const largest = Math.max(0, ...sizes);
  const isZero = (size) => size <= ROUND_OFF * largest;
  const seen = sizes.filter((size) => !isZero(size)).map(Math.log10);
  const [low, high] = seen.length ? [Math.min(...seen) - 0.1, Math.max(...seen) + 0.1] : [-1, 0];
  const strip = isByNumber ? EDGE.margin : EDGE.strip;
  const across = (share) => EDGE.left + strip + share * (width - EDGE.left - strip - EDGE.right);
  const up = (log) => height - EDGE.bottom - EDGE.floor - ((log - low) / (high - low)) * (height - EDGE.top - EDGE.bottom - EDGE.floor);
  const placeOf = (unit) => (sizes.length > 1 ? unit / (sizes.length - 1) : 0.5);
  const units = sizes.map((size, unit) => {
    const share = isByNumber ? null : active[unit];
    return {
      unit, share, size, isDead: share === 0 && isZero(size), isZero: isZero(size),
      // In a strip, units lie side by side by their number: they have no place of their own.
      x: share === 0 ? EDGE.left + EDGE.strip * (0.2 + 0.5 * ((unit * 0.618) % 1)) : across(share ?? placeOf(unit)),
      y: isZero(size) ? height - EDGE.bottom - EDGE.floor * (0.25 + 0.5 * ((unit * 0.755) % 1)) : up(Math.log10(size)),
    };
  });
  return { units, width, height, low, high, across, up, isByNumber };
}

// The unit nearest to a point, or null if none is near.
export function unitAt({ units }, x, y) {
  let [best, nearest] = [null, NEAR];
  for (const one of units) {
    const distance = Math.hypot(one.x - x, one.y - y);
    if (distance < nearest) [best, nearest] = [one.unit, distance];
  }
  return best;
}

// The next unit along an axis ("x" or "y") of the map.
export function nextUnit({ units }, unit, axis, by) {
  const order = [...units].sort((a, b) => a[axis] - b[axis] || a.unit - b.unit);
  const place = order.findIndex((one) => one.unit === unit);
  return order[Math.max(0, Math.min(order.length - 1, place + by))].unit;
}

// "unit 12: active on 34 % of the training rows, gradient 0.0123".
export function unitWords({ unit, share, size, isDead, isZero }, rows = "training rows") {
  const alive = share === null ? "" : isDead ? "dead, " : share === 0 ? `active on none of the ${rows === "training rows" ? "training rows looked at" : rows}, ` : `active on ${percent(share)} of ${rows}, `;
  return `unit ${unit}: ${alive}gradient ${isZero ? look.zero_words : `${number(size)} (RMS of the minibatches)`}`;
}
