// Short names of parameters.

import { test } from "node:test";
import assert from "node:assert/strict";

import "./constants.js";
import { shortName, shortPair, symbolOf } from "../../assets/pure/shortnames.js";

const layer = (name, kind) => ({ layer: name, label: name, kind });
const run = {
  tensors: {
    "hidden.1.linear.bias": { layer: "1", label: "hidden layer 1", kind: "bias" },
    "hidden.1.norm.weight": { layer: "1", label: "hidden layer 1", kind: "gamma" },
    "hidden.1.norm.bias": { layer: "1", label: "hidden layer 1", kind: "beta" },
    "hidden.2.linear.weight": { layer: "2", label: "hidden layer 2", kind: "weight" },
    "conv1.weight": layer("conv1", "weight"),
    "rnn.bias_ih_l0": layer("rnn", "bias_ih_l0"),
    temperature: { layer: "", label: "the model", kind: "temperature" },
  },
};

test("a parameter's symbol has its indices below, and in brackets where they are many", () => {
  const expected = {
    "hidden.1.linear.bias[139]": "b₁₃₉",
    "hidden.1.norm.weight[5]": "γ₅",
    "hidden.1.norm.bias[0]": "β₀",
    "hidden.2.linear.weight[3,17]": "w₃,₁₇",
    "conv1.weight[3,0,1,2]": "w[3,0,1,2]",
    "rnn.bias_ih_l0[4]": "bias_ih_l0[4]",
    temperature: "temperature",
    "gone.bias[1]": "gone.bias[1]",
  };
  for (const [name, symbol] of Object.entries(expected)) assert.equal(symbolOf(name, run), symbol);
});

test("a short name says the layer, and a pair says it once", () => {
  const [x, y, w] = ["hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]", "hidden.2.linear.weight[3,17]"];
  assert.equal(shortName(x, run), "b₀ of hidden layer 1");
  assert.equal(shortName("gone.bias[1]", run), "gone.bias[1]");
  assert.equal(shortName("pca:1", run), "principal component 1 of the path");
  assert.equal(shortPair(x, y, run), "b₀, b₁");
  assert.equal(shortPair(x, y, run, true), "b₀, b₁ of hidden layer 1");
  assert.equal(shortPair(x, w, run), "b₀ of hidden layer 1, w₃,₁₇ of hidden layer 2");
  assert.equal(shortPair("pca:1", "pca:2", run), "principal components 1 × 2 of the path");
  assert.equal(shortPair(x, y, null), `${x}, ${y}`);
});
