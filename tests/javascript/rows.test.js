// The rows of a composed minibatch as text, as gradviz/landscape/composed.py has it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { isOfMinibatch, minibatchWords, numChosen, rowsOf, rowsText } from "../../assets/pure/rows.js";

const shared = JSON.parse(readFileSync(new URL("../fixtures/rows.json", import.meta.url), "utf8"));

test("a list has the server's text, which is read as that list", () => {
  for (const { rows, text } of shared.written) {
    assert.equal(rowsText(rows), text);
    assert.deepEqual(rowsOf(text), rows);
    assert.equal(numChosen(text), rows.length);
  }
});

test("what people type is read as the server reads it", () => {
  for (const { text, rows } of shared.read) assert.deepEqual(rowsOf(text), rows);
});

test("what the server refuses is no list", () => {
  for (const text of shared.refused) assert.equal(rowsOf(text), null, text);
});

test("random lists survive their text", () => {
  let state = 1;
  const next = (many) => (state = (state * 48271) % 2147483647) % many;
  for (let k = 0; k < 200; k++) {
    const rows = [...new Set(Array.from({ length: 1 + next(64) }, () => next(90)))];
    assert.deepEqual(rowsOf(rowsText(rows)), rows);
  }
});

test("a minibatch is told by its number or by how many rows are chosen", () => {
  assert.equal(minibatchWords({ minibatch: 3 }), "minibatch 3");
  assert.equal(minibatchWords({ minibatch: 3, rows: "5" }), "1 chosen row");
  assert.equal(minibatchWords({ minibatch: 3, rows: "5,8-12" }), "6 chosen rows");
});

test("what was asked of one minibatch is not taken for another's", () => {
  const own = { minibatch: 3, rows: null };
  assert.ok(isOfMinibatch({ minibatch: 3 }, own));
  assert.ok(!isOfMinibatch({ minibatch: 2 }, own));
  assert.ok(!isOfMinibatch({ minibatch: 3, rows: "1,2" }, own));
  assert.ok(isOfMinibatch({ rows: "1,2" }, { minibatch: 3, rows: "1,2" }));
  assert.ok(!isOfMinibatch({ minibatch: 3 }, { minibatch: 3, rows: "1,2" }));
});
