// How far directions agree: of arrows, of matrices of cosines, of neighbours in a field, and by how much fields differ.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cosineStrength, meanCosine } from "../../assets/pure/cosines.js";
import { differenceOf, differenceSentences, differencesOf, isComparable, referenceOf } from "../../assets/pure/difference.js";
import { fanSentence, fanStrokes } from "../../assets/pure/fan.js";
import { neighbourAngle, roughnessOf } from "../../assets/pure/roughness.js";
import { commonReason, cosineOf, spreadOf, spreadSentence, strengthWords, turnBetween } from "../../assets/pure/spread.js";
import { centres, frameOf, isNear, palette, plainRun, run } from "./constants.js";

const part = fc.float({ min: -10, max: 10, noNaN: true }).filter((value) => value === 0 || Math.abs(value) > 1e-3);
const gradients = fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 20 });
const STYLE = { halfWidth: 1, length: "compressed", direction: "ascent" };

test("R is the length of the mean of the unit vectors, by their cosines too", () => {
  fc.assert(fc.property(gradients, (given) => {
    const spread = spreadOf(centres(given));
    const live = given.filter(([u, v]) => u !== 0 || v !== 0).map(([u, v]) => [u / Math.hypot(u, v), v / Math.hypot(u, v)]);
    const mean = [0, 1].map((axis) => live.reduce((sum, unit) => sum + unit[axis], 0) / (live.length || 1));
    assert.ok(isNear(spread.resultant.length, Math.hypot(...mean), 1e-6));
    const matrix = { order: spread.order, value: (a, b) => cosineOf(spread.arrows[a], spread.arrows[b]) };
    if (live.length) assert.ok(isNear(cosineStrength(matrix), spread.resultant.length, 1e-6));
    else assert.equal(cosineStrength(matrix), null);
  }));
});

test("the order goes from one side of the mean to the other, zeros last, each minibatch once", () => {
  fc.assert(fc.property(gradients, (given) => {
    const { order, arrows, live, within } = spreadOf(centres(given));
    assert.deepEqual([...order].sort((a, b) => a - b), given.map((_, k) => k));
    const turns = order.slice(0, live.length).map((k) => arrows[k].fromMean);
    assert.deepEqual(turns, [...turns].sort((a, b) => a - b));
    for (const k of order.slice(live.length)) assert.ok(arrows[k].isZero);
    assert.equal(within, turns.filter((turn) => Math.abs(turn) < Math.PI / 2).length);
  }));
});

test("a turn is the shortest way from one angle to another", () => {
  const angle = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(fc.property(angle, angle, (from, to) => {
    const turn = turnBetween(from, to);
    assert.ok(turn > -Math.PI - 1e-12 && turn <= Math.PI + 1e-12);
    assert.ok(isNear(Math.cos(from + turn), Math.cos(to)) && isNear(Math.sin(from + turn), Math.sin(to)));
  }));
});

test("the mean cosine of pairs follows from R", () => {
  fc.assert(fc.property(gradients, (given) => {
    const { arrows, live, order, resultant } = spreadOf(centres(given));
    const mean = meanCosine({ order, value: (a, b) => cosineOf(arrows[a], arrows[b]) });
    const n = live.length;
    if (n < 2) assert.equal(mean, null);
    else assert.ok(isNear(mean, (n * resultant.length ** 2 - 1) / (n - 1), 1e-6));
  }));
});

test("sentences of a spread", () => {
  assert.equal(spreadSentence(spreadOf(centres([[1, 0], [1, 0], [-1, 0]]))), "2 of 3 minibatches point within 90° of their mean; R = 0.33; 50 % of rows predicted below target (3 × 64 rows).");
  assert.equal(spreadSentence(spreadOf(centres([[1, 0], [0, 0]]))), "1 of 2 gradients are zero up to round-off; of the others, 1 of 1 point within 90° of their mean; R = 1.00; 50 % of rows predicted below target (2 × 64 rows).");
  const dead = [...centres([[0, 0], [0, 0]])].map(([k, frame]) => [k, { ...frame, x_active: 0, y_active: 0 }]);
  assert.match(spreadSentence(spreadOf(new Map(dead))), /^All 2 gradients are zero because both units are inactive on these rows;/);
  const told = (...values) => new Map([...centres(values.map(() => [1, 0]))].map(([k, frame]) => [k, { ...frame, share_below: null, facts: [{ name: "accuracy", value: values[k], unit: "", sentence: "so" }] }]));
  assert.equal(spreadSentence(spreadOf(told(0.25, 0.75))), "2 of 2 minibatches point within 90° of their mean; R = 1.00; accuracy = 0.500 on average (2 × 64 rows).");
  const nothing = new Map([...told(0.25)].map(([k, frame]) => [k, { ...frame, facts: [] }]));
  assert.equal(spreadSentence(spreadOf(nothing)), "1 of 1 minibatches point within 90° of their mean; R = 1.00; 1 × 64 rows.");
  assert.equal(strengthWords(0.9999), "R > 0.99");
  assert.equal(strengthWords(1), "R = 1.00");
  assert.equal(commonReason([{ isZero: true, reason: 2 }, { isZero: true, reason: 1 }, { isZero: true, reason: 2 }]), 2);
  assert.equal(commonReason([{ isZero: false, reason: 0 }]), 0);
});

test("the fan's rays are the gradients, the longest as long as its radius; its arrow is R long", () => {
  fc.assert(fc.property(gradients, fc.constantFrom("compressed", "true", "unit"), fc.constantFrom("ascent", "descent"), (given, length, direction) => {
    const frames = centres(given);
    const strokes = fanStrokes(frames, { ...STYLE, length, direction }, 21, palette);
    const { live, resultant } = spreadOf(frames);
    if (!live.length) return assert.deepEqual(strokes, []);
    const [, , dots, mean] = strokes;
    const radius = (3 * 2) / 20;
    assert.ok(isNear(Math.max(...dots.x.map((x, k) => Math.hypot(x, dots.y[k]))), radius, 1e-6));
    const sign = direction === "descent" ? -1 : 1;
    live.forEach(({ u, v, size }, k) => assert.ok(isNear(sign * dots.x[k] * v, sign * dots.y[k] * u, 1e-6) && sign * (dots.x[k] * u + dots.y[k] * v) > -1e-9 * size));
    assert.ok(isNear(Math.hypot(mean.x[1], mean.y[1]), radius * resultant.length, 1e-6));
  }));
  assert.equal(fanSentence(centres([[1, 0], [1, 0.1], [0, 0]])), "2 of 2 minibatches point within 90° of their mean direction (R > 0.99), 1 of 3 is zero.");
  assert.equal(fanSentence(centres([[0, 0], [0, 0]])), "The gradient at ○ is zero up to round-off for all 2 minibatches.");
});

test("neighbouring arrows of a field that turns evenly differ by that angle", () => {
  for (const degrees of [0, 1, 45, 90, 179]) {
    const at = (k) => ((k % 5) + Math.floor(k / 5)) * ((degrees * Math.PI) / 180);
    assert.ok(isNear(neighbourAngle(frameOf(5, { u: (k) => Math.cos(at(k)), v: (k) => Math.sin(at(k)) })), degrees, 1e-4));
  }
  assert.equal(neighbourAngle(frameOf(3, { isZero: () => true })), null);
  assert.equal(neighbourAngle(frameOf(1)), null);
});

test("roughness is a mean over the first eight fields that have one", () => {
  const frames = new Map([[3, frameOf(3)], [0, frameOf(3, { u: (k) => (k % 2 ? 0 : 1), v: (k) => (k % 2 ? 1 : 0) })], [1, frameOf(3, { isZero: () => true })]]);
  assert.deepEqual(roughnessOf(frames), { angle: 45, of: 2 });
  assert.equal(roughnessOf(new Map()), null);
  const many = new Map(Array.from({ length: 20 }, (_, k) => [k, frameOf(3)]));
  assert.equal(roughnessOf(many).of, 8);
});

// ---- differences ------------------------------------------------------------------------------------------------

test("a field differs from itself nowhere, and from another as much as the other from it", () => {
  const field = fc.array(fc.tuple(part, part), { minLength: 9, maxLength: 9 }).map((given) => frameOf(3, { u: (k) => given[k][0], v: (k) => given[k][1], isZero: (k) => given[k][0] === 0 && given[k][1] === 0 }));
  fc.assert(fc.property(field, field, (a, b) => {
    assert.equal(differenceOf(a, a).difference.equal, 9);
    const [there, back] = [differenceOf(a, b), differenceOf(b, a)];
    there.u.forEach((u, k) => assert.equal(u + back.u[k], 0));
    assert.deepEqual(there.isZero, back.isZero);
    assert.deepEqual(there.difference.oneSided, back.difference.oneSided);
    assert.equal(differenceOf(a, b), there, "it is made once");
  }));
});

test("round-off is no difference, a zero arrow beside another is told", () => {
  const other = differenceOf(frameOf(3, { u: (k) => 1 + k * 1e-7 }), frameOf(3));
  assert.equal(other.difference.equal, 9);
  const oneSided = differenceOf(frameOf(3, { isZero: (k) => k < 2 }), frameOf(3));
  assert.deepEqual([oneSided.difference.oneSided, oneSided.difference.equal, oneSided.u[0]], [2, 7, -1]);
  assert.deepEqual(differenceSentences(oneSided), [
    "Arrows are Δ∇J, on a scale of their own.", "At 7 of 9 points the two gradients are equal up to round-off.",
    "At 2 of 9 points one of the two is zero up to round-off: the difference is the other alone.",
  ]);
  assert.equal(differenceOf(undefined, frameOf(3)), undefined);
});

test("epochs that both have are subtracted", () => {
  const [a, b] = [new Map([[0, frameOf(3)], [1, frameOf(3)]]), new Map([[1, frameOf(3)], [2, frameOf(3)]])];
  assert.deepEqual([...differencesOf(a, b).keys()], [1]);
});

test("the reference is one of those side by side, where all have the two parameters", () => {
  const view = { view: "compare", minus: "none", x_a: "hidden.0.linear.bias[0]", y_a: "hidden.0.linear.bias[1]" };
  const page = { view, runs: { none: plainRun, batchnorm: run } };
  const plans = [{ run: "none" }, { run: "batchnorm" }];
  assert.equal(referenceOf(page, plans), plans[0]);
  assert.equal(referenceOf({ ...page, view: { ...view, minus: "off" } }, plans) ?? null, null);
  assert.equal(referenceOf({ ...page, view: { ...view, view: "explore" } }, plans), null);
  assert.equal(referenceOf(page, plans.slice(0, 1)), null);
  const beta = { ...page, view: { ...view, x_a: "hidden.0.norm.bias[0]" } };
  assert.equal(referenceOf(beta, plans), null);
  assert.deepEqual([isComparable(beta, "none"), isComparable(beta, "batchnorm"), isComparable(beta, "dropout")], [false, true, false]);
});
