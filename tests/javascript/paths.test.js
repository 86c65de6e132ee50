// The paths of replicas: what is asked for, what the numbers say, and where the paths lie.

import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutWords, alongNumbers, alongRows, axisTitles, costWords, duration, endRows, meanAndDeviation, middleOf, planeName, planeSentences, queryOf, requestOf, sentences, wayNumbers } from "../../assets/pure/paths.js";
import { barLength, barStrokes, fanStrokes, members, nearest, planeFor, pointOf } from "../../assets/pure/pathfan.js";
import { pathsFigure } from "../../assets/pure/pathcurves.js";
import { encode } from "../../assets/pure/arrows.js";
import { frameOfStep, partOfStep, styleOfStep } from "../../assets/pure/steplandscape.js";
import { isNear, look, palette as plain } from "./constants.js";

const palette = { ...plain, conditions: { same: "#000001", order: "#000002", resampled: "#000003" } };

function conditionOf(spread, rest = {}) {
  const many = spread.length;
  return {
    words: "", replicas: 3, spread, step: spread.map(() => 2), ratio: spread.map((value) => value / 2), ratio_low: spread.map((value) => value / 4), ratio_high: spread.map((value) => value),
    cosine: spread.map(() => 0.5), train_losses: [1, 2, 3], test_losses: [4, 4, 4], ways: [0, 1, 2].map((replica) => Array.from({ length: many + 1 }, (_, k) => [k, replica * k])), within: [0.6, 0.7, 0.8], ...rest,
  };
}

const none = [null, null, null, null];
const paths = {
  request: { run: "none", epoch: 4, epochs: 1, rate_factor: 0.0625 }, optimizer: "SGD", moments: "none", searched: [{ rate: 1 }], reproduces: null, steps_per_epoch: 8, batch_size: 16,
  start: { train_loss: 9, test_loss: 10 }, steps: [2, 4, 6, 8], plane: { axes: null, shares: [0.6, 0.2] },
  recorded: { step: [1, 2, 3, 4], way: [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]], within: 0.9, train_loss: 5, test_loss: 6 },
  conditions: {
    same: conditionOf([0, 0, 0, 0], { replicas: 2, ratio_low: none, ratio_high: none }),
    order: conditionOf([0.2, 0.8, 0.6, 0.2]),
    resampled: conditionOf([0.2, 0.4, 0.6, 0.8]),
  },
};

test("a request has what is chosen, and leaves the points to the server, as the command line and the evidence do", () => {
  const view = { epoch: 4, conditions: ["same", "order"], replicas: 3, optimizer: "sgd", rate_factor: 0.25, minibatch: 7 };
  const asked = requestOf(view, { run: "none" });
  assert.deepEqual(asked, { run: "none", epoch: 4, replicas: 3, conditions: ["same", "order"], optimizer: "sgd", rate_factor: 0.25 });
  assert.equal(new URLSearchParams(queryOf(asked)).get("conditions"), "same,order");
});

const axisOf = (text, rest = {}) => ({ text, meaning: `all of ${text}`, unit: "", notes: [], length: 2, part: 1, ...rest });
const inPlane = {
  ...paths, request: { ...paths.request, x: "gradient:mean", y: "hidden.1.linear.bias[0]" },
  plane: { axes: { x: axisOf("gradient:mean", { notes: ["A note."] }), y: axisOf("hidden.1.linear.bias[0]", { unit: "as long as x", part: 0.25 }) }, shares: [] },
};

test("a chosen plane is asked for with both axes, and never with one", () => {
  const view = { epoch: 4, conditions: ["order"], replicas: 3, optimizer: "own", rate_factor: 1, x_fan: "pca:1", y_fan: "step" };
  assert.deepEqual([requestOf(view, { run: "a" }).x, requestOf(view, { run: "a" }).y], ["pca:1", "step"]);
  assert.equal(Object.hasOwn(requestOf({ ...view, y_fan: null }, { run: "a" }), "x"), false);
});

test("the axes say what they are, and shares of the variance where they are principal", () => {
  assert.deepEqual(axisTitles(paths), ["first principal component: 60 % of the ends' variance", "second principal component: 20 % of the ends' variance"]);
  assert.equal(axisTitles({ ...paths, plane: { axes: null, shares: [1] } })[1], "second principal component: none of the ends' variance");
  assert.deepEqual(axisTitles(inPlane), ["x₁: along the mean gradient", "x₂: along hidden.1.linear.bias[0]"]);
  const two = { ...paths, plane: { axes: { x: axisOf("conv.bias[0]"), y: axisOf("conv.bias[1]") }, shares: [] } };
  assert.deepEqual(axisTitles(two), ["x₁: Δ conv.bias[0]", "x₂: Δ conv.bias[1]"]);
  assert.equal(planeName(paths.request), "the principal plane of their ends");
  assert.equal(planeName(inPlane.request), "the mean gradient × hidden.1.linear.bias[0]");
});

test("a plane tells its units and how much of the ways it holds, and that it hides most of them", () => {
  assert.deepEqual(planeSentences(paths), [
    "Across and up, one unit: a length in the space of all parameters.",
    "Of the squared length of the ways to their ends, this plane holds 90 % of the run's own way, and 60 % to 80 % of those of the replicas.",
  ]);
  const conditions = { order: conditionOf([1, 1, 1, 1], { within: [0.01, null, 0.4] }) };
  assert.deepEqual(planeSentences({ ...inPlane, recorded: { ...paths.recorded, within: 0.2 }, conditions }), [
    "x₁ = 1 is all of gradient:mean, x₂ = 1 as long as on x₁.",
    "Of hidden.1.linear.bias[0], 25 % lies across x₁: x₂ is that part.",
    "A note.",
    "Of the squared length of the ways to their ends, this plane holds only 20 % of the run's own way, and 1.0 % to 40 % of those of the replicas: most of each way leads out of it, and ends that lie close here may lie far apart.",
  ]);
  const unmoved = { ...inPlane, recorded: { ...paths.recorded, within: null }, conditions: { order: conditionOf([0], { within: [null] }) } };
  assert.equal(planeSentences(unmoved).length, 3);
});

test("a bar in the corner shows a round length of the picture's unit", () => {
  const plane = planeFor(paths, { width: 300, height: 200 });
  const length = barLength(plane);
  assert.equal(length, 5);
  const [bar] = barStrokes(plane, palette);
  assert.ok(isNear(plane.x(bar.x[0]), 10) && isNear(plane.y(bar.y[0]), 190));
  assert.ok(isNear(plane.x(bar.x[1]) - plane.x(bar.x[0]), length * plane.unit));
  assert.ok(length * plane.unit <= 100 && length * plane.unit > 40);
  const nothing = { ...paths, recorded: { ...paths.recorded, way: [[0, 0]] }, conditions: {} };
  assert.deepEqual(barStrokes(planeFor(nothing, { width: 300, height: 200 }), palette), []);
});

test("the file of the ways names the axes of a chosen plane", () => {
  assert.deepEqual(wayNumbers(inPlane)[0], ["condition", "replica", "step", "gradient:mean", "hidden.1.linear.bias[0]"]);
  assert.deepEqual(wayNumbers(paths)[0].slice(3), ["pc_1", "pc_2"]);
});

test("a cost is told in epochs, time and bytes", () => {
  assert.equal(costWords({ epochs: 27, before: 0, num_bytes: 12e6 }, 0.5), "27 epochs of training, about 14 s; 12 MB on disk meanwhile.");
  assert.equal(costWords({ epochs: 27, before: 3, num_bytes: 1.55e9 }, null), "30 epochs of training (3 of them to find where the optimizer begins); 1.6 GB on disk meanwhile.");
  assert.deepEqual([0.2, 89.5, 120, 7200].map(duration), ["1 s", "90 s", "2 min", "2.0 h"]);
});

test("each condition's sentence follows from its numbers", () => {
  const said = Object.fromEntries(sentences(paths));
  assert.equal(said.same, "exactly the same path each time (spread 0 at all 4 points, n = 2).");
  assert.equal(said.order, "a bridge: the spread rises to 0.200 of the run's own way (step 4 of 8) and returns to 0.0500 of the run's own way; spread over mean step at the end 0.100 [0.0500, 0.200], n = 3.");
  assert.match(said.resampled, /^the paths part and do not return: the spread ends at 0\.200 of the run's own way, its largest; /);
  const partly = { ...paths, conditions: { order: conditionOf([0.2, 0.8, 0.8, 0.6]) } };
  assert.match(sentences(partly)[0][1], /rises to 0\.200 .* \(step 4 of 8\) and returns in part, to 0\.150/);
  const unmoved = { ...paths, recorded: { ...paths.recorded, step: [0, 0, 0, 0] }, conditions: { order: conditionOf([0.1, 0.2, 0.3, 0.4], { ratio: none }) } };
  assert.match(sentences(unmoved)[0][1], /ends at 0\.400, its largest; spread over mean step at the end –, n = 3/);
  const rounded = { ...paths, conditions: { rows: conditionOf([1e-6, 2e-6, 3e-6, 4e-6]) } };
  assert.equal(sentences(rounded)[0][1], "the same path but for what rounding makes of it: the spread is at most 1.00e−6 of the run's own way, n = 3.");
});

test("what the result says of itself names the optimizer, the search and the control", () => {
  assert.equal(aboutWords(paths), "none, from epoch 4 for one epoch of 8 steps of 16 rows, with SGD. The rate that lowers the training loss as far as the run's own epoch did was found by trying 1, and 0.0625 of it is used.");
  const own = aboutWords({ ...paths, moments: "saved", searched: [], reproduces: true });
  assert.match(own, /its state there, as the run has saved it\. The run's own minibatches lead to its next checkpoint exactly\.$/);
  assert.match(aboutWords({ ...paths, reproduces: false }), /not quite/);
});

test("the tables hold the middle, the end and every point between", () => {
  assert.equal(middleOf(paths), 1);
  assert.deepEqual(meanAndDeviation([1, 2, 3]), { mean: 2, deviation: 1 });
  assert.equal(meanAndDeviation([7]).deviation, null);
  const [head, same, order, , own, start] = endRows(paths);
  assert.equal(head[2], "spread / mean step, step 4");
  assert.deepEqual(same.slice(0, 4), ["same", "2", "0", "0"]);
  assert.deepEqual(order, ["order", "3", "0.400 [0.200, 0.800]", "0.100 [0.0500, 0.200]", "0.500", "2.000 ± 1.0", "4.000 ± 0"]);
  assert.deepEqual([own.at(-1), start.at(-2)], ["6.000", "9.000"]);
  assert.deepEqual(alongRows(paths)[4], ["order", 2, 0.1, 0.05, 0.2, 0.2, 2, 0.5]);
  assert.equal(alongRows(paths).length, 12);
});

test("files hold the numbers in full, and nothing where there is none", () => {
  const [head, ...rows] = alongNumbers(paths);
  assert.ok(rows.every((row) => row.length === head.length));
  assert.deepEqual([rows.length, rows[0], rows[4]], [12, ["same", 2, 0, null, null, 0, 2, 0.5], ["order", 2, 0.1, 0.05, 0.2, 0.2, 2, 0.5]]);
  const ways = wayNumbers({ ...paths, recorded: { ...paths.recorded, way: paths.recorded.way.map(([x]) => [x]) } }); // the ends span a line
  assert.equal(ways.length, 1 + 5 * members(paths).length);
  assert.deepEqual([ways[1], ways[5]], [["run", null, 0, 0, 0], ["run", null, 8, 4, 0]]);
  assert.deepEqual(ways.at(-1), ["resampled", 2, 8, 4, 8]);
});

test("all paths have room in their plane, and both axes have one unit", () => {
  const plane = planeFor(paths, { width: 300, height: 200 }, 10);
  for (const { way } of members(paths)) for (const [x, y] of way) {
    assert.ok(plane.x(x) >= 10 - 1e-9 && plane.x(x) <= 290 + 1e-9);
    assert.ok(plane.y(y) >= 10 - 1e-9 && plane.y(y) <= 190 + 1e-9);
  }
  assert.ok(isNear(plane.x(1) - plane.x(0), plane.y(0) - plane.y(1)));
  assert.ok(isNear(Math.min(plane.y(8) - 10, 190 - plane.y(0)), 0)); // the height is what limits them
  // Replicas of the control alone span no plane: their paths are a line, or a point.
  const flat = { ...paths, recorded: { ...paths.recorded, way: [[0], [1]] }, conditions: { same: conditionOf([0], { ways: [[[0], [1]]] }) } };
  const line = planeFor(flat, { width: 300, height: 200 }, 10);
  assert.deepEqual([line.x(0), line.x(1), line.y(0)], [10, 290, 100]);
  const point = planeFor({ ...flat, recorded: { ...paths.recorded, way: [[], []] }, conditions: {} }, { width: 300, height: 200 });
  assert.deepEqual([point.x(0), point.y(0)], [150, 100]);
});

test("the fan is drawn as far as the slider says, in the colours of the conditions", () => {
  const lines = (point, chosen) => fanStrokes(paths, point, palette, chosen).filter(({ kind }) => kind === "line");
  assert.equal(lines(4).length, members(paths).length);
  assert.ok(lines(2).every(({ x }) => x.length === 3));
  assert.deepEqual([...new Set(lines(1).map(({ colour }) => colour))].sort(), ["#000001", "#000002", "#000003", palette.centre]);
  const [own] = lines(3).filter(({ dashed }) => dashed);
  assert.deepEqual([own.x, own.y], [[0, 1, 2, 3], [0, 1, 2, 3]]);
  const chosen = { condition: "order", replica: 2, step: 5 };
  assert.equal(lines(4, chosen).length, members(paths).length + 1);
  assert.deepEqual([1, 2, 3, 8].map((step) => pointOf(paths, step)), [1, 1, 2, 4]);
  const ring = fanStrokes(paths, 4, palette, chosen).filter(({ kind, size }) => kind === "dots" && size === 13);
  assert.deepEqual(ring.map(({ x, y }) => [x[0], y[0]]), [[3, 6]]);
});

test("a pointer means the point of a replica that is nearest, of those that are drawn", () => {
  const plane = planeFor(paths, { width: 400, height: 400 });
  const at = (point, x, y) => nearest(paths, point, plane, plane.x(x) + 3, plane.y(y) - 3);
  const found = at(4, 3, 6);
  assert.deepEqual([found.replica, found.point], [2, 3]);
  assert.ok(found.condition in paths.conditions);
  assert.equal(at(2, 3, 6), null); // not drawn yet
  assert.equal(at(4, 0.1, 6), null);
});

test("curves have a band where there are intervals, and begin at the checkpoint where nothing has spread", () => {
  const { data, layout } = pathsFigure(paths, palette);
  const bands = data.filter(({ fill }) => fill);
  assert.deepEqual(bands.map(({ name }) => name), ["order, 95 %", "resampled, 95 %"]);
  assert.deepEqual(bands[0].x, [2, 4, 6, 8, 8, 6, 4, 2]);
  assert.deepEqual(bands[0].y.slice(0, 4), paths.conditions.order.ratio_high);
  const curves = data.filter(({ fill }) => !fill);
  assert.equal(curves.length, 9);
  assert.deepEqual(curves[1].y, paths.conditions.order.ratio);
  assert.deepEqual(curves[4].y, [0, 0.05, 0.2, 0.15, 0.05]); // over the run's own way, from the checkpoint on
  assert.deepEqual(curves[4].x, [0, 2, 4, 6, 8]);
  assert.deepEqual(curves[7].y, paths.conditions.order.cosine);
  assert.equal(new Set(curves.map(({ yaxis }) => yaxis)).size, 3);
  for (const axis of ["yaxis", "yaxis2", "yaxis3"]) assert.ok(layout[axis].domain[0] < layout[axis].domain[1]);
});

test("the landscape of a step is a frame like any other", () => {
  const square = (value) => [0, 1, 2].map((row) => [0, 1, 2].map((column) => value(column, row)));
  const grid = {
    x: [0.9, 1, 1.1], y: [-2.1, -2, -1.9], u: square((x) => x + 1), v: square((x, y) => y), loss: square((x, y) => x * y), is_zero: square((x, y) => x === 0 && y === 2), zero_reason: square(() => 0),
  };
  const frame = frameOfStep({ grid, num_rows: 16 });
  assert.deepEqual([frame.points, frame.num_rows, frame.x, frame.y], [3, 16, 1, -2]);
  assert.ok(isNear(frame.halfWidth, 0.1));
  assert.deepEqual([...frame.u.slice(0, 3), ...frame.v.slice(6)], [1, 2, 3, 2, 2, 2]); // x runs fastest, from the lowest y on
  assert.deepEqual([...frame.isZero], [0, 0, 0, 0, 0, 0, 1, 0, 0]);
  const { x, y } = partOfStep(frame);
  assert.ok(x[1] > 0.1 && x[1] === -x[0] && y[1] === x[1]);
  const { arrows, zeros } = encode(frame, styleOfStep(frame, { length: "true", under: "none", direction: "ascent" }), look);
  assert.deepEqual([arrows.point.length, zeros.point], [8, [6]]);
});
