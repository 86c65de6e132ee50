// The families of the curves over the epochs: what a study measures, of the training rows and of the test rows, as the
// server tells it (`curves` of a run in gradviz/dashboard/overview.py).

import { factName } from "./minibatch.js";

/**
 * @typedef {{name: string, unit: string, train: string | null, test: string | null}} Family `train`, `test`: keys of the
 *   run's metrics.
 * @typedef {{curves: Family[], metrics: Record<string, (number | null)[]>}} Measured a run
 */

/** The names of all families that any of these runs has, in the order of the server. @param {Measured[]} runs @returns {string[]} */
export function familiesOf(runs) {
  return [...new Set(runs.flatMap(({ curves }) => curves.map(({ name }) => name)))];
}

/** The family that is drawn: the one that is wanted where there is such, else the first. @param {string} wanted @param {string[]} names */
export function chosenFamily(wanted, names) {
  return names.includes(wanted) ? wanted : (names[0] ?? "loss");
}

/** What the curves of a family may be of: of the training rows, of the test rows, or of neither. */
export const COLUMNS = /** @type {const} */ (["train", "test", "value"]);

/**
 * The columns of a run's metrics that a family is drawn from, those that there are: a metric that is called as its family is
 * of no rows in particular, and stands under `value`.
 * @param {Measured} run @param {string} name
 * @returns {{epoch: number[], train?: (number | null)[], test?: (number | null)[], value?: (number | null)[]}}
 */
export function columnsOf({ curves, metrics }, name) {
  const family = curves.find((one) => one.name === name);
  const columns = { epoch: /** @type {number[]} */ (metrics.epoch) };
  if (family?.train) columns.train = metrics[family.train];
  if (family?.test) columns[family.test === name ? "value" : "test"] = metrics[family.test];
  return columns;
}

/** What a table calls such a column. @param {string} column @param {string} family */
export function columnName(column, family) {
  return column === "value" ? family : `${column}_${family}`;
}

/** Whether a family is drawn by its logarithm: losses fall by orders of magnitude. @param {string} name */
export function isLogarithmic(name) {
  return /loss/i.test(name);
}

/** What the axis says. @param {string} name @param {Measured[]} runs */
export function familyTitle(name, runs) {
  const unit = runs.flatMap(({ curves }) => curves).find((family) => family.name === name)?.unit ?? "";
  return name === "loss" ? "loss J" : `${factName(name)}${unit ? ` (${unit})` : ""}`;
}
