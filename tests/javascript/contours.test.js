// Level lines: each piece lies on its level, and they are all there.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { levelsOf, traceLevels } from "../../assets/pure/contours.js";

const FLAT_SHARE = 1e-6;

function piecesOf(values, points, levels = levelsOf(values, FLAT_SHARE)) {
  const pieces = [];
  if (levels) traceLevels(values, points, levels, (...piece) => pieces.push(piece.slice(0, 4)));
  return pieces;
}

// Between the grid points, along their lines, the value is interpolated.
function valueAt(values, points, x, y) {
  const [i, j] = [Math.min(points - 2, Math.floor(x)), Math.min(points - 2, Math.floor(y))];
  const [s, t] = [x - i, y - j];
  const at = (row, column) => values[row * points + column];
  return (1 - t) * ((1 - s) * at(j, i) + s * at(j, i + 1)) + t * ((1 - s) * at(j + 1, i) + s * at(j + 1, i + 1));
}

const grid = fc.integer({ min: 2, max: 7 }).chain((points) =>
  fc.tuple(fc.constant(points), fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: points ** 2, maxLength: points ** 2 }).map((values) => values.map((value) => value / 1000))));

test("a slope has ten straight lines, half a step from its ends", () => {
  const points = 11;
  const values = Float64Array.from({ length: points ** 2 }, (_, k) => k % points);
  const pieces = piecesOf(values, points);
  assert.equal(pieces.length, 10 * 10);
  assert.deepEqual([...new Set(pieces.map(([x]) => x.toFixed(6)))].sort(), Array.from({ length: 10 }, (_, k) => (k + 0.5).toFixed(6)));
  for (const [x0, , x1] of pieces) assert.ok(Math.abs(x0 - x1) < 1e-12);
});

test("both ends of a piece lie within the grid, on the border of one cell, and on one of the levels", () => {
  fc.assert(fc.property(grid, ([points, values]) => {
    const levels = levelsOf(values, FLAT_SHARE);
    for (const [x0, y0, x1, y1] of piecesOf(values, points)) {
      for (const [x, y] of [[x0, y0], [x1, y1]]) {
        assert.ok(x >= 0 && x <= points - 1 && y >= 0 && y <= points - 1);
        assert.ok(Number.isInteger(x) || Number.isInteger(y));
        const steps = (valueAt(values, points, x, y) - levels.start) / levels.step;
        assert.ok(Math.abs(steps - Math.round(steps)) < 1e-6, `${steps}`);
      }
      assert.ok(Math.hypot(x1 - x0, y1 - y0) <= Math.SQRT2 + 1e-12);
    }
  }));
});

// The same for the two cells that an end belongs to: they compute it from opposite corners. No end lies between two keys,
// as many would if the factor were a power of ten.
const isWhole = (each) => Math.abs(each - Math.round(each)) < 1e-9; // of two opposite corners, one computes it exactly
const keyOf = (x, y) => [x, y].map((each) => Math.round(each * 739_085.1332)).join();

test("a line goes on or ends at the border: within the grid, each end meets another", () => {
  fc.assert(fc.property(grid, ([points, given]) => {
    const values = given.map(Math.round);
    const ends = new Map();
    for (const [x0, y0, x1, y1] of piecesOf(values, points))
      for (const [x, y] of [[x0, y0], [x1, y1]]) {
        const isInside = x > 0 && y > 0 && x < points - 1 && y < points - 1;
        const isCorner = isWhole(x) && isWhole(y); // where several lines may meet
        if (isInside && !isCorner) ends.set(keyOf(x, y), (ends.get(keyOf(x, y)) ?? 0) + 1);
      }
    for (const count of ends.values()) assert.equal(count % 2, 0);
  }));
});

test("a constant added or a positive factor moves no line", () => {
  fc.assert(fc.property(grid, fc.constantFrom(0.5, 2, 4), ([points, values], factor) => {
    const whole = values.map(Math.round); // so that doubling is exact
    assert.deepEqual(piecesOf(whole.map((value) => factor * value), points), piecesOf(whole, points));
  }));
});

test("a saddle's cell has two pieces, a peak's is gone round", () => {
  assert.equal(piecesOf([0, 1, 1, 0], 2, { start: 0.5, end: 0.6, step: 1 }).length, 2);
  const peak = [0, 0, 0, 0, 1, 0, 0, 0, 0];
  const pieces = piecesOf(peak, 3, { start: 0.25, end: 0.3, step: 1 });
  assert.equal(pieces.length, 4);
  for (const [x, y] of pieces) assert.ok(Math.abs(Math.abs(x - 1) + Math.abs(y - 1) - 0.75) < 1e-12);
});

test("nothing is drawn of what is flat but for round-off, nor through what is not finite", () => {
  assert.equal(levelsOf([1, 1, 1, 1], FLAT_SHARE), null);
  assert.equal(levelsOf([1, 1 + 1e-7, 1, 1], FLAT_SHARE), null);
  assert.notEqual(levelsOf([1, 1 + 1e-5, 1, 1], FLAT_SHARE), null);
  assert.equal(levelsOf([NaN, NaN], FLAT_SHARE), null);
  const values = Float32Array.from({ length: 16 }, (_, k) => (k === 5 ? NaN : k));
  const pieces = piecesOf(values, 4);
  assert.ok(pieces.length > 0);
  for (const [x0, y0, x1, y1] of pieces) {
    assert.ok([x0, y0, x1, y1].every(Number.isFinite));
    assert.ok(Math.hypot((x0 + x1) / 2 - 1, (y0 + y1) / 2 - 1) > 0.5);
  }
});
