// What of rows is to be drawn over a picture, asked for where it is not at hand: a row's own field, its kinks, and those of all rows.

import { hasAllKinks, kinksSentence } from "../pure/kinks.js";
import { fieldAtHand, kinksOf } from "../page/rows.js";
import { isBusy } from "../page/sliders.js";

/**
 * @param {any} plan of the picture @param {number | null} row that is pointed at, or selected @param {boolean} isNet whether all rows' kinks are wanted
 * @param {() => void} redraw when more is known
 * @returns {{drawn: any, told: any, words: string}} for `drawRowLayer`, for who looks from outside, and about the net
 */
export function layerOf(plan, row, isNet, redraw) {
  const field = row === null ? null : fieldAtHand(plan, row) ?? null;
  const wantsLines = row !== null && !isBusy();
  const asked = isNet && !isBusy() ? kinksOf(plan, null, redraw) : null;
  const net = asked?.answer ?? null;
  const isInNet = net !== null && row !== null && hasAllKinks(net, row);
  const kinks = isInNet ? net : wantsLines ? kinksOf(plan, row, redraw).answer ?? null : null;
  const numKinks = row === null ? 0 : (kinks?.segments.get(row)?.length ?? 0) / 4;
  return {
    drawn: row === null && !net ? null : { field, row, kinks, net },
    told: { row, hasField: Boolean(field), hasKinks: Boolean(kinks), numKinks, hasNet: Boolean(net) },
    words: net ? kinksSentence(net) : asked?.error ?? "",
  };
}
