// Lessons: what a step's words mean on the runs at hand, what numbers are measured of a picture, and what conditions say.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { holds, measured, unmetSentence, written } from "../../assets/pure/lessonnumbers.js";
import { doneValue, isDone, meantEpoch, resolved } from "../../assets/pure/lessonwords.js";
import { frameOf, isNear } from "./constants.js";

const TENSOR = "hidden.1.linear.bias";
const shares = [1, 0.9, 0.55, 0.2];
const run = (name, epochs = [0, 1, 2, 3]) => ({
  run: name, epochs, cannot: null, hidden: [4], metrics: { epoch: [0, 1, 2, 3], share_below_target: shares, test_loss: [9, 8, 7, 6] },
  shapes: { [TENSOR]: [4], "hidden.1.linear.weight": [4, 3], "output.bias": [1] },
  tensors: Object.fromEntries([TENSOR, "hidden.1.linear.weight"].map((tensor) => [tensor, { layer: "1", label: "hidden layer 1", kind: "bias" }])),
});
const at = (changes = {}) => ({
  runs: { none: run("none"), dropout: run("dropout", [0, 1]) }, isTraining: false, labelOf: (name) => name,
  defaults: { view: "explore", run: "none", compared: ["none", "dropout"], epoch: null, x_a: null }, activityOf: () => ({ 1: [0, 0.5, 0, 1] }), ...changes,
});
const word = (name, tensor = null) => ({ word: name, tensor });

test("words for epochs are epochs of the runs that the step shows", () => {
  const epochOf = (name, rest = {}) => resolved({ epoch: word(name), ...rest }, null, at()).view.epoch;
  assert.deepEqual(["first", "last", "middle", "balanced", "lopsided"].map((name) => epochOf(name)), [0, 3, 1, 2, 1]);
  assert.equal(epochOf("last", { view: "compare" }), 1); // the newest that both have
  assert.equal(meantEpoch("balanced", [1, 2], { metrics: {} }), 1); // a study without targets: the middle
});

test("live and dead units are the first of their kind, and the second axis takes the second", () => {
  const pairOf = (name, tensor = TENSOR) => {
    const { view, lacks } = resolved({ epoch: 1, x_a: word(name, tensor), y_a: word(name, tensor) }, null, at());
    return view ? [view.x_a, view.y_a] : lacks;
  };
  assert.deepEqual(pairOf("live"), [`${TENSOR}[1]`, `${TENSOR}[3]`]);
  assert.deepEqual(pairOf("dead"), [`${TENSOR}[0]`, `${TENSOR}[2]`]);
  assert.deepEqual(pairOf("live", "hidden.1.linear.weight"), ["hidden.1.linear.weight[1,0]", "hidden.1.linear.weight[3,0]"]);
  assert.match(pairOf("dead", "output.bias"), /No such unit here/);
  assert.match(pairOf("live", "nothing.bias"), /none has no nothing\.bias/);
});

test("a unit is live by the rule of the page's first picture, as tests/fixtures/units.json has it: tests of Python read it as well", () => {
  const { active, live, dead } = JSON.parse(readFileSync(new URL("../fixtures/units.json", import.meta.url), "utf8"));
  const runs = { none: { ...run("none"), shapes: { [TENSOR]: [active.length] } } };
  const pairOf = (name) => {
    const { view } = resolved({ epoch: 1, x_a: word(name, TENSOR), y_a: word(name, TENSOR) }, null, at({ runs, activityOf: () => ({ 1: active }) }));
    return [view?.x_a, view?.y_a];
  };
  assert.deepEqual(pairOf("live"), live.slice(0, 2).map((unit) => `${TENSOR}[${unit}]`));
  assert.deepEqual(pairOf("dead"), dead.slice(0, 2).map((unit) => `${TENSOR}[${unit}]`));
});

test("units that are not known yet are waited for", () => {
  const { view, waits } = resolved({ epoch: 1, x_a: word("live", TENSOR) }, null, at({ activityOf: () => null }));
  assert.equal(view, null);
  assert.match(waits, /Looking for units/);
});

test("a run or an epoch that is not there is waited for, in words; a needed one is lacked", () => {
  const waits = (fields, changes) => resolved(fields, null, at(changes)).waits;
  assert.match(waits({ run: "batchnorm" }), /needs the run batchnorm.*train it/);
  assert.match(waits({ run: "batchnorm" }, { isTraining: true }), /goes on when its training has begun/);
  assert.match(waits({ view: "compare", compared: ["none", "adam"] }), /needs the run adam/);
  assert.match(waits({ epoch: word("last") }, { runs: { none: run("none", [0]) } }), /needs a trained epoch of none/);
  assert.match(waits({ epoch: 9 }, { isTraining: true }), /needs epoch 9 of none/);
  assert.equal(resolved({ epoch: 9 }, null, at()).view.epoch, 9); // no longer trained: the page shows the nearest
  assert.match(waits({}, { runs: {} }), /there is none yet/);
  assert.match(resolved({}, "addition", at()).lacks, /about a run called addition/);
});

test("what a step asks for is done, or can be done for the reader", () => {
  const done = (field, operator, value, isWord = false) => ({ field, operator, value, is_word: isWord });
  assert.ok(isDone(done("minibatch", "!=", 0), { minibatch: 4 }, run("none")));
  assert.ok(!isDone(done("minibatch", "!=", 0), { minibatch: 0 }, run("none")));
  assert.ok(isDone(done("epoch", "=", "last", true), { epoch: 3 }, run("none")));
  assert.ok(isDone(done("show", "=", ["spread"]), { show: ["spread"] }, run("none")));
  assert.deepEqual([doneValue(done("minibatch", "!=", 0), run("none")), doneValue(done("seed", "!=", 1), run("none"))], [1, 0]);
  assert.equal(doneValue(done("epoch", "=", "last", true), run("none")), 3);
  assert.equal(doneValue(done("epoch", "!=", "first", true), run("none")), 1);
  assert.equal(doneValue(done("mode", "=", "train"), run("none")), "train");
  assert.equal(doneValue(done("mode", "!=", "eval"), run("none")), undefined);
});

const source = (changes = {}) => ({ frame: null, frames: null, sampling: null, metrics: {}, conditions: null, epoch: 2, minibatch: 1, x: "a[0]", y: "", ...changes });
const valueOf = (name, changes, of = null) => measured({ name, picture: 1, of }, source(changes));

test("numbers of a frame are those of its arrows", () => {
  const frame = frameOf(3, { u: (k) => (k === 4 ? 3 : 1), v: (k) => (k === 4 ? -4 : 0), loss: (k) => k, isZero: (k) => k < 3, share_below: 0.25, num_rows: 64, x_active: 0.5, y_active: null });
  assert.deepEqual(["length", "slope_x", "slope_y", "loss", "loss_span", "largest", "share_below", "num_rows", "active_x"].map((name) => valueOf(name, { frame })),
    [5, 3, -4, 4, 8, 5, 0.25, 64, 0.5]);
  assert.ok(isNear(valueOf("zero_share", { frame }), 1 / 3, 1e-12));
  assert.equal(valueOf("active_y", { frame }), null);
  assert.equal(valueOf("zero_reason", { frame }), null);
});

test("a zero arrow has no length, though its numbers are not quite zero", () => {
  const frame = frameOf(3, { u: () => 1e-9, isZero: () => true });
  assert.deepEqual(["length", "slope_x", "zero_share", "roughness"].map((name) => valueOf(name, { frame })), [0, 0, 1, null]);
});

test("numbers of all minibatches are those of their arrows", () => {
  const arrows = [[1, 0], [0, 1], [-1, 0], [0, 0]];
  const frames = new Map(arrows.map(([u, v], index) => [index, { ...frameOf(3, { u: () => u, v: () => v, isZero: () => !u && !v, share_below: 0.5, num_rows: 4 }), index }]));
  const value = (name, changes = {}) => valueOf(name, { frames, ...changes });
  assert.ok(isNear(value("R"), 1 / 3, 1e-12));
  assert.ok(isNear(value("opposite"), 1 / 3, 1e-12));
  assert.deepEqual([value("num_minibatches"), value("zero_minibatches"), value("share_below_all")], [4, 1, 0.5]);
  assert.ok(isNear(value("turn"), 90, 1e-9));
  assert.equal(value("turn", { minibatch: 3 }), null);
  const sampling = { u: 0, v: 0, uu: 0.1, uv: 0, vv: 1, num_rows: 4, of_rows: 100 };
  assert.equal(value("inside", { sampling }), 0.5); // along x₂ and at 0, not along x₁
  assert.equal(valueOf("R", {}), null);
});

test("losses are of the epoch on show, and paths of their condition", () => {
  const { metrics } = run("none");
  assert.deepEqual([valueOf("test_loss", { metrics }), valueOf("train_loss", { metrics }), valueOf("epoch"), valueOf("x"), valueOf("y")], [7, null, 2, "a[0]", null]);
  const conditions = { order: { ratio: [null, 0.5], cosine: [null, 0.9] } };
  assert.deepEqual([valueOf("ratio", { conditions }, "order"), valueOf("cosine", { conditions }, "order"), valueOf("ratio", { conditions }, "masks")], [0.5, 0.9, null]);
});

test("numbers print with their units, and — while they are not known", () => {
  assert.deepEqual([["opposite", 0.421], ["roughness", 37.26], ["turn", 6.1e-6], ["turn", 0], ["R", 0.834], ["num_rows", 64], ["length", 0.01234], ["R", null], ["x", "b[0]"]].map(([name, value]) => written(name, value)),
    ["42 %", "37.3°", "<0.01°", "0°", "0.83", "64", "0.0123", "—", "b[0]"]);
});

test("a condition that does not hold is told with the number that there is", () => {
  const condition = { place: { name: "roughness", picture: 1, of: "dropout" }, operator: ">", value: 20, text: "roughness @ dropout > 20", says: "the mean angle" };
  assert.ok(holds(condition, 21) && !holds(condition, 20));
  assert.match(unmetSentence(condition, 7.25, "Dropout"), /the mean angle of Dropout is 7\.[23]°; what this step tells needs more than 20\.0°/);
  assert.match(unmetSentence(condition, null, ""), /does not tell the mean angle/);
});
