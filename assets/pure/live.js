// Units that are alive, and the nearest of them to one that is not: of what /units tells of a layer.

import { unitOf } from "./parameters.js";

/** Of the rows, on which a unit that is alive is active: as in gradviz/landscape/pairs.py. */
export const LEAST_ACTIVE = 0.05;
const ROUND_OFF = 1e-5; // likewise

/** Which units are alive: active on at least 5 % of the rows, where that is known, and with a gradient. @param {{active: number[] | null, gradient_rms: number[]}} units @returns {boolean[]} */
export function aliveOf({ active, gradient_rms: sizes }) {
  const largest = Math.max(...sizes);
  return sizes.map((size, unit) => size > ROUND_OFF * largest && (active?.[unit] ?? 1) >= LEAST_ACTIVE);
}

/**
 * The parameter itself if its unit is alive, else the one of the same tensor at the nearest unit that is (of two, the one
 * with the smaller number); null if there is none. @param {string} name @param {boolean[]} alive @param {string | null} other a parameter that it must not be
 */
export function nearestLive(name, alive, other = null) {
  const unit = unitOf(name);
  const order = alive.map((_, k) => k).sort((a, b) => Math.abs(a - unit) - Math.abs(b - unit) || a - b);
  return order.filter((k) => alive[k]).map((k) => name.replace(/\[\d+/, `[${k}`)).find((one) => one !== other) ?? null;
}
