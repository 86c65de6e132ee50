// The numbers at a point, and where small pictures and their planes lie.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encode, scaleOf } from "../../assets/pure/arrows.js";
import { differenceOf } from "../../assets/pure/difference.js";
import { partsAt, zeroWords } from "../../assets/pure/frame.js";
import { planeIn, squareAround, wholePlane } from "../../assets/pure/plane.js";
import { factsOf, indexOf, offsetsOf, pointAt, pointLines, steppedFrom, withinGrid } from "../../assets/pure/reading.js";
import { GAP, heightOf, placeOf, squaresAcross, squaresIn } from "../../assets/pure/squares.js";
import { frameOf, isNear, look } from "./constants.js";

const frame = frameOf(5, { u: (k) => k + 1, v: () => -2, loss: (k) => 100 + k, isZero: (k) => k === 0, x: 10, y: 20 });

test("a point is the grid's, and has the numbers that the field has there", () => {
  fc.assert(fc.property(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 }), (i, j) => {
    const k = (2 + j) * 5 + 2 + i;
    assert.equal(indexOf(frame, { i, j, points: 5 }), k);
    assert.deepEqual(offsetsOf(frame, 0.1, { i, j, points: 5 }), [0.05 * i, 0.05 * j]);
    const facts = Object.fromEntries(factsOf(frame, 0.1, { i, j, points: 5 }));
    assert.equal(facts.J, `${100 + k}.0`);
    if (k === 0) assert.equal(facts["∇J"], look.zero_words);
    else assert.equal(facts["∂J/∂x₁"], (k + 1).toPrecision(3));
  }));
  assert.deepEqual(factsOf(frame, 0.1, null)[0], ["○", "10.0, 20.0"]);
  assert.deepEqual(offsetsOf(frame, 0.1, null), [0, 0]);
});

test("lines at the pointer have their units", () => {
  assert.deepEqual(pointLines(frame, 0.1, { i: 1, j: 0, points: 5 }), [
    "x₁ = 10.050, x₂ = 20.000", "∂J/∂x₁ = 14.00", "∂J/∂x₂ = −2.000", "|∇J| = 14.14 per unit of parameter", "J = 113.00 (mean |error|)",
  ]);
  assert.deepEqual(pointLines(frame, 0.1, { i: -2, j: -2, points: 5 }).slice(1), ["∇J is zero up to round-off", "J = 100.00 (mean |error|)"]);
  assert.equal(pointLines({ ...frame, share_below: null }, 0.1, null).at(-1), "J = 112.00"); // of a loss that is not known here
  const difference = differenceOf(frame, frameOf(5, { u: () => 1, v: () => -1, loss: () => 1 }));
  assert.deepEqual(pointLines(difference, 0.1, { i: 1, j: 0, points: 5 }), [
    "Δx₁ = 0.0500, Δx₂ = 0", "Δ∂J/∂x₁ = 13.00", "Δ∂J/∂x₂ = −1.000", "|Δ∇J| = 13.04 per unit of parameter", "difference of J = 112.00 (mean |error|)",
  ]);
});

test("a component that is zero up to round-off beside another is said to be zero", () => {
  const bits = (...set) => Uint8Array.from({ length: 9 }, (_, k) => (set.includes(k) ? 1 : 0));
  const across = frameOf(3, { u: () => 7, v: (k) => (k === 4 ? -2.38e-7 : k === 5 ? 0 : 3), zeroParts: { u: bits(), v: bits(4, 5) } });
  assert.deepEqual(factsOf(across, 1, null).slice(1, 4), [["∂J/∂x₁", "7.00"], ["∂J/∂x₂", "0 (round-off)"], ["|∇J|", "7.00"]]);
  assert.equal(pointLines(across, 1, { i: 1, j: 0, points: 3 })[2], "∂J/∂x₂ = 0"); // exactly
  assert.equal(pointLines(across, 1, { i: 0, j: 1, points: 3 })[2], "∂J/∂x₂ = 3.000");
  assert.deepEqual([3, 4].map((k) => zeroWords(across, k, "all")), ["no", "∂J/∂x₂"]);
  const difference = differenceOf(across, frameOf(3, { u: () => 1, v: () => 2 }));
  assert.deepEqual(partsAt(difference, 4).map((part) => part.toFixed(5)), ["6.00000", "-2.00000"]); // it is zero in neither
  assert.deepEqual([partsAt(across, 4), zeroWords(frameOf(3, { isZero: () => true }), 4, "all")], [[7, 0], "all"]);
});

test("the pointer reads the nearest point, and never one outside the grid", () => {
  const plane = planeIn({ left: 30, top: 40, width: 200, height: 200 }, wholePlane(0.1, 5));
  fc.assert(fc.property(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 }), fc.double({ min: -0.4, max: 0.4, noNaN: true }), (i, j, off) => {
    const pixel = /** @type {[number, number]} */ ([plane.x(0.05 * (i + off)), plane.y(0.05 * (j - off))]);
    const read = withinGrid(pointAt(plane, frame, 0.1, pixel));
    assert.ok(read.i === i && read.j === j); // −0 is 0
  }));
  assert.deepEqual(withinGrid(pointAt(plane, frame, 0.1, [10_000, -10_000])), { i: 2, j: 2, points: 5 });
  assert.equal(withinGrid(null), null);
});

test("a frame of another grid is read at its nearest point, and told as that", () => {
  const [coarse, fine] = [5, 21].map((points) => frameOf(points, { loss: (k) => k }));
  const point = { i: 5, j: -10, points: 21 };
  assert.deepEqual([offsetsOf(fine, 1, point), offsetsOf(coarse, 1, point)], [[0.5, -1], [0.5, -1]]);
  assert.deepEqual([indexOf(fine, point), indexOf(coarse, point)], [15, 3]);
  assert.deepEqual(offsetsOf(coarse, 1, { i: 4, j: 2, points: 21 }), [0.5, 0]);
  assert.deepEqual(steppedFrom(coarse, point, [1, -1]), { i: 2, j: -2, points: 5 });
  assert.deepEqual(steppedFrom(coarse, point, [2, 0]), { i: 2, j: -2, points: 5 });
  assert.deepEqual(steppedFrom(fine, null, [0, 1]), { i: 0, j: 1, points: 21 });
});

test("a plane in a box has its corners where the part ends, upwards", () => {
  const part = { x: [-1, 3], y: [2, 4] };
  const plane = planeIn({ left: 10, top: 20, width: 400, height: 100 }, part);
  assert.deepEqual([plane.x(-1), plane.x(3), plane.y(2), plane.y(4)], [10, 410, 120, 20]);
  assert.ok(plane.holds(10, 20) && !plane.holds(8, 20) && !plane.holds(10, 122));
  assert.deepEqual(squareAround(part), { x: [-1, 3], y: [1, 5] });
});

test("small pictures with names lie in rows without overlapping, within the box or as high as they need", () => {
  const sizes = [fc.integer({ min: 1, max: 64 }), fc.integer({ min: 300, max: 1900 }), fc.integer({ min: 200, max: 900 }), fc.integer({ min: 0, max: 30 })];
  fc.assert(fc.property(...sizes, (many, width, height, head) => {
    for (const layout of [squaresIn(many, width, height, Infinity, head), squaresAcross(many, width, 150, head)]) {
      if (layout.cell <= 0) continue; // no room at all
      const places = Array.from({ length: many }, (_, k) => placeOf(k, layout));
      const last = places.at(-1);
      assert.equal(last.top + last.side, heightOf(many, layout));
      assert.ok(places.every(({ left, side }) => left >= 0 && left + side <= width));
      places.slice(1).forEach(({ left, top }, k) => {
        const before = places[k];
        assert.ok(left === before.left + before.side + GAP || top === before.top + before.side + GAP + head);
      });
    }
    const within = squaresIn(many, width, height, Infinity, head);
    assert.ok(within.cell <= 0 || heightOf(many, within) <= height);
    assert.ok(squaresAcross(many, width, 150, head).cell >= Math.min(150, width));
  }));
});

test("of every second arrow the centre stays, and all are twice as long", () => {
  const wide = frameOf(7, { u: (k) => 1 + k, v: () => 1, isZero: (k) => k === 8 || k === 9 });
  const style = { halfWidth: 3, scale: scaleOf([wide]), length: "true", direction: "ascent" };
  const [all, some] = [encode(wide, style, look), encode(wide, { ...style, every: 2 }, look)];
  const isTaken = (k) => ((k % 7) - 3) % 2 === 0 && (Math.floor(k / 7) - 3) % 2 === 0;
  assert.deepEqual(some.arrows.point, all.arrows.point.filter(isTaken));
  assert.ok(some.arrows.point.includes(24));
  assert.deepEqual(some.zeros.point, [8]);
  some.arrows.point.forEach((point, n) => {
    const k = all.arrows.point.indexOf(point);
    assert.ok(isNear(some.arrows.u[n], 2 * all.arrows.u[k]) && isNear(some.arrows.v[n], 2 * all.arrows.v[k]));
    assert.deepEqual([some.arrows.x[n], some.arrows.y[n]], [all.arrows.x[k], all.arrows.y[k]]);
  });
});
