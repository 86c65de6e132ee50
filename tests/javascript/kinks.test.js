// Kinks: the answer of the server in parts, and what is drawn of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeKinks, hasAllKinks, kinksSentence, kinkStrokes } from "../../assets/pure/kinks.js";

const { answer, rows, lines, segments } = JSON.parse(readFileSync(new URL("../fixtures/kinks.json", import.meta.url), "utf8"));
const kinks = decodeKinks(Uint8Array.from(Buffer.from(answer, "base64")).buffer);
const style = { colour: "red", width: 2, opacity: 0.5 };

// As a made answer: two rows, of which the second has two of three lines.
function made() {
  const [first, second] = [new Float32Array([0, 0, 1, 1, 1, 1, 2, 1]), new Float32Array([-2, -2, -1, -2, 5, 5, 6, 6])];
  const header = { rows: [7, 3], counts: [1, 3], lines: [1, 2], sites: ["residual"], num_segments: 4, num_lines: 3, num_left_out: 1, note: "" };
  return { header, segments: new Map([[7, first], [3, second]]), lines: [] };
}

test("every line of Python's answer is there, with its row, site, unit and segments", () => {
  assert.deepEqual(kinks.header.rows, rows);
  assert.deepEqual(kinks.lines.map(({ row, site, unit, segments: own }) => [row, site, unit, own.length / 4]), lines);
  assert.deepEqual(kinks.lines.flatMap(({ segments: own }) => [...own]), segments.map(Math.fround));
  for (const row of rows) {
    const own = kinks.lines.filter((one) => one.row === row).flatMap((one) => [...one.segments]);
    assert.deepEqual([...kinks.segments.get(row)], own);
    assert.ok(hasAllKinks(kinks, row));
  }
  assert.ok(lines.length > 3);
});

test("the lines of all rows, or of some, are one stroke, in which segments that meet go on", () => {
  const [stroke, ...others] = kinkStrokes(made(), style);
  assert.deepEqual(others, []);
  assert.deepEqual(stroke, {
    kind: "line", colour: "red", width: 2, opacity: 0.5, dashed: false,
    x: [0, 1, 2, null, -2, -1, null, 5, 6], y: [0, 1, 1, null, -2, -2, null, 5, 6],
  });
  assert.deepEqual(kinkStrokes(made(), { ...style, rows: [3] })[0].x, [-2, -1, null, 5, 6]);
  assert.deepEqual(kinkStrokes(made(), { ...style, rows: [99] }), []);
});

test("what lies beyond the part on show is not drawn", () => {
  const plane = /** @type {import("../../assets/pure/plane.js").Part} */ ({ x: [0.5, 1.5], y: [0, 3] });
  assert.deepEqual(kinkStrokes(made(), { ...style, plane })[0].x, [0, 1, 2]);
  assert.deepEqual(kinkStrokes(made(), { ...style, rows: [3], plane }), []);
});

test("lines that were left out are told, and so is the server's note", () => {
  assert.deepEqual([7, 3, 99].map((row) => hasAllKinks(made(), row)), [true, false, false]);
  assert.equal(kinksSentence(made()), "3 of 4 lines are drawn: the others would be too many.");
  assert.equal(kinksSentence(made(), 3), "2 of 3 lines are drawn: the others would be too many.");
  assert.equal(kinksSentence(made(), 7), "");
  const noted = made();
  noted.header.note = "Why.";
  assert.equal(kinksSentence(noted, 7), "Why.");
});
