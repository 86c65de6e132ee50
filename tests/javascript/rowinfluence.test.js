// The table of rows' influence: its order and its words; and the scatter of all rows: places, neighbours and words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { COLUMNS, cellText, cosineWords, influenceSentence, sortedRows } from "../../assets/pure/rowinfluence.js";
import { EDGE, lengthTicks, nextPoint, pointAt, pointWords, scatterLayout } from "../../assets/pure/rowscatter.js";
import { isNear } from "./constants.js";

const rows = [
  { row: 5, share: 0.25, length: 1, resultant_change: -0.001, turn: 0.5, length_change: 0.123 },
  { row: 3, share: -0.5, length: 2, resultant_change: 0.02, turn: null, length_change: -1 },
  { row: 9, share: 1.25, length: 0, resultant_change: null, turn: -123.4, length_change: 0 },
];

test("the strongest rows come first, whatever their sign, and what is not defined last", () => {
  const by = (key, isReversed) => sortedRows(rows, key, isReversed).map(({ row }) => row);
  assert.deepEqual(by("resultant_change"), [3, 5, 9]);
  assert.deepEqual(by("resultant_change", true), [5, 3, 9]);
  assert.deepEqual(by("turn"), [9, 5, 3]);
  assert.deepEqual(by("row"), [3, 5, 9]);
  assert.deepEqual(by("share"), [9, 3, 5]);
});

test("rows of equal influence are in the order of their numbers", () => {
  const same = [7, 2, 4].map((row) => ({ ...rows[0], row }));
  assert.deepEqual(sortedRows(same, "share").map(({ row }) => row), [2, 4, 7]);
});

test("cells say signs, and a dash where nothing is defined", () => {
  const texts = (row) => COLUMNS.map(({ key }) => cellText(row, key));
  assert.deepEqual(texts(rows[0]), ["5", "+25.0 %", "−0.0010", "+0.50°", "+12.3 %"]);
  assert.deepEqual(texts(rows[1]), ["3", "−50.0 %", "+0.020", "–", "−100.0 %"]);
  assert.deepEqual(texts(rows[2]), ["9", "+125 %", "–", "−123.4°", "0.00 %"]);
  assert.equal(cellText(rows[0], "turn", false), "0.50°", "of more than two parameters a turn has no sign");
});

test("sentences say R, or that there is none, and how it was found", () => {
  const told = { resultant: 0.3142, num_minibatches: 50, sentence: "Exact.", length: 1, is_recomputed: false, rows, opposing: [] };
  assert.equal(influenceSentence(told), "R of 50 minibatches: 0.314. Exact.");
  assert.equal(influenceSentence({ ...told, resultant: null }), "R is not defined: fewer than two minibatches have a gradient. Exact.");
  assert.equal(cosineWords(-0.984), ", cosine −0.98");
});

const told = { row: [4, 6, 8, 9, 11], u: [1, 0, -2, 0, 0], v: [0, 3, 0, 0, 0], length: [1, 3, 10, 0, 5] };
const layout = scatterLayout(told, [4, 6], 400, 300);

test("directions are degrees from the minibatch's own, and lengths go up", () => {
  const from = (Math.atan2(3, 1) * 180) / Math.PI; // the mean of rows 4 and 6
  assert.ok(isNear(layout.points[0].degrees, -from, 1e-9));
  assert.ok(isNear(layout.points[1].degrees, 90 - from, 1e-9));
  assert.ok(isNear(layout.points[2].degrees, 180 - from, 1e-9));
  assert.ok(layout.points[2].y < layout.points[1].y && layout.points[1].y < layout.points[0].y);
  assert.deepEqual(layout.points.map(({ isOwn }) => isOwn), [true, true, false, false, false]);
  assert.ok(layout.points.slice(0, 3).every(({ x, y }) => x >= EDGE.left && x <= 400 - EDGE.right && y >= EDGE.top && y <= 300 - EDGE.bottom - EDGE.floor));
});

test("rows without direction lie in the strip, and say so", () => {
  for (const at of [3, 4]) {
    assert.equal(layout.points[at].degrees, null);
    assert.ok(layout.points[at].y > 300 - EDGE.bottom - EDGE.floor);
  }
  assert.equal(pointWords(layout.points[3], true), "row 9: gradient 0");
  assert.equal(pointWords(layout.points[4], true), "row 11: gradient 5.00, without direction here");
  assert.match(pointWords(layout.points[1], true), /^row 6, of this minibatch: gradient 3\.00, 18\.4° from the minibatch's$/);
});

test("without rows of its own the directions are from the first axis", () => {
  const alone = scatterLayout(told, [], 400, 300);
  assert.equal(alone.hasOwn, false);
  assert.ok(isNear(alone.points[1].degrees, 90, 1e-9));
  assert.match(pointWords(alone.points[1], false), /90\.0° from the first axis$/);
});

test("the nearest point is found, and none far away", () => {
  const { x, y } = layout.points[2];
  assert.equal(pointAt(layout, x + 3, y - 3), 2);
  assert.equal(pointAt(layout, x + 3, y + 40), null);
});

test("keys go from point to point along the axes, and stop at the ends", () => {
  const along = [];
  for (let at = nextPoint(layout, 0, "y", -Infinity); ; ) {
    along.push(layout.points[at].y);
    const next = nextPoint(layout, at, "y", 1);
    if (next === at) break;
    at = next;
  }
  assert.equal(along.length, 5);
  assert.deepEqual(along, [...along].sort((a, b) => b - a));
});

test("rows that are all zero have places all the same", () => {
  const none = scatterLayout({ row: [0, 1], u: [0, 0], v: [0, 0], length: [0, 0] }, [0], 300, 200);
  assert.ok(none.points.every(({ x, y, degrees }) => Number.isFinite(x) && Number.isFinite(y) && degrees === null));
});

test("the axis of lengths has ticks, however near the lengths lie to each other", () => {
  assert.deepEqual(lengthTicks({ ...layout, low: Math.log10(1.5), high: Math.log10(6) }), [2, 5]);
  assert.deepEqual(lengthTicks({ ...layout, low: -2.5, high: 1.2 }), [0.01, 0.1, 1, 10]);
});
