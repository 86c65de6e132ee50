// The names of axes: what is a direction, what is wrong with one, and what it is called.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { axisWords, halfWidthOf, hasDirections, isDirection, mistakeInDirection, pairWords } from "../../assets/pure/axes.js";
import { mistakeIn, pairName, pairTitle } from "../../assets/pure/parameters.js";
import { run } from "./constants.js";

const { directions, mistakes, parameters, planes } = JSON.parse(readFileSync(new URL("../fixtures/axes.json", import.meta.url), "utf8"));
const BIAS = "hidden.1.linear.bias[0]";

test("a direction is accepted in any network, and has words", () => {
  for (const { text, words } of directions) {
    assert.ok(isDirection(text), text);
    assert.equal(mistakeIn(text, run), null);
    assert.equal(axisWords(text), words);
  }
});

test("one that is written wrongly gets the sentence that the server has for it", () => {
  for (const { text, sentence } of mistakes) assert.equal(mistakeInDirection(text), sentence);
});

test("a parameter is no direction, whatever it is called, and keeps its name", () => {
  for (const text of parameters) {
    assert.equal(isDirection(text), false, text);
    assert.equal(axisWords(text), text);
  }
  assert.equal(isDirection(null), false);
  assert.match(mistakeIn("random", run), /is not the name of a parameter/);
});

test("two directions of a kind have one name together", () => {
  for (const { x, y, words } of planes) assert.equal(pairWords(x, y), words);
});

test("a plane is as wide as its axes want, unless a width is chosen", () => {
  const widthOf = (x, y, half_width = null) => halfWidthOf({ half_width }, x, y);
  assert.deepEqual([widthOf(BIAS, "output.bias[0]"), widthOf("step", BIAS), widthOf(BIAS, "pca:1"), widthOf("step", "pca:1", 0.3)], [0.1, 1, 1, 0.3]);
  assert.deepEqual([hasDirections({ x: BIAS, y: "step" }), hasDirections({ x: BIAS, y: BIAS })], [true, false]);
});

test("a pair of directions is called by their words, a parameter beside one by its name", () => {
  assert.equal(pairName("gradient:0", "gradient:mean", run), "the gradient of minibatch 0 × the mean gradient");
  assert.equal(pairTitle("gradient:0", "gradient:mean", run), "The gradient of minibatch 0 × the mean gradient");
  assert.equal(pairName(BIAS, "step", run), `${BIAS} × the last step`);
  assert.equal(pairTitle(BIAS, BIAS, run), "Hidden layer 1");
});
