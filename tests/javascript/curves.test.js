// The families of curves: which there are, which is drawn, and from which columns.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenFamily, columnName, columnsOf, familiesOf, familyTitle, isLogarithmic } from "../../assets/pure/curves.js";
import { meanFacts, minibatchLines } from "../../assets/pure/minibatch.js";

const family = (name, rest = {}) => ({ name, unit: "", train: null, test: null, ...rest });
const measured = {
  metrics: { epoch: [0, 1], train_loss: [2, 1], val_loss: [3, 2], rate: [0.1, 0.01], test_accuracy: [0.5, null] },
  curves: [family("loss", { train: "train_loss", test: "val_loss" }), family("rate", { test: "rate", unit: "1" }), family("accuracy", { test: "test_accuracy", unit: "%" })],
};
const other = { metrics: { epoch: [0], train_loss: [9] }, curves: [family("loss", { train: "train_loss" }), family("length")] };

test("families are those of all runs, each once, and the first is drawn where another is not there", () => {
  assert.deepEqual(familiesOf([measured, other]), ["loss", "rate", "accuracy", "length"]);
  assert.deepEqual([chosenFamily("accuracy", ["loss", "accuracy"]), chosenFamily("", ["loss"]), chosenFamily("gone", ["loss"]), chosenFamily("", [])], ["accuracy", "loss", "loss", "loss"]);
});

test("a family is drawn from the columns that there are", () => {
  assert.deepEqual(columnsOf(measured, "loss"), { epoch: [0, 1], train: [2, 1], test: [3, 2] });
  assert.deepEqual(columnsOf(measured, "accuracy"), { epoch: [0, 1], test: [0.5, null] });
  assert.deepEqual(columnsOf(measured, "rate"), { epoch: [0, 1], value: [0.1, 0.01] });
  assert.deepEqual([columnsOf(other, "rate"), columnsOf(other, "length")], [{ epoch: [0] }, { epoch: [0] }]);
  assert.deepEqual([columnName("train", "loss"), columnName("value", "rate")], ["train_loss", "rate"]);
});

test("losses are drawn by their logarithms, and axes tell units", () => {
  assert.deepEqual(["loss", "nll_loss", "accuracy"].map(isLogarithmic), [true, true, false]);
  assert.deepEqual(["loss", "accuracy", "length"].map((name) => familyTitle(name, [measured, other])), ["loss J", "accuracy (%)", "length"]);
});

test("facts of several minibatches have their means, those that not all have are left out", () => {
  const fact = (name, value) => ({ name, value, unit: "rows", sentence: `${value}` });
  const of = (...facts) => ({ share_below: null, num_rows: 8, facts });
  assert.deepEqual(meanFacts([of(fact("right", 4), fact("odd", 1)), of(fact("right", 6))]), [{ name: "right", value: 5, unit: "rows", sentence: "" }]);
  assert.deepEqual([meanFacts([]), meanFacts([{ share_below: 0.5, num_rows: 8 }])], [[], []]);
  assert.deepEqual(minibatchLines(of(fact("right_rows", 4))), ["8 rows", "right rows = 4 rows"]);
  assert.deepEqual(minibatchLines({ share_below: 0.5, num_rows: 8 }), ["50 % of 8 rows predicted below target"]);
  assert.deepEqual(minibatchLines({ share_below: 1, num_rows: 1 }), ["100 % of 1 row predicted below target"]);
});
