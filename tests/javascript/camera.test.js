// The camera of surfaces: turned by hand, and as the text of a link, as tests/fixtures/cameras.json expects it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { cameraOf, FIRST, isSameCamera, textOf, turned } from "../../assets/pure/camera.js";
import { isNear } from "./constants.js";

const { cameras, first } = JSON.parse(readFileSync(new URL("../fixtures/cameras.json", import.meta.url), "utf8"));

test("the camera turns around the surface, keeps its distance, and comes back", () => {
  fc.assert(fc.property(fc.double({ min: -3, max: 3, noNaN: true }), (around) => {
    const there = turned(FIRST, { around });
    assert.ok(isNear(there.eye.z, FIRST.eye.z, 1e-9));
    assert.ok(isSameCamera(turned(there, { around: -around }), FIRST));
  }));
  assert.ok(isSameCamera(turned(turned(FIRST, { factor: 0.5 }), { factor: 2 }), FIRST));
  const above = turned(FIRST, { over: 9 }).eye;
  assert.ok(Math.hypot(above.x, above.y) > 0.01); // never quite from above, where left and right would turn over
});

test("a text is the camera that the server has for it, and back", () => {
  for (const { text, eye } of cameras) {
    const camera = cameraOf(text);
    [camera.eye.x, camera.eye.y, camera.eye.z].forEach((value, k) => assert.ok(isNear(value, eye[k], 1e-6), text));
    assert.equal(textOf(camera), text);
  }
  [FIRST.eye.x, FIRST.eye.y, FIRST.eye.z].forEach((value, k) => assert.ok(isNear(value, first.eye[k], 1e-6)));
});

test("the first camera needs no text, and every other one is at most half a degree from its own", () => {
  assert.equal(textOf(FIRST), null);
  assert.ok(isSameCamera(cameraOf(null), FIRST));
  const angle = { min: -10, max: 10, noNaN: true };
  fc.assert(fc.property(fc.double(angle), fc.double(angle), fc.double({ min: 0.1, max: 10, noNaN: true }), (around, over, factor) => {
    const camera = turned(FIRST, { around, over, factor });
    const text = textOf(camera);
    const [azimuth, elevation, away] = (text ?? first.text).split(",").map(Number);
    assert.ok(Math.abs(azimuth) <= 180 && Math.abs(elevation) <= 88 && away >= 0.4 && away <= 6, text);
    const told = cameraOf(text);
    const apart = Math.hypot(told.eye.x - camera.eye.x, told.eye.y - camera.eye.y, told.eye.z - camera.eye.z);
    assert.ok(apart <= Math.hypot(0.5, 0.5) * (Math.PI / 180) * away + 0.006, text);
    assert.equal(textOf(told), text);
  }));
});
