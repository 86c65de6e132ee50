// Short names of parameters.

import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import "./constants.js";
import { shortName, shortPair, symbolOf } from "../../assets/pure/shortnames.js";

const { symbols, names, ...run } = JSON.parse(readFileSync(new URL("../fixtures/shortnames.json", import.meta.url), "utf8"));

test("a parameter's symbol has its indices below, and in brackets where they are many, as in Python", () => {
  for (const [name, symbol] of Object.entries(symbols)) assert.equal(symbolOf(name, run), symbol);
  for (const [name, short] of Object.entries(names)) assert.equal(shortName(name, run), short);
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
