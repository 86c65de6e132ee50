// The sampling ellipse: outline, turn and sentence as tests/fixtures/sampling.json has them, and what is drawn of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { overlaySentences, overlayStrokes } from "../../assets/pure/overlays.js";
import { largestTurn, longestOf, outline, samplingSentence, samplingStrokes, tipOf } from "../../assets/pure/sampling.js";
import { isNear } from "./constants.js";

const { cases } = JSON.parse(readFileSync(new URL("../fixtures/sampling.json", import.meta.url), "utf8"));
const palette = { paper: "white", ink: "black", centre: "red", chosen: "blue" };

test("outline, lengths, turn and sentence are those of Python", () => {
  for (const { told, own, length, direction, outline: border, longest, tips, turn, sentence } of cases) {
    assert.ok(isNear(longestOf(told, own), longest, 1e-12 * (longest || 1)));
    const lengths = { radius: 1.6, longest, exponent: { compressed: 0.35, true: 1, unit: 0 }[length], sign: direction === "descent" ? -1 : 1 };
    outline(told, 9).forEach((gradient, k) => {
      gradient.forEach((value, axis) => assert.ok(isNear(value, border[k][axis], 1e-12 * (longest || 1))));
      if (longest) tipOf(border[k], lengths).forEach((value, axis) => assert.ok(isNear(value, tips[k][axis], 1e-9)));
    });
    if (turn === null) assert.equal(largestTurn(told), null);
    else assert.ok(isNear(largestTurn(told), turn, 1e-6));
    assert.equal(samplingSentence(told).toLowerCase(), `${sentence}.`.toLowerCase());
  }
});

test("ellipse, mean and own arrow are drawn on a disc, and nothing of a dead pair", () => {
  const { told, own } = cases[0];
  const lengths = { radius: 1.6, longest: longestOf(told, own), exponent: 1, sign: 1 };
  assert.deepEqual(samplingStrokes(told, own, lengths, palette).map(({ kind }) => kind), ["disc", "disc", "line", "dots", "line", "heads"]);
  assert.deepEqual(samplingStrokes(told, null, { ...lengths, exponent: 0 }, palette).map(({ kind }) => kind), ["disc", "line", "dots"]);
  assert.deepEqual(samplingStrokes(cases[3].told, null, { ...lengths, longest: 0 }, palette), []);
});

test("the overlay shows what the server says, or its reason", () => {
  const frame = { x: 0, y: 0, u: [0.4], v: [0.3], isZero: [0], zeroReason: [0], points: 3, index: 2 };
  const view = { show: ["sampling"], epoch: 2 };
  const style = { halfWidth: 0.1, length: "true", direction: "ascent" };
  const planOf = (answer) => ({ x: "a[0]", y: "a[1]", halfWidth: 0.1, minibatches: null, sampling: { told: new Map(answer ? [[2, answer]] : []) } });
  const shown = planOf({ sampling: cases[0].told, reason: null });
  assert.equal(overlayStrokes(view, shown, frame, style, palette).length, 6);
  assert.deepEqual(overlaySentences(view, shown, frame), [samplingSentence(cases[0].told)]);
  assert.deepEqual(overlaySentences(view, planOf(null), frame), ["The sampling ellipse is being computed."]);
  assert.deepEqual(overlaySentences(view, planOf({ sampling: null, reason: "None here." }), frame), ["None here."]);
  assert.deepEqual(overlayStrokes(view, planOf({ sampling: null, reason: "None here." }), frame, style, palette), []);
  assert.deepEqual(overlaySentences(view, { ...shown, x: "random:4" }, frame), ["The sampling ellipse is for planes of two parameters."]);
  assert.deepEqual(overlayStrokes({ ...view, show: [] }, shown, frame, style, palette), []);
});
