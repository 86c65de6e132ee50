// What the curves over the epochs are called, at their ends.

import { COLUMNS } from "./curves.js";

/** @typedef {{text: string, run: string, colour: string, isDotted: boolean, isChosen: boolean, y: number}} CurveLabel `y` on the axis */

/**
 * A label for each curve that has a point: its run, and of which rows it is.
 * @param {any[]} curves as for lossFigure @param {boolean} isLog @returns {CurveLabel[]}
 */
export function curveLabels(curves, isLog) {
  const heightOf = isLog ? (value) => (value > 0 ? Math.log10(value) : null) : (value) => value;
  return curves.flatMap(({ label, colour, isChosen, metrics }) => COLUMNS.flatMap((column) => {
    const y = metrics[column]?.map(heightOf).findLast((value) => value !== null && value !== undefined);
    if (y === undefined) return [];
    return [{ text: column === "value" ? label : `${label} ${column}`, run: label, colour, isDotted: column === "train", isChosen: Boolean(isChosen), y }];
  }));
}

/** How much a label counts where there is room for few: those on show first, and of the test rows before those of the training rows. @param {CurveLabel} label */
export function rankOf({ isChosen, isDotted }) {
  return (isChosen ? 2 : 0) + (isDotted ? 0 : 1);
}
