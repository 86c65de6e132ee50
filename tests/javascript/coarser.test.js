// Slow fields: how long they take, which coarser grids come first, and what is shown of them meanwhile.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { coarserFirst, coarserSizes, defaultPoints, fieldSeconds, secondsWords } from "../../assets/pure/estimate.js";
import { conduct } from "../../assets/page/conductor.js";
import { plainSentences } from "../../assets/pure/plain.js";
import { besides, frameOf, ownFrame, wholeFrame } from "../../assets/page/plans.js";
import { coarserOf, fewerSentence, gridPoints } from "../../assets/page/points.js";
import { loadStack, openStack } from "../../assets/page/shelf.js";
import { page } from "../../assets/page/state.js";
import "./constants.js";

const fixture = JSON.parse(readFileSync(new URL("../fixtures/estimates.json", import.meta.url), "utf8"));

test("the page estimates as the server does", () => {
  for (const { seconds_per_point, seconds, default_points, words, ...rest } of fixture.cases) {
    const asked = { ...rest, isRandom: rest.masks === "averaged", hasSizes: true };
    assert.ok(Math.abs(fieldSeconds(seconds_per_point, asked) - seconds) <= 1e-9 * seconds);
    assert.equal(defaultPoints(seconds_per_point, asked), default_points);
    assert.equal(secondsWords(seconds), words);
  }
  for (const [points, sizes] of Object.entries(fixture.coarser)) assert.deepEqual(coarserSizes(Number(points)), sizes);
});

test("recorded minibatches cost what they cost, and a run of an unknown model nothing", () => {
  const asked = { points: 11, minibatch_size: 256, masks: "fresh", isRandom: true, hasSizes: false };
  assert.equal(fieldSeconds(0.01, asked), 1.21);
  assert.equal(fieldSeconds(null, asked), 0);
});

test("coarser grids come first where a field is slow, and only there", () => {
  assert.deepEqual(coarserFirst(0.9, 21), []);
  assert.deepEqual(coarserFirst(6, 21), [5, 11]);
  assert.deepEqual(coarserFirst(6, 11), [3]);
});

test("a view whose points nobody has chosen has 21 × 21, or 11 × 11 where a plane along directions is slow", () => {
  const run = (seconds_per_point) => ({ seconds_per_point, minibatch_sizes: [16, 64], minibatches: { 64: 5 }, capabilities: { draws_masks: false } });
  page.runs = { quick: run(0.001), slow: run(0.1) };
  page.areRunsKnown = true;
  const points = (changes) => ((page.view = { view: "explore", run: "slow", compared: [], points: null, x_a: "step", y_a: "pca:1", x_b: "b[0]", y_b: "b[1]", minibatch_size: 64, mode: "eval", masks: "fresh", ...changes }), gridPoints());
  assert.equal(points({}), 11);
  assert.equal(points({ points: 21 }), 21);
  assert.equal(points({ run: "quick" }), 21);
  assert.equal(points({ run: "quick", minibatch_size: 64 * 64 }), 11);
  assert.equal(points({ x_a: "b[0]", y_a: "b[1]" }), 21);
  assert.equal(points({ view: "compare", compared: ["quick", "slow"] }), 11);
  assert.equal(points({ view: "compare", compared: ["quick"] }), 21);
  assert.equal(points({ run: "not there yet" }), 21);
  points({});
  const plan = { run: "slow", epochs: { selection: { points: 11 } } };
  assert.equal(fewerSentence(plan), "11 × 11 points, because 21 × 21 take about 44 s: choose them under Grid.");
  points({ points: 11 });
  assert.equal(fewerSentence(plan), "");
  assert.deepEqual(coarserOf("slow", { x: "step", y: "pca:1" }, 21), [5, 11]);
  assert.deepEqual(coarserOf("slow", { x: "b[0]", y: "b[1]" }, 21), []);
  assert.deepEqual(coarserOf("quick", { x: "step", y: "pca:1" }, 21), []);
});

// ---- what is shown ----

const frame = (index, points, loss = 1) => ({
  index, points, u: new Float32Array(points ** 2).fill(loss), v: new Float32Array(points ** 2), loss: new Float32Array(points ** 2).fill(loss),
  isZero: new Uint8Array(points ** 2), zeroReason: new Uint8Array(points ** 2), x: 0, y: 0, range: { low: 0, high: 1, longest: 1 },
});
const coarse = (index, points, loss) => ({ ...frame(index, points, loss), of: 21 });
const stackOf = (whole, parts) => ({
  selection: { minibatch: 0 }, frames: new Map(whole.map((each) => [each.index, each])),
  coarse: new Map(parts.map(({ index }) => [index, parts.filter((part) => part.index === index)])),
});
const planOf = (whole, parts, rest = {}) => ({ epochs: stackOf(whole, parts), minibatches: null, ...rest });

beforeEach(() => {
  page.view = { view: "explore", run: "none", epoch: 2, minibatch: 0 };
  page.over = "epochs";
});

test("the finest frame that is there is shown, and only the whole one is whole", () => {
  const [five, eleven, whole] = [coarse(2, 5), coarse(2, 11), frame(2, 21)];
  assert.equal(ownFrame(planOf([], [])), undefined);
  assert.equal(ownFrame(planOf([], [five])), five);
  assert.equal(ownFrame(planOf([], [five, eleven])), eleven);
  assert.equal(wholeFrame(planOf([], [five, eleven])), undefined);
  for (const one of [ownFrame, wholeFrame]) assert.equal(one(planOf([whole], [five, eleven])), whole);
});

test("colours count what is shown among all frames", () => {
  const [five, other] = [coarse(2, 5), frame(3, 21)];
  assert.deepEqual([...besides(planOf([other], [five])).values()], [other, five]);
  assert.deepEqual([...besides(planOf([other], [])).values()], [other]);
});

test("a difference is of the finest grid that both have", () => {
  const reference = planOf([], [coarse(2, 5), coarse(2, 11)]);
  const minus = (whole, parts) => frameOf(planOf(whole, parts, { minus: reference }));
  assert.equal(minus([frame(2, 21, 3)], []), undefined);
  assert.equal(minus([frame(2, 21, 3)], [coarse(2, 5, 3), coarse(2, 11, 3)]).points, 11);
  const found = minus([], [coarse(2, 5, 3)]);
  assert.deepEqual([found.points, found.of, found.u[0]], [5, 21, 2]);
});

// ---- how they are asked for ----

function block(bytes) {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return [...length, ...bytes];
}

function answerOf(index, points) {
  const told = new TextEncoder().encode(JSON.stringify({ index }));
  const padded = [...told, ...Array(3 - ((told.length + 3) % 4)).fill(32)];
  const body = [...block(padded), ...new Uint8Array(14 * points ** 2)];
  return new Response(new Uint8Array([...block(new TextEncoder().encode("{}")), ...block(body)]));
}

test("of a slow frame the coarser grids are asked for first, each once, and the whole one last", async () => {
  const asked = [];
  const shown = [];
  conduct({ draw: () => {}, refresh: () => {} });
  globalThis.fetch = async (address) => {
    const query = new URLSearchParams(address.split("?")[1]);
    asked.push([query.get("coarse"), query.get("only"), query.get("epoch")]);
    return answerOf(Number(query.get("epoch")), Number(query.get("coarse") ?? 21));
  };
  const stack = openStack({ run: "slow", points: 21 }, "epochs", [5, 11]);
  const handlers = { onFrame: (_, { points, of }) => shown.push([points, of]), onEnd: () => {} };
  await loadStack(stack, 2, [2], handlers);
  assert.deepEqual(asked, [["5", "2", "2"], ["11", "2", "2"], [null, null, "2"]]);
  assert.deepEqual(shown, [[5, 21], [11, 21], [21, undefined]]);
  assert.equal(stack.bytes, 14 * (25 + 121 + 441));
  await loadStack(stack, 2, [2], handlers);
  assert.equal(asked.length, 3);
});

test("a view that changes ends what it asked for; what was there of it is kept and not asked for again", async () => {
  const asked = [];
  globalThis.fetch = async (address, { signal }) => {
    const query = new URLSearchParams(address.split("?")[1]);
    asked.push(query.get("coarse"));
    if (query.get("coarse") === "11" && asked.length === 2) {
      stack.loading.abort();
      throw signal.reason;
    }
    return answerOf(Number(query.get("epoch")), Number(query.get("coarse") ?? 21));
  };
  const stack = openStack({ run: "left", points: 21 }, "epochs", [5, 11]);
  const handlers = { onFrame: () => {}, onEnd: () => {} };
  await loadStack(stack, 2, [2], handlers);
  assert.deepEqual([asked, stack.frames.size, stack.coarse.get(2).length, stack.loading], [["5", "11"], 0, 1, null]);
  await loadStack(stack, 2, [2], handlers);
  assert.deepEqual(asked, ["5", "11", "11", null]);
  assert.equal(stack.frames.size, 1);
});

test("a coarser grid that fails is left to the whole frame to say", async () => {
  globalThis.fetch = async (address) => {
    if (!address.includes("coarse")) return answerOf(2, 21);
    const told = [...new TextEncoder().encode(JSON.stringify({ index: 2, error: "No." }).padEnd(28))];
    return new Response(new Uint8Array([...block([123, 125]), ...block(block(told))]));
  };
  const stack = openStack({ run: "failing", points: 21 }, "epochs", [5]);
  await loadStack(stack, 2, [2], { onFrame: () => {}, onEnd: () => {} });
  assert.deepEqual([stack.coarse.size, stack.frames.size, stack.failed.size], [0, 1, 0]);
});

test("the line beside a coarser grid says what it is, and why the others are not there", () => {
  const stack = { ...stackOf([], [coarse(2, 5)]), failed: new Map(), error: null, later: null, loading: {}, hurrying: null, seconds: 12.3 };
  const told = (changes) => plainSentences(page, { epochs: { ...stack, ...changes }, minibatches: null, x: "pca:1", y: "step", network: null }, coarse(2, 5))[0];
  page.view = { ...page.view, direction: "ascent", show: [] };
  assert.equal(told({}), "5 × 5 of 21 × 21 points; the others are being computed: all take about 12 s.");
  assert.equal(told({ seconds: 2 }), "5 × 5 of 21 × 21 points; the others are being computed.");
  assert.equal(told({ loading: null }), "5 × 5 of 21 × 21 points.");
  assert.equal(told({ error: "The server is busy." }), "5 × 5 of 21 × 21 points. The server is busy.");
  assert.equal(told({ failed: new Map([[2, "It is gone."]]) }), "5 × 5 of 21 × 21 points. It is gone.");
});
