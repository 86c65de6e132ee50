// The surface of the loss and the arrows on it, as tests/fixtures/surface.json expects them; lines over it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { rangeOf, scaleOf } from "../../assets/pure/arrows.js";
import { FIRST } from "../../assets/pure/camera.js";
import { wholePlane } from "../../assets/pure/plane.js";
import { dots, line } from "../../assets/pure/strokes.js";
import { arrowsOnSurface, heightOn, lineOnSurface, surfaceOf, tangentAlong } from "../../assets/pure/surface.js";
import { pictureFigure } from "../../assets/pure/surfacefigure.js";
import { frameOf, isNear, look, palette } from "./constants.js";

const { surfaces } = JSON.parse(readFileSync(new URL("../fixtures/surface.json", import.meta.url), "utf8"));

function frameFrom({ u, v, loss, is_zero: isZero }, points) {
  const frame = { points, u: Float32Array.from(u, Number), v: Float32Array.from(v, Number), loss: Float32Array.from(loss, Number), isZero: Uint8Array.from(isZero) };
  return { ...frame, range: rangeOf(frame) };
}

for (const { name, points, fields, half_width: halfWidth, length, direction, surface: expected } of surfaces)
  test(`arrows on a surface: ${name}`, () => {
    const frame = frameFrom(fields[0], points);
    const surface = surfaceOf(frame, halfWidth, look.flat_share);
    if (!expected) return assert.equal(surface, null);
    assert.ok(isNear(surface.rise, expected.rise));
    surface.range.forEach((end, k) => assert.ok(isNear(end, expected.range[k])));
    const { lines } = arrowsOnSurface(frame, { halfWidth, length, direction, scale: scaleOf([frame]) }, surface, look);
    const drawn = expected.drawn.flatMap(([point, ...vertices]) => [...vertices.slice(0, 5), null, ...vertices.slice(5), null].map((vertex) => [point, vertex]));
    assert.deepEqual(lines.point, drawn.map(([point]) => point));
    drawn.forEach(([, vertex], k) => {
      const at = [lines.x[k], lines.y[k], lines.z[k]];
      if (!vertex) assert.deepEqual(at, [null, null, null]);
      else at.forEach((value, axis) => assert.ok(isNear(value, vertex[axis]), `vertex ${k}: ${at} is not ${vertex}`));
    });
  });

const numbers = fc.double({ min: -50, max: 50, noNaN: true });

test("a tangent climbs as the loss does, and along the gradient it is as long in space as the arrow in the plane", () => {
  fc.assert(fc.property(numbers, numbers, fc.double({ min: 0.01, max: 3, noNaN: true }), fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (u, v, length, rise) => {
    const size = Math.hypot(u, v);
    fc.pre(size > 1e-6);
    const [across, up, climb] = tangentAlong([(length * u) / size, (length * v) / size], u, v, rise);
    assert.ok(isNear(climb, across * u + up * v, 1e-9));
    assert.ok(isNear(Math.hypot(across, up, rise * climb), length, 1e-9));
  }));
});

const slope = frameOf(5, { u: () => 2, v: () => -1, loss: (k) => 2 * ((k % 5) / 2 - 1) - (Math.floor(k / 5) / 2 - 1) });
const STYLE = { halfWidth: 1, length: "compressed", direction: "ascent", under: "surface", side: 300, sharesScale: false, camera: FIRST, part: wholePlane(1, 5), scale: scaleOf([slope]) };

test("a line over the surface lies on it, and ends where the surface does", () => {
  const surface = surfaceOf(slope, 1, look.flat_share);
  const { x, y, z } = lineOnSurface(surface, [-3, 3, null, 0, 0], [0, 0, null, 0, 0.5]);
  const seen = x.map((value, k) => [value, y[k], z[k]]).filter(([value]) => value !== null);
  assert.ok(seen.length > 10);
  for (const [a, b, height] of seen) {
    assert.ok(Math.abs(a) <= 1 + 1e-9);
    assert.ok(isNear(height, 2 * a - b + surface.lift, 1e-6));
  }
  assert.ok(isNear(Math.max(...seen.map(([a]) => a)), 1, 1e-9) && isNear(Math.min(...seen.map(([a]) => a)), -1, 1e-9));
  assert.ok(Number.isNaN(heightOn(surface, 1.2, 0)));
});

test("the figure has the sheet with its gaps, the arrows, and what is drawn over them, each on the surface", () => {
  const holed = { ...slope, loss: slope.loss.map((value, k) => (k === 7 ? NaN : value)) };
  const strokes = [line([-2, 0.5], [0, 0], palette.centre), { ...dots([0.5, 9], [0.5, 9], "#cc0000", { texts: ["epoch 1", "epoch 2"] }), sizes: [5, 4], opacities: [1, 0.5] }];
  const { data, layout } = pictureFigure(holed, { ...STYLE, strokes }, { x: "a", y: "b" }, 7, palette);
  const sheet = data.find(({ type }) => type === "surface");
  assert.deepEqual(sheet.z.flat().flatMap((value, k) => (value === null ? [k] : [])), [7]);
  assert.match(sheet.text[0][0], /x₁ = −1\.0000, x₂ = −1\.0000<br>∂J\/∂x₁ = 2\.00/);
  assert.equal(data.find(({ name }) => name === "gradient").x.length, 24 * 10);
  const marks = data.find(({ text }) => text?.[0] === "epoch 1");
  assert.deepEqual(marks.marker.color, ["rgba(204,0,0,1.000)", "rgba(204,0,0,0.500)"]);
  assert.equal(marks.z[1], null); // no mark where nothing is drawn
  assert.deepEqual(layout.meta, { token: 7, isSurface: true });
  assert.deepEqual(layout.scene.xaxis.range, layout.scene.yaxis.range);
  assert.equal(layout.annotations[0].text, "x₁: Δ a<br>x₂: Δ b<br>height: J (mean |error|)");
});

test("rays on a surface end without markers, and arrows of a small picture are thinner", () => {
  const strokes = [line([0, 1], [0, 1], palette.ink), dots([1], [1], palette.ink, { size: 3 })];
  const shaft = (side) => pictureFigure(frameOf(3), { ...STYLE, strokes, side }, { x: "a", y: "b" }, 1, palette).data.find(({ name }) => name === "gradient").line.width;
  const { data } = pictureFigure(frameOf(3), { ...STYLE, strokes }, { x: "a", y: "b" }, 1, palette);
  assert.equal(data.filter(({ type, mode, name }) => type === "scatter3d" && mode === "markers" && !name).length, 0);
  assert.equal(data.filter(({ type, mode, name }) => type === "scatter3d" && mode === "lines" && !name).length, 1);
  assert.ok(1 < shaft(200) && shaft(200) < shaft(400) && shaft(400) === shaft(900));
});

test("without any finite loss there are axes alone", () => {
  const { data } = pictureFigure(frameOf(3, { loss: () => NaN }), STYLE, { x: "a", y: "b" }, 1, palette);
  assert.deepEqual(data, []);
});
