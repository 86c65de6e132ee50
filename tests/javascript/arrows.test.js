// Arrows, scales, level lines and axes as tests/fixtures/arrows.json expects them: the tests of Python read it as well.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { drawnLength, encode, rangeOf, rangeOfSizes, scaleOf } from "../../assets/pure/arrows.js";
import { levelLabels, levelsOf } from "../../assets/pure/contours.js";
import { landscapeFigure } from "../../assets/pure/figure.js";
import { reachOf, wholePlane } from "../../assets/pure/plane.js";
import { frameOf, isNear, look, palette } from "./constants.js";

const fixture = JSON.parse(readFileSync(new URL("../fixtures/arrows.json", import.meta.url), "utf8"));

function frameFrom({ u, v, loss, is_zero: isZero }, points) {
  const frame = { points, u: Float32Array.from(u, Number), v: Float32Array.from(v, Number), loss: Float32Array.from(loss, Number), isZero: Uint8Array.from(isZero) };
  return { ...frame, range: rangeOf(frame) };
}

function assertNear(actual, expected, of) {
  assert.ok(isNear(actual, expected), `${of}: ${actual} is not ${expected}`);
}

// The frame of a case that is drawn, and how; a cell is 1 wide.
function styledFrame({ points, length, direction, colours_over: colours, lengths_over: lengths, fields }) {
  const frames = fields.map((numbers) => frameFrom(numbers, points));
  const scale = { ...scaleOf(colours.map((k) => frames[k])), longest: scaleOf(lengths.map((k) => frames[k])).longest };
  return { frame: frames[0], style: { halfWidth: (points - 1) / 2, scale, length, direction } };
}

for (const { scale: expected, drawn, zeros, name, ...written } of fixture.arrows)
  test(`arrows: ${name}`, () => {
    const { points } = written;
    const { frame, style } = styledFrame(written);
    const { scale, halfWidth: middle } = style;
    for (const part of ["low", "high", "longest"]) assertNear(scale[part], expected[part], part);
    const { arrows, zeros: rings } = encode(frame, style, look);
    assert.deepEqual(arrows.point, drawn.map(([point]) => point));
    drawn.forEach(([point, tailX, tailY, tipX, tipY, place], k) => {
      assertNear(arrows.x[k] - arrows.u[k] / 2, tailX, `tail x of ${point}`);
      assertNear(arrows.y[k] - arrows.v[k] / 2, tailY, `tail y of ${point}`);
      assertNear(arrows.x[k] + arrows.u[k] / 2, tipX, `tip x of ${point}`);
      assertNear(arrows.y[k] + arrows.v[k] / 2, tipY, `tip y of ${point}`);
      assertNear(Math.max(0, Math.min(1, (arrows.colour[k] - scale.low) / (scale.high - scale.low))), place, `colour of ${point}`);
    });
    assert.deepEqual(rings.point, zeros);
    rings.point.forEach((k, n) => assert.deepEqual([rings.x[n], rings.y[n]], [(k % points) - middle, Math.floor(k / points) - middle]));
  });

test("the figure gives these arrows to plotly.js", () => {
  for (const { drawn, zeros, scale, ...written } of fixture.arrows) {
    const { frame, style } = styledFrame(written);
    const whole = { ...style, under: "none", side: 300, part: wholePlane(style.halfWidth, written.points) };
    const { data } = landscapeFigure({ ...frame, x: 5, y: 7 }, whole, { x: "x", y: "y" }, 1, palette);
    const quiver = data.find(({ type }) => type === "quiver") ?? { x: [], y: [], u: [], v: [], customdata: [] };
    assert.equal(quiver.x.length, drawn.length);
    drawn.forEach(([point, tailX, tailY, tipX, tipY], k) => {
      assert.deepEqual([quiver.anchor, quiver.arrowref, quiver.lengthmode], ["center", "data", "raw"]);
      assertNear(quiver.x[k], (tailX + tipX) / 2, `x of ${point}`);
      assertNear(quiver.y[k], (tailY + tipY) / 2, `y of ${point}`);
      assertNear(quiver.u[k] * quiver.lengthfactor, tipX - tailX, `u of ${point}`);
      assertNear(quiver.v[k] * quiver.lengthfactor, tipY - tailY, `v of ${point}`);
      assertNear(quiver.marker.cmin, scale.low, "cmin");
      assertNear(quiver.marker.cmax, scale.high, "cmax");
      const { u, v, loss } = frame;
      assert.deepEqual(quiver.customdata[k], [5 + quiver.x[k], 7 + quiver.y[k], u[point], v[point], Math.hypot(u[point], v[point]), loss[point]]);
    });
    const rings = data.find(({ name }) => name === look.zero_words);
    assert.deepEqual(rings.customdata.map(([x, y]) => [x - 5, y - 7]), zeros.map((k) => [(k % written.points) - style.halfWidth, Math.floor(k / written.points) - style.halfWidth]));
  }
});

for (const { name, loss, labels } of fixture.levels)
  test(`labels of level lines: ${name}`, () => {
    const levels = levelsOf(Float32Array.from(loss, Number), look.flat_share);
    const found = levels ? levelLabels(Float32Array.from(loss, Number), Math.sqrt(loss.length), levels) : [];
    assert.equal(found.length, labels.length);
    found.forEach(({ column, row, angle, level }, k) => [column, row, angle, level].forEach((value, n) => assertNear(value, labels[k][n], `${k}: ${n}`)));
  });

for (const { name, loss, levels: expected } of fixture.levels)
  test(`level lines: ${name}`, () => {
    const levels = levelsOf(Float32Array.from(loss, Number), look.flat_share);
    assert.equal(levels === null, expected === null);
    for (const [part, value] of Object.entries(expected ?? {})) assertNear(levels[part], value, part);
  });

test("single arrows are measured as those of a field", () => {
  for (const { points, fields: [numbers] } of fixture.arrows.filter(({ fields, zeros }) => fields.length === 1 && !zeros.length)) {
    const frame = frameFrom(numbers, points);
    const sizes = Array.from(frame.u, (u, k) => Math.hypot(u, frame.v[k])).filter((size, k) => Number.isFinite(size + frame.loss[k]));
    assert.deepEqual(scaleOf([{ range: rangeOfSizes(sizes.reverse()) }]), scaleOf([frame]));
  }
  assert.equal(rangeOfSizes([]), null);
});

test("axes reach beyond the arrows at the border", () => {
  assert.ok(fixture.reaches.length > 3);
  for (const { half_width: halfWidth, points, reach } of fixture.reaches) {
    assertNear(reachOf(halfWidth, points), reach, `${halfWidth}, ${points}`);
    assert.ok(reachOf(halfWidth, points) >= halfWidth * (1 + look.longest_in_cells / (points - 1)));
  }
});

test("a larger gradient is never drawn shorter, and none longer than the longest", () => {
  const size = fc.double({ min: 1e-30, max: 1e30, noNaN: true });
  fc.assert(fc.property(size, size, size, fc.constantFrom("compressed", "true", "unit"), (a, b, longest, length) => {
    const [short, long] = [Math.min(a, b), Math.max(a, b)].map((each) => drawnLength(each, longest, length, look));
    assert.ok(short <= long * (1 + 1e-12) && long <= look.longest_in_cells && short >= 0); // a power is not monotonic to the last bit
  }));
});

test("descent turns every arrow round", () => {
  const part = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(fc.property(fc.array(fc.tuple(part, part), { minLength: 9, maxLength: 9 }), (gradients) => {
    const frame = frameOf(3, { u: (k) => gradients[k][0], v: (k) => gradients[k][1] });
    const [up, down] = ["ascent", "descent"].map((direction) => encode(frame, { halfWidth: 1, scale: scaleOf([frame]), length: "compressed", direction }, look).arrows);
    assert.deepEqual(up.point, down.point);
    up.u.forEach((u, k) => assert.ok(u + down.u[k] === 0 && up.v[k] + down.v[k] === 0));
    assert.deepEqual(up.colour, down.colour);
  }));
});

test("one scale for several frames holds each of their scales", () => {
  const frames = fc.array(fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 9, maxLength: 9 }), { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(frames, (sizes) => {
    const all = sizes.map((each) => frameOf(3, { u: (k) => each[k] }));
    const shared = scaleOf(all);
    for (const frame of all) {
      const own = scaleOf([frame]);
      assert.ok(shared.longest >= own.longest && shared.high >= own.high);
    }
    assert.ok(shared.high - shared.low <= 4 + 1e-9 && shared.high - shared.low >= 0.5 - 1e-9);
  }));
});

test("fields without an arrow have a scale", () => {
  assert.equal(rangeOf(frameOf(3, { isZero: () => true })), null);
  assert.deepEqual(scaleOf([frameOf(3, { isZero: () => true })]), { low: -1, high: 0, longest: 1 });
  assert.deepEqual(scaleOf([]), { low: -1, high: 0, longest: 1 });
});
