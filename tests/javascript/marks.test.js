// Checkpoints and gradients in a plane along directions: what lies outside is told, and nothing is drawn where it is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { markSentence, markStrokes, rayFrames, raySentence } from "../../assets/pure/marks.js";
import { overlaySentences, overlayStrokes } from "../../assets/pure/overlays.js";
import { reachOf } from "../../assets/pure/plane.js";
import { frameOf, isNear, palette } from "./constants.js";

const place = fc.integer({ min: -300, max: 300 }).map((value) => value / 100);
const told = fc.array(fc.tuple(place, place, fc.integer({ min: 0, max: 900 }).map((value) => value / 100)), { minLength: 2, maxLength: 9 })
  .map((marks) => toldOf(marks));

function toldOf(marks, variance = 0.25, rays = []) {
  return {
    x: { length: 2 }, variance_share: variance,
    checkpoints: marks.map(([x, y, distance], epoch) => ({ epoch, x, y, distance })),
    minibatches: rays.map(([u, v, share], minibatch) => ({ minibatch, u, v, share })),
  };
}

test("only marks within the drawn part are drawn, the fainter and smaller the less of their way lies in the plane", () => {
  fc.assert(fc.property(told, (given) => {
    const reach = reachOf(1, 21);
    const strokes = markStrokes(given, 0, 1, 21, palette);
    const dots = strokes.find(({ kind }) => kind === "dots");
    const inside = given.checkpoints.filter(({ x, y }) => Math.abs(x) <= reach && Math.abs(y) <= reach);
    assert.deepEqual(dots.x, inside.map(({ x }) => x));
    assert.equal(dots.texts.length, inside.length);
    const held = inside.map(({ x, y, distance }) => (x || y || distance ? Math.hypot(x, y) / Math.hypot(x, y, distance / 2) : 1));
    held.forEach((share, k) => {
      assert.ok(isNear(dots.opacities[k], 0.22 + 0.78 * share, 1e-9));
      assert.ok(isNear(dots.sizes[k], 3.5 + 3 * share, 1e-9));
    });
  }));
});

test("the hover text of a mark tells its epoch and its distance from the plane in units of the axes", () => {
  const [text] = markStrokes(toldOf([[0.5, -0.25, 3], [0, 0, 0]]), 1, 1, 21, palette).find(({ kind }) => kind === "dots").texts;
  assert.equal(text, "epoch 0, projected to (0.500, −0.250)<br>1.50 outside the plane");
});

test("the sentence tells the share of the variance, the farthest checkpoint, and what lies beyond the drawn part", () => {
  const say = (marks, variance) => markSentence(toldOf(marks, variance), 1, 21);
  assert.equal(say([[0, 0, 0]]), "Only one checkpoint is recorded: there is no path.");
  assert.equal(say([[0, 0, 0], [0.5, 0, 0]], 1), "Dots: 2 checkpoints, projected; the plane holds 100 % of their variance.");
  assert.equal(
    say([[0, 0, 0], [0.5, 0, 4], [2, 0, 1]], 0.0314),
    "Dots: 3 checkpoints, projected; the plane holds 3.1 % of their variance; the fainter, the farther outside (epoch 1: 2.00). 1 lies beyond the drawn part (triangles).",
  );
});

test("gradients without length are counted as zero, and the share of the others' lengths in the plane is told", () => {
  const given = toldOf([[0, 0, 0]], null, [[1, 0, 0.5], [0, 2, 0.02], [0, 0, null]]);
  assert.deepEqual([...rayFrames(given).values()].map(({ isZero }) => isZero[0]), [0, 0, 1]);
  assert.equal(raySentence(given), "The plane holds 2.0 to 50 % of their lengths.");
});

// ---- in the page ----------------------------------------------------------------------------------------------

const view = { show: ["path", "spread"], epoch: 1, minibatch: 0, half_width: 1 };
const frame = frameOf(21);
const planOf = (x, answers) => ({ x, y: "random:2", planes: { selection: { minibatch: 0 }, told: new Map(answers) }, epochs: { frames: new Map([[0, frame], [1, frame]]) }, minibatches: null, halfWidth: 1 });
const style = { halfWidth: 1, length: "compressed", direction: "ascent" };
const given = toldOf([[0.4, 0, 1], [0, 0, 0]], 0.5, [[1, 0, 0.5], [0, 2, 0.2]]);

test("a plane along directions never shows the values of its axes as a path: only what the server tells of this epoch", () => {
  const kinds = (plan, at = view) => overlayStrokes(at, plan, frame, style, palette).map(({ kind }) => kind);
  assert.deepEqual(kinds(planOf("random:1", [])), []);
  assert.deepEqual(kinds(planOf("random:1", [[0, given]])), []); // another epoch's
  assert.deepEqual(kinds(planOf("random:1", [[1, given]]), { ...view, minibatch: 3 }), []); // another minibatch's
  assert.deepEqual(kinds(planOf("random:1", [[1, { error: "gone." }]])), []);
  const both = kinds(planOf("random:1", [[1, given]]));
  assert.ok(both.includes("disc") && both.filter((kind) => kind === "dots").length === 2);
  assert.ok(!kinds(planOf("random:1", [[1, given]]), { ...view, show: ["path"] }).includes("disc"));
});

test("until it is told, the caption says so, and why it is not", () => {
  const say = (answers, show = view.show) => overlaySentences({ ...view, show }, planOf("pca:1", answers), frame);
  assert.deepEqual(say([]), ["What lies in this plane is being computed."]);
  assert.deepEqual(say([[1, { error: "No such run." }]]), ["What lies in this plane is not known: No such run."]);
  assert.deepEqual(say([], []), []);
  assert.equal(say([[1, given]]).length, 3);
  assert.match(say([[1, given]])[0], /^2 of 2 minibatches point within 90° of their mean direction/);
});
