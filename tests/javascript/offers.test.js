// What the dialog of directions offers, and what a picture says of its plane.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasDirections, isDirection, mistakeInDirection } from "../../assets/pure/axes.js";
import { isComparable } from "../../assets/pure/difference.js";
import { foundDirections, lackOf, meaningOf, offeredDirections, presets, suggestedDirections } from "../../assets/pure/directions.js";
import { percentOf } from "../../assets/pure/formats.js";
import { pointLines } from "../../assets/pure/reading.js";
import { acrossSentence, axisTitle, planeSentences, unitSentence } from "../../assets/pure/toldplane.js";
import { zeroSentence } from "../../assets/pure/zero.js";
import { cnn, frameOf, plainRun, run } from "./constants.js";
import { zeroMessages } from "../../assets/pure/look.js";

const whereOf = (epoch = 2, epochs = [0, 1, 2], minibatches = 5) => ({ run: { ...plainRun, epochs }, epoch, minibatch: 3, minibatches, others: [{ ...plainRun, run: "adam", epochs: [4, 9] }, cnn, run] });
const axis = (text, told = {}) => ({ text, meaning: "all", unit: "as long as the step from epoch 11 to 12", notes: [], length: 1, part: 1, ...told });
const plane = (told = {}) => ({ x: axis("gradient:3"), y: axis("gradient:mean", { unit: "as long as x", part: 0.371 }), gram: [1, 0, 1], gradient_share: 0.12, ...told });

test("everything that is offered is a direction that this checkpoint has, once", () => {
  for (const where of [whereOf(), whereOf(0), whereOf(0, [0]), whereOf(2, [0, 1, 2], 1)]) {
    const offered = offeredDirections(where);
    assert.equal(new Set(offered).size, offered.length);
    for (const text of offered) assert.deepEqual([isDirection(text), mistakeInDirection(text), lackOf(text, where)], [true, null, null], text);
    for (const text of offered) assert.ok(meaningOf(text, where).length > 5);
  }
  const offered = offeredDirections(whereOf());
  for (const text of ["random:1", "gradient:4", "gradient:mean", "step", "pca:2", "hessian:2", "towards:none/0", "towards:adam/9", "towards:adam/4", "random:1@hidden.1.linear", "step@output"]) assert.ok(offered.includes(text), text);
  assert.ok(!offered.some((text) => text.startsWith("pca:3") || text.startsWith("towards:none/2") || text.startsWith(`towards:${cnn.run}/`)));
  assert.ok(offered.includes("towards:batchnorm/2")); // it has all of these tensors, and more
});

test("what a checkpoint has not is said in one sentence", () => {
  assert.equal(lackOf("step", whereOf(0)), "No step leads to epoch 0, the first: choose a later one.");
  assert.equal(lackOf("gradient:0", whereOf(0, [0])), "This run has one checkpoint: a step lies between two.");
  assert.equal(lackOf("pca:2", whereOf(1, [0, 1])), "The path of 2 checkpoints has one component.");
  assert.equal(lackOf("pca:1", whereOf(0, [0])), "The path of one checkpoint has no components.");
  assert.equal(lackOf("gradient:5", whereOf()), "The minibatches of this run are 0 to 4.");
  assert.equal(lackOf("towards:none/2", whereOf()), "That is the checkpoint itself.");
  assert.equal(meaningOf("gradient:0", whereOf(0)), "as long as the step from epoch 0 to 1");
});

test("a search finds what has all its words, and what is written out", () => {
  assert.deepEqual(foundDirections("mean hidden.2", whereOf()), ["gradient:mean@hidden.2.linear"]);
  assert.deepEqual(foundDirections("random:77", whereOf()), ["random:77"]);
  assert.deepEqual(foundDirections("towards:adam/3", whereOf()), ["towards:adam/3"]);
  assert.deepEqual(foundDirections("hessian:0", whereOf()), []);
  assert.ok(foundDirections("EIGENVECTOR", whereOf()).every((text) => text.startsWith("hessian:")));
});

test("a text field suggests what is looked for most, then what is typed, and never too many", () => {
  const first = suggestedDirections("", "step", whereOf());
  assert.deepEqual(first, offeredDirections(whereOf()).slice(0, 24));
  assert.deepEqual(suggestedDirections("step", "step", whereOf()), first); // what is there is no search
  assert.deepEqual(suggestedDirections("step", "pca:1", whereOf())[0], "step");
  assert.deepEqual(suggestedDirections("mean gradient within hid", null, whereOf()), ["gradient:mean@hidden.0.linear", "gradient:mean@hidden.1.linear", "gradient:mean@hidden.2.linear"]);
  assert.deepEqual(suggestedDirections("hidden.1.linear.bias[0]", null, whereOf()), []);
  assert.equal(suggestedDirections("gradient", null, whereOf(2, [0, 1, 2], 500)).length, 24);
});

test("the planes that are chosen often, with the reason where a checkpoint has one not", () => {
  const lacks = (where) => presets(where).map(({ lack }) => lack !== null);
  assert.deepEqual(presets(whereOf()).map(({ x, y }) => [x, y]), [["random:1", "random:2"], ["gradient:3", "gradient:mean"], ["pca:1", "pca:2"], ["step", "gradient:4"], ["hessian:1", "hessian:2"]]);
  assert.deepEqual(lacks(whereOf()), [false, false, false, false, false]);
  assert.deepEqual(lacks(whereOf(0)), [false, false, false, true, false]);
  assert.deepEqual(lacks(whereOf(0, [0])), [false, true, true, true, true]);
  assert.deepEqual(lacks(whereOf(1, [0, 1], 1)), [false, true, true, true, false]);
});

test("the titles of axes are words, or a name where these have no room; what 1 is, is a sentence", () => {
  assert.equal(axisTitle("hidden.1.linear.bias[0]", undefined), "Δ hidden.1.linear.bias[0]");
  assert.equal(axisTitle("step", undefined), "along the last step");
  assert.equal(axisTitle("hidden.1.linear.bias[0]", axis("hidden.1.linear.bias[0]")), "along hidden.1.linear.bias[0]");
  const titles = (text) => [60, 30, 12].map((letters) => axisTitle(text, plane().x, letters));
  assert.deepEqual(titles("gradient:3"), ["along the gradient of minibatch 3", "along gradient:3", "gradient:3"]);
  assert.deepEqual(titles("pca:2"), ["along principal component 2 of the path", "along pca:2", "along pca:2"]);
  assert.equal(unitSentence(plane()), "x₁ = 1 is as long as the step from epoch 11 to 12, x₂ = 1 as long as on x₁.");
});

test("a caption says how much of the gradient the plane holds, and warns where that is little", () => {
  assert.deepEqual(planeSentences(undefined), []);
  assert.deepEqual(planeSentences(plane()), ["x₁ = 1 is as long as the step from epoch 11 to 12, x₂ = 1 as long as on x₁.", "This plane holds 12 % of the gradient's length at ○.", "Of the mean gradient, 37 % lies across x₁: x₂ is that part."]);
  assert.deepEqual(planeSentences(plane(), true), ["x₁ = 1 is as long as the step from epoch 11 to 12, x₂ = 1 as long as on x₁.", "This plane holds 12 % of the gradient's length at ○."]);
  assert.deepEqual(planeSentences(plane({ y: axis("pca:2"), gradient_share: 0.00123 })).slice(1), ["This plane holds only 0.12 % of the gradient's length at ○: its arrows say little about where training goes."]);
  assert.match(planeSentences(plane({ gradient_share: null }))[1], /zero up to round-off in all parameters/);
  assert.equal(acrossSentence(plane().x), "");
  assert.equal(acrossSentence(plane().y), "Of the mean gradient, 37 % lies across x₁: x₂ is that part.");
  assert.deepEqual([1, 0.9999, 0.997, 0.5, 0.0312, 0].map(percentOf), ["100 %", "100 %", ">99 %", "50 %", "3.1 %", "0 %"]);
});

test("what holds of parameters alone is not said of directions", () => {
  const along = frameOf(3, { plane: plane(), x: 0, y: 0, share_below: null });
  assert.match(pointLines(along, 1, null)[3], /per unit of the axes$/);
  assert.match(pointLines(frameOf(3), 1, null)[3], /per unit of parameter$/);
  assert.equal(zeroSentence({ plane: plane() }, 1), "The gradient is zero up to round-off along both axes.");
  assert.equal(zeroSentence({}, 1), zeroMessages[1]); // what takes the parameters out, by its name
  assert.equal(zeroSentence({ zero_words: "∂J/∂x is …" }, 1), "∂J/∂x is …"); // the server's, where the two differ
  const page = { view: { x_a: "step", y_a: "random:1" }, runs: { none: plainRun } };
  assert.equal(isComparable(page, "none"), false);
  assert.equal(hasDirections({ x: "step", y: "a[0]" }), true);
});
