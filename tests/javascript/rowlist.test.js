// The rows of a minibatch as a list: their order, their words, and which rows are offered for exchange.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { alongMost, leastRows, lineOf, randomRows, shareWords, sidesOf, sortedRows, sumOf, turnBetween, turnedWords, turningMost, verdictOf, widthsOf } from "../../assets/pure/rowlist.js";

const NOTHING = { text: null, image: null, loss: null, u: null, v: null, share: null, prediction: null, target: null, residual: null, below: null, active: [null, null] };
const OF_NUMBERS = { has_classes: false };

// A minibatch with these arrows, with shares as the server tells them.
function rowsWith(...arrows) {
  const sum = sumOf(arrows.map(([u, v]) => ({ u, v })));
  const squared = sum.u ** 2 + sum.v ** 2;
  return arrows.map(([u, v, residual = u], row) => ({ ...NOTHING, row, u, v, residual, share: (u * sum.u + v * sum.v) / squared, loss: Math.abs(residual), below: residual < 0 }));
}

const numbersOf = (rows) => rows.map(({ row }) => row);

test("rows are sorted by share, by direction from the minibatch's own on, and by residual", () => {
  const rows = rowsWith([4, 0, 3], [0, 2, -5], [-1, 0, 1], [1, 0.1, -2]);
  assert.deepEqual(numbersOf(sortedRows(rows, "share", OF_NUMBERS)), [0, 3, 1, 2]);
  assert.deepEqual(numbersOf(sortedRows(rows, "direction", OF_NUMBERS)), [3, 0, 1, 2]);
  assert.deepEqual(numbersOf(sortedRows(rows, "residual", OF_NUMBERS)), [1, 3, 2, 0]);
  assert.deepEqual(numbersOf(sortedRows(rows, "residual", { has_classes: true })), [1, 0, 3, 2], "of classes by loss");
});

test("rows without arrows keep their order, and those without a direction come last", () => {
  const none = [{ ...NOTHING, row: 4 }, { ...NOTHING, row: 2 }];
  for (const order of ["share", "direction", "residual"]) assert.deepEqual(numbersOf(sortedRows(none, order, OF_NUMBERS)), [4, 2]);
  assert.equal(sortedRows(rowsWith([0, 0], [-1, 0], [3, 0]), "direction", OF_NUMBERS).at(-1).row, 0);
});

test("a turn is counter-clockwise, and there is none from or to nothing", () => {
  assert.equal(turnBetween({ u: 1, v: 0 }, { u: 0, v: 2 }), 90);
  assert.equal(turnBetween({ u: 0, v: 1 }, { u: 3, v: 0 }), -90);
  assert.equal(turnBetween({ u: 0, v: 0 }, { u: 3, v: 0 }), null);
});

test("words say how far a composed minibatch has turned, what it lost and got, and which masks are others", () => {
  const minibatch = (rows, u, v, hasMasks = false) => ({ rows: rows.map((row) => ({ ...NOTHING, row })), u, v, has_masks: hasMasks, request: { minibatch: 4 } });
  const before = minibatch([1, 2, 3], 1, 0);
  assert.equal(turnedWords(before, minibatch([1, 3, 7, 8], 0, 2)), "turned by 90° from minibatch 4 (1 out, 2 in)");
  assert.equal(turnedWords(before, minibatch([1, 3], 1, 0.001)), "turned by less than 0.5° from minibatch 4 (1 out, 0 in)");
  assert.equal(turnedWords(before, minibatch([1, 3], -1, 0, true)), "turned by 180° from minibatch 4 (1 out, 0 in; 1 row has moved and has other masks)");
  assert.equal(turnedWords(before, minibatch([2, 3], 0, 1, true)), "turned by 90° from minibatch 4 (1 out, 0 in; 2 rows have moved and have other masks)");
  assert.equal(turnedWords(before, minibatch([1, 3], 0, 1), true), "turned by 90°");
  assert.equal(turnedWords(before, minibatch([1], 0, 0)), "", "nothing has no direction");
  assert.equal(turnedWords(null, before), "");
});

test("of one row there are no batch statistics", () => {
  assert.equal(leastRows({ coupled: true }), 2);
  assert.equal(leastRows({ coupled: false }), 1);
});

test("the rows that are offered are the best of all that are not in the minibatch", () => {
  const number = fc.float({ min: -5, max: 5, noNaN: true });
  const arrows = fc.array(fc.tuple(number, number), { minLength: 4, maxLength: 30 });
  fc.assert(fc.property(arrows, fc.nat(3), (each, insideRow) => {
    const all = { row: each.map((_, k) => 10 * k), u: each.map(([u]) => u), v: each.map(([, v]) => v) };
    const [inside, sum, reference] = [new Set([10 * insideRow]), { u: 3, v: 1 }, { u: 1, v: 2 }];
    const angle = (k) => Math.abs(turnBetween(reference, { u: sum.u + all.u[k], v: sum.v + all.v[k] }) ?? 0);
    const projection = (k) => all.u[k] * sum.u + all.v[k] * sum.v;
    const free = all.row.map((_, k) => k).filter((k) => !inside.has(all.row[k]));
    for (const [found, valueOf] of [[turningMost(all, sum, reference, inside, null, 3), angle], [alongMost(all, sum, inside, 3), projection], [alongMost(all, sum, inside, 3, -1), (k) => -projection(k)]]) {
      const wanted = free.map(valueOf).sort((a, b) => b - a).slice(0, 3);
      found.forEach(({ row }, k) => assert.ok(Math.abs(valueOf(row / 10) - wanted[k]) < 1e-9));
      assert.equal(found.length, wanted.length);
    }
  }));
});

test("a row in the place of another turns by the sum without that one", () => {
  const all = { row: [7, 8], u: [0, -1], v: [1, 0] };
  const sum = { u: 2, v: 0 };
  assert.equal(turningMost(all, sum, sum, new Set(), null, 1)[0].row, 7);
  assert.equal(turningMost(all, sum, sum, new Set(), { u: 1.5, v: 0 }, 1)[0].row, 8, "0.5 − 1 goes the other way");
});

test("rows by chance are other rows, each once, and no more than there are", () => {
  const inside = new Set([0, 2]);
  let next = 0;
  const found = randomRows(6, inside, 20, () => ((next = (next + 0.17) % 1), next));
  assert.deepEqual(new Set(found), new Set([1, 3, 4, 5]));
  assert.equal(randomRows(1000, inside, 12).length, 12);
});

test("what is said of a row", () => {
  const [row] = rowsWith([1, 0, -49.34]);
  assert.equal(verdictOf({ ...row, prediction: 120.66, target: 170 }, OF_NUMBERS), "120.7 for 170: −49.3");
  assert.equal(verdictOf({ ...row, prediction: 3, target: 3 }, { has_classes: true }), "3 ✓");
  assert.equal(verdictOf({ ...row, prediction: 8, target: 3 }, { has_classes: true }), "8 for 3");
  assert.equal(verdictOf({ ...NOTHING, row: 1, loss: 0.25 }, OF_NUMBERS), "loss 0.250");
  assert.equal(verdictOf({ ...NOTHING, row: 1 }, OF_NUMBERS), "");
  assert.deepEqual([0.0446, -0.1, 12, null].map(shareWords), ["+4.5 %", "−10.0 %", "+1200 %", ""]);
});

test("fields stand below each other", () => {
  const rows = [{ Store: "12", Cost: "3" }, { Store: "7", Cost: "" }].map((text, row) => ({ ...NOTHING, row, text }));
  const widths = widthsOf(rows);
  assert.deepEqual(rows.map((row) => lineOf(row, widths)), ["12  3", "7   —"]);
  assert.equal(lineOf({ ...NOTHING, row: 0, text: "3 + 4 = 7" }), "3 + 4 = 7");
});

test("rows lie along the arrow, against it, or have none", () => {
  assert.deepEqual(sidesOf(rowsWith([3, 0], [1, 1], [-1, 0], [0, 0])), { along: 2, against: 1, none: 1 });
});
