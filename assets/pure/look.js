// The constants of drawing that the server tells (gradviz/drawing/browser.py), what fields cost, and why a gradient is zero in its words.

/**
 * @typedef {[number, string][]} Stops A colour scale: shares of the way, ascending from 0 to 1, each with its colour.
 * @typedef {{paper: string, ink: string, faint: string, grid: string, centre: string, zero: string, contour: string,
 *   chosen: string, arrows: Stops, loss: Stops, sheet: Stops, cosine: Stops, variants: Record<string, string>,
 *   conditions: Record<string, string>, probe: Record<string, string>}} Palette
 * @typedef {{length_exponent: number, longest_in_cells: number, fan_in_cells: number, zero_words: string,
 *   arrow_width: number, arrow_head: number, flat_share: number, half_widths: {parameters: number, directions: number}, little_share: number, variant_labels: Record<string, string>, font: string,
 *   probe: {lines: {schedule: string, dash: number[], width: number}[], most_dots: number, start: number, step: number, end: number, halo: number},
 *   palettes: {light: Palette, dark: Palette}}} Look
 * @typedef {{points: number, fewer_points: number, long_seconds: number, told_seconds: number, slow_seconds: number,
 *   coarse_sizes: number[], sets_of_masks: number, rows: number}} Costs of gradviz/compute/estimate.py; not in pages that stand alone
 */

/** Filled once, when the page begins. @type {Look} */
export const look = /** @type {any} */ ({});

/** Filled with it. @type {Costs} */
export const costs = /** @type {any} */ ({});

/** By the reason that a frame gives for a zero. @type {string[]} */
export const zeroMessages = [];

/** @param {{look: Look, costs?: Costs, zero_messages?: string[]}} told */
export function begin({ look: constants, costs: ofFields, zero_messages: messages = [] }) {
  Object.assign(look, constants);
  Object.assign(costs, ofFields);
  zeroMessages.splice(0, Infinity, ...messages);
}
