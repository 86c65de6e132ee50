// What follows from the state of the page alone.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { acrossMinibatches, drawsMasks, hasSizes, hasTargets, knownRuns, labelOf, masksOf, minibatchSize, numMinibatches, page, shownEpochs, shownRuns, unreadableRun } from "../../assets/page/state.js";
import { fitted } from "../../assets/page/fitting.js";
import "./constants.js";

const runOf = (epochs, rest = {}) => ({
  epochs, study: "deliveries", minibatches: { 64: 12 }, minibatch_sizes: [16, 64, 256], capabilities: { draws_masks: false }, metrics: { share_below_target: [] }, suggested: { a: ["a", "b"], b: ["c", "d"] }, ...rest,
});
const recorded = (study) => runOf([0], { study, minibatches: { 64: 50 }, minibatch_sizes: [], metrics: {}, suggested: { a: [`${study}[0]`, `${study}[1]`], b: [`${study}[2]`, `${study}[3]`] } });

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

test("of a run that draws masks each masks' picture is there once, whichever the view has", () => {
  Object.assign(page.view, { view: "compare", mode: "train", masks: "fresh", compared: ["none", "sgd~frozen", "sgd"] });
  assert.deepEqual(masksOf("sgd"), [undefined, "frozen"]);
  page.view.masks = "frozen";
  assert.deepEqual(masksOf("sgd"), [undefined]);
  page.view.mode = "eval";
  assert.deepEqual([masksOf("sgd"), masksOf("none")], [[undefined], [undefined]]);
});

test("a run is called as the server says, one that is not there by its usual label or its name", () => {
  assert.deepEqual(["sgd", "dropout", "adam"].map(labelOf), ["SGD, seed 1", "Dropout", "adam"]);
});

test("what a run can do is asked of it", () => {
  assert.deepEqual(["sgd", "none", "dropout"].map(drawsMasks), [true, false, false]);
  assert.deepEqual(["sgd", "dropout"].map(numMinibatches), [12, 0]);
});

test("of runs of other studies alone, none is expected that a training of deliveries would make", () => {
  page.training = { state: "empty", trains: false, progress: [] };
  page.runs = { adam: recorded("digits"), sgd: recorded("digits") };
  assert.deepEqual(knownRuns(), ["adam", "sgd"]);
  page.training = { state: "running", trains: true, progress: [{ run: "dropout" }] };
  assert.deepEqual(knownRuns(), ["none", "dropout", "batchnorm", "adam", "sgd"]);
  Object.assign(page, { training: { state: "empty", trains: false, progress: [] }, runs: {} });
  assert.deepEqual(knownRuns(), []);
  page.training = { state: "unknown", progress: [] };
});

test("minibatches that were recorded with a run are asked for under the one size that they have", () => {
  page.runs.adam = recorded("digits");
  page.view.minibatch_size = 256;
  assert.deepEqual(["adam", "none"].map(minibatchSize), [64, 256]);
  assert.deepEqual(["adam", "none"].map(hasSizes), [false, true]);
  assert.deepEqual(["adam", "none"].map(hasTargets), [false, true]);
  assert.deepEqual(["adam", "none"].map(numMinibatches), [50, 0]);
  page.runs.adam.capabilities = null; // its study is not loaded
  assert.equal(drawsMasks("adam"), false);
});

test("runs of another study are shown with what is suggested for them, and compared with their like", () => {
  Object.assign(page.runs, { adam: recorded("digits"), rmsprop: recorded("digits"), long: recorded("addition") });
  const view = { ...page.view, x_a: "a", y_a: "b", x_b: "c", y_b: "d" };
  const chosen = fitted({ ...view, run: "adam" }, view);
  assert.deepEqual([chosen.x_a, chosen.y_a, chosen.x_b, chosen.y_b], ["digits[0]", "digits[1]", "digits[2]", "digits[3]"]);
  assert.deepEqual(fitted({ ...view, run: "sgd" }, view), { ...view, run: "sgd" }); // of the same study: the parameters stay
  const compared = fitted({ ...chosen, view: "compare" }, chosen);
  assert.deepEqual([compared.compared, compared.run, compared.x_a], [["adam", "rmsprop"], "adam", "digits[0]"]);
  const others = fitted({ ...compared, compared: ["long"] }, compared);
  assert.deepEqual([others.run, others.x_a], ["long", "addition[0]"]);
  page.runs.long.suggested = null; // nothing can be computed of it
  assert.equal(fitted({ ...compared, compared: ["long"] }, compared).x_a, null);
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
