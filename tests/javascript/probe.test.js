// The probe: what is drawn of its paths, where it begins, and the places of its rate on the slider.

import assert from "node:assert/strict";
import { test } from "node:test";
import { look } from "../../assets/pure/look.js";
import { overlaySentences, overlayStrokes, probeOf } from "../../assets/pure/overlays.js";
import { notchOf, probeStrokes, rateAt, startByKey, startOf, startText, stepsOf } from "../../assets/pure/probe.js";
import { strokeTraces } from "../../assets/pure/strokes.js";
import { frameOf, palette } from "./constants.js";

const told = {
  paths: ["this", "next"].map((schedule, k) => ({ schedule, x: [0, 1, 2, 3], y: [0, k, 2 * k, 3 * k], name: schedule, line: "J 2 → 1" })),
  sentences: ["Only these two parameters move."],
};
const drawnOf = (strokes) => strokes.filter(({ kind, colour }) => kind === "line" && colour !== palette.paper);

test("each path is a line of its own ink and dashes over paper, as far as it is drawn", () => {
  const lines = drawnOf(probeStrokes(told, palette));
  assert.deepEqual(lines.map(({ x, y, colour }) => [x, y, colour]), [[[0, 1, 2, 3], [0, 0, 0, 0], palette.probe.this], [[0, 1, 2, 3], [0, 1, 2, 3], palette.probe.next]]);
  assert.deepEqual(strokeTraces(lines).map(({ line }) => line.dash), ["solid", "9px,6px"]);
  assert.deepEqual(drawnOf(probeStrokes({ ...told, drawn: 2 }, palette)).map(({ x }) => x), [[0, 1, 2], [0, 1, 2]]);
  const start = probeStrokes({ ...told, drawn: 0 }, palette);
  assert.deepEqual(start.map(({ kind, x, y }) => [kind, x, y]), [["dots", [0], [0]], ["dots", [0], [0]]]);
  assert.equal(stepsOf(told), 3);
});

test("a dot stands at each step where there are few, and says which it is", () => {
  const dots = probeStrokes(told, palette).filter(({ kind, texts }) => kind === "dots" && texts?.[0] !== "start" && texts);
  assert.deepEqual(dots.flatMap(({ texts }) => texts), ["this, step 1", "this, step 2", "this, step 3", "next, step 1", "next, step 2", "next, step 3"]);
  const many = { ...told, paths: [{ ...told.paths[0], x: Array(look.probe.most_dots + 2).fill(0), y: Array(look.probe.most_dots + 2).fill(1) }] };
  assert.equal(probeStrokes(many, palette).filter(({ texts }) => texts && texts[0] !== "start").length, 1);
});

test("paths belong to a checkpoint and a minibatch, and a difference has none", () => {
  const frame = { ...frameOf(3), index: 2 };
  const view = { show: ["probe"], epoch: 2, minibatch: 1 };
  const style = { halfWidth: 0.1, length: "true", direction: "ascent" };
  const planOf = (answer) => ({ x: "a[0]", y: "a[1]", halfWidth: 0.1, minibatches: null, probe: { selection: { minibatch: 1 }, told: new Map(answer ? [[2, answer]] : []) } });
  const lines = (plan, changes = {}) => drawnOf(overlayStrokes({ ...view, ...changes }, plan, frame, style, palette)).length;
  assert.equal(lines(planOf(told)), 2);
  assert.equal(lines(planOf(told), { epoch: 1 }), 0);
  assert.equal(lines(planOf(told), { minibatch: 0 }), 0);
  assert.equal(lines(planOf(told), { show: [] }), 0);
  assert.equal(probeOf(view, { ...planOf(told), minus: planOf(told) }), undefined);
  assert.deepEqual(overlayStrokes(view, planOf(told), { ...frame, difference: {} }, style, palette), []);
  assert.deepEqual(overlaySentences(view, planOf(told), frame), told.sentences);
  assert.deepEqual(overlaySentences(view, planOf(null), frame), ["The paths of the probe are being computed."]);
  assert.deepEqual(overlaySentences(view, planOf({ error: "No." }), frame), ["The paths of the probe are not known: No."]);
  assert.equal(lines(planOf({ error: "No." })), 0);
});

test("the start has one text, within the picture, and moves by keys", () => {
  assert.equal(startText([0.123456, -0]), "0.1235,0");
  assert.equal(startText([-7, 1.2]), "-1,1");
  assert.deepEqual(startOf("0.1235,-1"), [0.1235, -1]);
  assert.equal(startText(startByKey([0.5, 0], "ArrowLeft", false, 21)), "0.4,0");
  assert.equal(startText(startByKey([0.5, 0], "ArrowUp", true, 21)), "0.5,0.02");
  assert.deepEqual(startByKey([0.5, 0.5], "Home", false, 21), [0, 0]);
  assert.equal(startByKey([0.5, 0.5], "a", false, 21), null);
});

test("the middle of the slider is the picture's own rate, and every place leads back to itself", () => {
  assert.equal(rateAt(0, 0.0061), null);
  assert.equal(rateAt(40, 0.01), 0.1);
  for (let notch = -100; notch <= 100; notch++) if (notch) assert.equal(notchOf(rateAt(notch, 0.0061), 0.0061), notch);
  assert.equal(notchOf(1e9, 1), 100);
});
