// Units that are alive, and the nearest to one that is not.

import { test } from "node:test";
import assert from "node:assert/strict";

import { aliveOf, nearestLive } from "../../assets/pure/live.js";

test("a unit is alive that is active on enough rows and has a gradient", () => {
  assert.deepEqual(aliveOf({ active: [0, 0.04, 0.05, 1, 1], gradient_rms: [0, 2, 2, 3, 1e-6] }), [false, false, true, true, false]);
  assert.deepEqual(aliveOf({ active: null, gradient_rms: [0, 1] }), [false, true]);
});

test("the nearest live unit keeps the tensor and the other indices, and is not the other parameter", () => {
  const alive = [false, true, false, false, true, true];
  assert.equal(nearestLive("a.bias[1]", alive), "a.bias[1]");
  assert.equal(nearestLive("a.bias[0]", alive), "a.bias[1]");
  assert.equal(nearestLive("a.bias[0]", alive, "a.bias[1]"), "a.bias[4]");
  assert.equal(nearestLive("a.weight[3,17]", alive), "a.weight[4,17]");
  assert.equal(nearestLive("conv.weight[2,0,1,2]", alive), "conv.weight[1,0,1,2]"); // of two as near, the first
  assert.equal(nearestLive("a.bias[0]", [false, false]), null);
});
