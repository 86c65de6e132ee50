// What follows from the state of the page alone.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { acrossMinibatches, drawsMasks, knownRuns, labelOf, numMinibatches, page, shownEpochs, shownRuns, unreadableRun } from "../../assets/page/state.js";
import "./constants.js";

const runOf = (epochs, rest = {}) => ({ epochs, minibatches: { 64: 12 }, capabilities: { draws_masks: false }, ...rest });

beforeEach(() => {
  page.view = { view: "explore", run: "none", compared: ["sgd", "none", "batchnorm"], minibatch_size: 64 };
  page.runs = { none: runOf([0, 1, 2]), sgd: runOf([1, 3], { label: "SGD, seed 1", capabilities: { draws_masks: true } }) };
  page.over = "epochs";
});

test("runs are in the order of the server, and those that are not trained yet where they will be", () => {
  assert.deepEqual(knownRuns(), ["none", "dropout", "batchnorm", "sgd"]);
  page.runs = { dropout: runOf([0]), "dropout-1": runOf([0]), batchnorm: runOf([0]) };
  assert.deepEqual(knownRuns(), ["none", "dropout", "dropout-1", "batchnorm"]);
  page.runs = {};
  assert.deepEqual(knownRuns(), ["none", "dropout", "batchnorm"]);
});

test("on show is one run, or those compared, with the epochs that any of them has", () => {
  assert.deepEqual([shownRuns(), shownEpochs()], [["none"], [0, 1, 2]]);
  page.view.view = "compare";
  assert.deepEqual([shownRuns(), shownEpochs()], [["none", "batchnorm", "sgd"], [0, 1, 2, 3]]);
});

test("a run is called as the server says, one that is not there by its usual label or its name", () => {
  assert.deepEqual(["sgd", "dropout", "adam"].map(labelOf), ["SGD, seed 1", "Dropout", "adam"]);
});

test("what a run can do is asked of it", () => {
  assert.deepEqual(["sgd", "none", "dropout"].map(drawsMasks), [true, false, false]);
  assert.deepEqual(["sgd", "dropout"].map(numMinibatches), [12, 0]);
});

test("pictures come from all minibatches in the view that is about them, or while their slider moves", () => {
  assert.equal(acrossMinibatches(), false);
  page.over = "minibatches";
  assert.equal(acrossMinibatches(), true);
  Object.assign(page, { over: "epochs", view: { ...page.view, view: "minibatches" } });
  assert.equal(acrossMinibatches(), true);
});

test("a run that cannot be read is found by its file", () => {
  page.unreadable = [{ file: "dropout-1/run.json", reason: "it is empty" }];
  assert.equal(unreadableRun("dropout"), undefined);
  assert.equal(unreadableRun("dropout-1").reason, "it is empty");
});
