// What a picture consists of: figures, strokes, colours, words, the map of units, and the part of the plane on show.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scaleOf } from "../../assets/pure/arrows.js";
import { channels, pixelsOf, shadeAt, shadesOf } from "../../assets/pure/colours.js";
import { differenceOf } from "../../assets/pure/difference.js";
import { landscapeFigure, lossFigure } from "../../assets/pure/figure.js";
import { number } from "../../assets/pure/formats.js";
import { decodeFrame } from "../../assets/pure/frame.js";
import { overlaySentences, overlayStrokes } from "../../assets/pure/overlays.js";
import { plainSentences } from "../../assets/pure/plain.js";
import { isSamePart, movedPart, partName, scaledPart, wholePlane } from "../../assets/pure/plane.js";
import { angleOf, disc, dots, heads, line, strokeTraces } from "../../assets/pure/strokes.js";
import { nextUnit, unitAt, unitLayout, unitWords } from "../../assets/pure/units.js";
import { reasonOfAllZero } from "../../assets/pure/zero.js";
import { centres, cnn, frameOf, isNear, look, palette, run } from "./constants.js";

const NAMES = { x: "hidden.0.linear.bias[0]", y: "hidden.0.linear.bias[1]" };

function figureOf(frame, style = {}) {
  const whole = { halfWidth: 1, scale: scaleOf([frame]), length: "compressed", direction: "ascent", under: "heat", side: 300, part: wholePlane(1, frame.points), ...style };
  return landscapeFigure(frame, whole, NAMES, 7, palette);
}

const traceOf = ({ data }, type) => data.find((trace) => trace.type === type);

test("a figure has the loss under the arrows, and each arrow with its own numbers", () => {
  const frame = frameOf(3, { u: (k) => k + 1, v: () => 1, isZero: (k) => k === 4, x: 10, y: 20 });
  const figure = figureOf(frame);
  assert.deepEqual(figure.data.map(({ type }) => type), ["heatmap", "quiver", "scatter", "scatter"]);
  const { customdata, marker } = traceOf(figure, "quiver");
  assert.equal(customdata.length, 8);
  assert.deepEqual(customdata[0], [9, 19, 1, 1, Math.hypot(1, 1), 0]);
  assert.deepEqual(figure.data[2].customdata, [[10, 20, 5, 1, Math.hypot(5, 1), 4]]);
  assert.deepEqual([marker.cmin, marker.cmax], [scaleOf([frame]).low, scaleOf([frame]).high]);
  assert.deepEqual(figure.layout.meta, { token: 7, part: partName(wholePlane(1, 3)) });
  assert.equal(figure.layout.xaxis.title.text, `Δ ${NAMES.x}`);
});

test("of the loss, level lines, shades or nothing are drawn, and nothing where it is flat", () => {
  assert.equal(traceOf(figureOf(frameOf(3), { under: "contour" }), "contour").contours.size, 0.8);
  assert.deepEqual(traceOf(figureOf(frameOf(3)), "heatmap").z, [[0, 1, 2], [3, 4, 5], [6, 7, 8]]);
  for (const figure of [figureOf(frameOf(3), { under: "none" }), figureOf(frameOf(3, { loss: () => 1 }))]) assert.equal(figure.data[0].type, "quiver");
});

test("where all arrows are zero there is none, and a shared scale has no bar in the picture", () => {
  assert.equal(traceOf(figureOf(frameOf(3, { isZero: () => true })), "quiver"), undefined);
  assert.deepEqual([true, false].map((sharesScale) => traceOf(figureOf(frameOf(3), { sharesScale }), "quiver").marker.showscale), [false, true]);
});

test("what hovers says whether it is a difference, and which way the arrow points", () => {
  const said = (...args) => traceOf(figureOf(...args), "quiver");
  assert.equal(said(frameOf(3)).text, undefined); // it would be drawn on each arrow
  assert.match(said(frameOf(3)).hovertemplate[0], /^x₁ = .*∂J\/∂x₁ = .*mean \|error\|/);
  assert.match(said(frameOf(3), { direction: "descent" }).hovertemplate[0], /−∇J/);
  const difference = differenceOf(frameOf(3, { u: () => 2 }), frameOf(3));
  assert.match(said(difference).hovertemplate[0], /^Δx₁ = .*Δ∂J\/∂x₁ = .*difference of J = /);
  const { hovertemplate: text, customdata } = said(frameOf(3, { u: (k) => -1 - k, x: -1, y: 1 }));
  for (const [k, [x, y, u]] of customdata.entries()) {
    assert.ok(text[k].startsWith(`x₁ = ${number(x, 5)}, x₂ = ${number(y, 5)}<br>∂J/∂x₁ = ${number(u, 4)}<br>`));
    assert.ok(!text[k].includes("-"), text[k]);
  }
  assert.equal(traceOf(figureOf(difference), "quiver").marker.colorbar.title.text, "log10 |Δ∇J|");
});

test("loss curves leave out what has no logarithm, fade what is not chosen, and have round ticks", () => {
  const curvesOf = (label, isChosen, train, tested) => ({ label, isChosen, colour: "#123456", metrics: { epoch: [0, 1, 2], train, test: tested } });
  const figure = lossFigure([curvesOf("None", true, [null, 8, 2], [9, 0, 3]), curvesOf("Dropout", false, [5, 5, 5], [5, 5, 5])], 9, palette);
  assert.deepEqual(figure.data.map(({ name }) => name), ["None train", "None test", "Dropout train", "Dropout test"]);
  assert.deepEqual(figure.data.map(({ x }) => x), [[1, 2], [0, 2], [0, 1, 2], [0, 1, 2]]);
  assert.deepEqual(figure.data.map(({ opacity }) => opacity), [1, 1, 0.45, 0.45]);
  assert.deepEqual(figure.layout.xaxis.range, [0, 9]);
  assert.deepEqual(figure.layout.yaxis.ticktext, ["1", "1.2", "1.5", "2", "3", "4", "5", "6", "8"]);
  fc.assert(fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.double({ min: 1, max: 1e4, noNaN: true }), (low, factor) => {
    const { yaxis } = lossFigure([curvesOf("None", true, [low, low * factor, low], [low, low, low])], 2, palette).layout;
    assert.ok(yaxis.tickvals.length >= 1 && yaxis.tickvals.length <= 27);
    assert.deepEqual(yaxis.tickvals, [...yaxis.tickvals].sort((a, b) => a - b));
  }));
});

test("where nothing has been recorded it says so, on an axis without numbers", () => {
  for (const curves of [[], [{ label: "now", isChosen: true, colour: "#123456", metrics: { epoch: [0], train: [null] } }]]) {
    const { annotations, yaxis } = lossFigure(curves, 1, palette).layout;
    assert.deepEqual([annotations.map(({ text }) => text), yaxis.showticklabels, yaxis.tickvals], [["nothing recorded yet"], false, []]);
  }
});

test("curves that are no losses are drawn as they are, zeros and all, and those of no rows in particular under their run's name", () => {
  const accuracy = { label: "adam", isChosen: true, colour: "#123456", metrics: { epoch: [0, 1, 2], train: [0, 0.5, null], test: [0.1, 0.2, 0.3] } };
  const figure = lossFigure([accuracy, { ...accuracy, label: "sgd", metrics: { epoch: [0, 1], value: [-1, 2] } }], 2, palette, { title: "accuracy", isLog: false });
  assert.deepEqual(figure.data.map(({ name, y }) => [name, y]), [["adam train", [0, 0.5]], ["adam test", [0.1, 0.2, 0.3]], ["sgd", [-1, 2]]]);
  assert.equal(figure.layout.yaxis.title.text, "accuracy");
  assert.equal(figure.layout.yaxis.tickvals, undefined);
});

// ---- strokes and overlays ---------------------------------------------------------------------------------------

test("a stroke becomes one trace of the same places", () => {
  const strokes = [line([0, 1], [2, 3], "red", { dashed: true }), dots([0], [1], "blue", { texts: ["here"] }), heads([0], [1], [90], "green"), disc(2, "white", 0.8)];
  const traces = strokeTraces(strokes);
  assert.deepEqual(traces.map(({ mode }) => mode), ["lines", "markers", "markers", "lines"]);
  traces.forEach(({ x, y }, k) => assert.deepEqual([x, y], [strokes[k].x, strokes[k].y]));
  assert.deepEqual([traces[0].line.dash, traces[1].text, traces[1].hoverinfo, traces[2].marker.angle, traces[3].fill], ["3px,3px", ["here"], "text", [90], "toself"]);
  const round = disc(2, "white", 1);
  round.x.forEach((x, k) => assert.ok(isNear(Math.hypot(x, round.y[k]), 2)));
  assert.deepEqual([angleOf(0, 1), angleOf(1, 0), angleOf(0, -1), angleOf(-1, 0)], [0, 90, 180, -90]);
});

test("overlays are drawn where they are wanted, once the minibatches of this epoch are all there", () => {
  const frames = new Map([[0, frameOf(3)], [1, frameOf(3, { index: 1, x: 0.5 })]]);
  const minibatches = { frames: centres([[1, 0], [0, 1]]), loading: null, selection: { epoch: 1 } };
  const plan = { x: "a[0]", y: "a[1]", halfWidth: 1, epochs: { frames, loading: null }, minibatches };
  const view = { show: ["path", "spread"], epoch: 1 };
  const style = { halfWidth: 1, length: "true", direction: "ascent" };
  const strokes = (over, one = plan) => overlayStrokes({ ...view, ...over }, one, frames.get(1), style, palette).map(({ kind }) => kind);
  assert.deepEqual(strokes({}), ["disc", "line", "dots", "line", "heads", "line", "line", "dots"]);
  assert.deepEqual(strokes({ show: ["path"] }), ["line", "line", "dots"]);
  assert.deepEqual(strokes({ show: ["path"] }, { ...plan, x: "step" }), []);
  assert.deepEqual(strokes({ show: [] }), []);
  assert.deepEqual(strokes({ show: ["spread"], epoch: 0 }), []);
  assert.deepEqual(strokes({ show: ["spread"] }, { ...plan, minibatches: { ...minibatches, loading: {} } }), []);
  assert.deepEqual(overlayStrokes(view, plan, differenceOf(frameOf(3), frameOf(3)), style, palette), []);
  assert.deepEqual(overlaySentences(view, plan, frames.get(1)), [
    "2 of 2 minibatches point within 90° of their mean direction (R = 0.71).", "All 2 epochs lie on this plane.",
  ]);
});

// ---- colours ----------------------------------------------------------------------------------------------------

test("shades go from one end of a scale to the other, and pixels are the same colours", () => {
  const shades = shadesOf(palette.arrows);
  assert.deepEqual([shades[0], shades.at(-1), shades.length], ["rgb(255,255,255)", "rgb(0,0,100)", 48]);
  assert.deepEqual([...pixelsOf(palette.arrows)].map((pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255, pixel >>> 24]), shades.map((shade) => [...channels(shade), 255]));
  assert.deepEqual([channels("#0a10ff"), channels("rgb(1, 2, 3)")], [[10, 16, 255], [1, 2, 3]]);
  const value = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(fc.property(value, value, value, value, (a, b, low, high) => {
    const [one, other] = [Math.min(a, b), Math.max(a, b)].map((each) => shadeAt(each, low, high));
    assert.ok(one >= 0 && other <= 47 && one <= other);
  }));
  assert.deepEqual([shadeAt(1, 0, 1), shadeAt(0, 0, 1), shadeAt(5, 5, 5)], [47, 0, 47]);
});

// ---- words ------------------------------------------------------------------------------------------------------

const PLAN = { run: "none", label: "None", network: run, isRandom: false, x: NAMES.x, y: NAMES.y, minus: undefined, epochs: { frames: new Map(), loading: null }, minibatches: null };
const wordsOf = (frame, view = {}, plan = {}) => plainSentences({ view: { direction: "ascent", mode: "eval", masks: "fresh", show: [], ...view } }, { ...PLAN, ...plan }, frame);

test("words say where the gradient points, and leave out what cannot be seen", () => {
  const first = (u, v, view) => wordsOf(frameOf(3, { u: () => u, v: () => v }), view)[0];
  assert.equal(first(1, -1), "At ○ the gradient points to larger x₁ and smaller x₂.");
  assert.equal(first(1, 0.05), "At ○ the gradient points to larger x₁.");
  assert.equal(first(0, -1), "At ○ the gradient points to smaller x₂.");
  assert.equal(first(1, -1, { direction: "descent" }), "At ○ descent goes to smaller x₁ and larger x₂.");
  assert.equal(wordsOf(frameOf(3, { isZero: (k) => k === 4 }))[0], "At ○ the gradient is zero up to round-off.");
});

test("words count what is zero, and say which units are active", () => {
  const frame = frameOf(3, { isZero: (k) => k < 2, num_unresolved: 3, x_active: 0, y_active: 0.25 });
  assert.deepEqual(wordsOf(frame).slice(1), [
    "50 % of 64 rows are predicted below target.",
    "2 of 9 arrows are zero up to round-off. 3 arrows are too small for float32: their numbers are float64's.",
    "Unit 0 is inactive on all of them, unit 1 is active on 25 % of them.",
  ]);
  assert.match(wordsOf(frame, {}, { y: "hidden.1.linear.bias[2]" }).at(-1), /unit 2 of hidden layer 1 is active on 25 %/);
  assert.doesNotMatch(wordsOf(frame, {}, { x: "output.bias[0]", y: "output.weight[0,0]" }).join(" "), /active/);
});

test("words say that along a dead unit's parameter nothing changes, where that is so on the whole plane", () => {
  const sentence = "∂J/\u2060∂x₁ is zero on the whole plane: all arrows are parallel to x₂.";
  const flat = { u: () => 0, v: () => 1, x_active: 0, y_active: 0.5 };
  assert.ok(wordsOf(frameOf(3, flat)).includes(sentence));
  assert.ok(!wordsOf(frameOf(3, { ...flat, u: (k) => (k === 8 ? 1 : 0) })).includes(sentence)); // a corner where it wakes up
  assert.ok(!wordsOf(frameOf(3, { ...flat, x_active: 0.1 })).includes(sentence));
});

test("where rows lie below no target, words print what the study tells, without knowing it", () => {
  const facts = [
    { name: "accuracy", value: 0.91, unit: "", sentence: "91 % of the rows are classified correctly" },
    { name: "mean_length", value: 3, unit: "m", sentence: "" },
  ];
  const words = wordsOf(frameOf(3, { share_below: null, x_active: null, y_active: null, facts }), {}, { network: cnn, x: "conv1.bias[0]", y: "fc.bias[1]" });
  assert.deepEqual(words.slice(1), ["91 % of the rows are classified correctly.", "mean length = 3 m."]);
  assert.doesNotMatch(wordsOf(frameOf(3, { share_below: null, x_active: null, y_active: null }), {}, { network: cnn }).join(" "), /below target|active|null/);
});

test("words name the masks where they are random", () => {
  const last = (masks, isRandom) => wordsOf(frameOf(3), { mode: "train", masks }, { isRandom }).at(-1);
  assert.match(last("fresh", true), /^Masks are drawn anew/);
  assert.match(last("frozen", true), /^One random set/);
  assert.match(last("averaged", true), /^Arrows are means/);
  assert.doesNotMatch(last("fresh", false), /[Mm]asks/);
  assert.match(wordsOf(differenceOf(frameOf(3), frameOf(3)), { mode: "train" }, { minus: { isRandom: true } }).at(-1), /^Masks are drawn anew/);
});

test("all arrows zero have the reason that most of them give", () => {
  const zero = frameOf(3, { isZero: () => true });
  zero.zeroReason.set([1, 1, 2, 2, 2, 2, 2, 1, 1]);
  assert.equal(reasonOfAllZero(zero), 2);
  assert.equal(reasonOfAllZero(frameOf(3, { isZero: (k) => k > 0 })), 0);
});

// ---- units ------------------------------------------------------------------------------------------------------

const units = fc.array(fc.tuple(fc.constantFrom(0, 0.25, 0.5, 1), fc.oneof(fc.constant(0), fc.double({ min: 1e-4, max: 10, noNaN: true }))), { minLength: 1, maxLength: 30 })
  .map((given) => ({ active: given.map(([share]) => share), gradient_rms: given.map(([, size]) => size) }));

test("every unit lies within the map, further right the more often it is active", () => {
  fc.assert(fc.property(units, (given) => {
    const layout = unitLayout(given, 400, 330);
    for (const { x, y, isDead, share, isZero } of layout.units) {
      assert.ok(x >= 0 && x <= 400 && y >= 0 && y <= 330);
      assert.equal(isDead, share === 0 && isZero);
    }
    const shown = layout.units.filter(({ share }) => share > 0).sort((a, b) => a.share - b.share);
    shown.slice(1).forEach((one, k) => assert.ok(one.x >= shown[k].x));
    for (const one of layout.units) assert.notEqual(unitAt(layout, one.x, one.y), null);
    assert.equal(unitAt(layout, -100, -100), null);
  }));
});

test("units that are never inactive lie in the order of their numbers", () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-4, max: 10, noNaN: true })), { minLength: 1, maxLength: 30 }), (sizes) => {
    const { units: made } = unitLayout({ active: null, gradient_rms: sizes }, 400, 330);
    made.slice(1).forEach((one, k) => assert.ok(one.x > made[k].x));
    for (const { x, y, isDead } of made) assert.ok(x >= 0 && x <= 400 && y >= 0 && y <= 330 && !isDead);
  }));
  assert.deepEqual(unitLayout({ active: null, gradient_rms: [0, 0.0123] }, 400, 330).units.map((one) => unitWords(one)), [
    "unit 0: gradient zero up to round-off", "unit 1: gradient 0.0123 (RMS of the minibatches)",
  ]);
});

test("keys go from unit to unit, and from one end to the other", () => {
  fc.assert(fc.property(units, fc.constantFrom("x", "y"), (given, axis) => {
    const layout = unitLayout(given, 400, 330);
    let at = nextUnit(layout, 0, axis, -Infinity);
    const seen = new Set([at]);
    for (let k = 1; k < layout.units.length; k++) seen.add((at = nextUnit(layout, at, axis, 1)));
    assert.equal(seen.size, layout.units.length);
    assert.equal(at, nextUnit(layout, 0, axis, Infinity));
    assert.equal(nextUnit(layout, at, axis, 1), at);
  }));
});

test("words of a unit", () => {
  const { units: made } = unitLayout({ active: [0, 0.5, 0], gradient_rms: [0, 0.0123, 1] }, 400, 330);
  assert.deepEqual(made.map((one) => unitWords(one)), [
    "unit 0: dead, gradient zero up to round-off", "unit 1: active on 50 % of training rows, gradient 0.0123 (RMS of the minibatches)",
    "unit 2: active on none of the training rows looked at, gradient 1.00 (RMS of the minibatches)",
  ]);
});

// ---- plane ------------------------------------------------------------------------------------------------------

test("zooming in and out again comes back, and what is as large as the plane is the plane", () => {
  const whole = wholePlane(0.1, 21);
  assert.ok(isNear(whole.x[1], 0.11));
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }), (times, across, up) => {
    let part = whole;
    for (let k = 0; k < times; k++) part = movedPart(part, whole, 0.5);
    const there = movedPart(part, whole, 1, [across, up]);
    assert.ok(isSamePart(movedPart(there, whole, 1, [-across, -up]), part));
    assert.equal(isSamePart(there, part), across === 0 && up === 0);
    assert.equal(movedPart(part, whole, 2 ** times), null);
  }));
  assert.notEqual(partName(wholePlane(0.1, 21)), partName(wholePlane(0.2, 21)));
  assert.ok(isSamePart(scaledPart(wholePlane(1, 21), 0.1), whole));
});

// ---- frames -----------------------------------------------------------------------------------------------------

function blockOf(about, arrays = []) {
  const text = JSON.stringify(about);
  const padded = new TextEncoder().encode(text.padEnd(4 * Math.ceil(text.length / 4)));
  const parts = [new Uint8Array(Uint32Array.of(padded.length).buffer), padded, ...arrays.map((array) => new Uint8Array(array.buffer))];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

test("a frame has its numbers again, bit for bit", () => {
  const floats = fc.array(fc.float(), { minLength: 9, maxLength: 9 }).map((values) => Float32Array.from(values));
  fc.assert(fc.property(floats, floats, floats, fc.array(fc.constantFrom(0, 1), { minLength: 9, maxLength: 9 }), (u, v, loss, zero) => {
    const isZero = Uint8Array.from(zero);
    const frame = decodeFrame(blockOf({ index: 3, x: 1 }, [u, v, loss, isZero, isZero]));
    assert.deepEqual([frame.index, frame.x, frame.points], [3, 1, 3]);
    assert.deepEqual([frame.u, frame.v, frame.loss, frame.isZero, frame.zeroReason], [u, v, loss, isZero, isZero]);
  }));
  const nine = new Float32Array(9);
  const { zeroParts } = decodeFrame(blockOf({ index: 0, zero_parts: { u: "0000", v: "1001" } }, [nine, nine, nine, new Uint8Array(9), new Uint8Array(9)]));
  assert.deepEqual([[...zeroParts.u], [...zeroParts.v]], [[0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 1]]);
  assert.deepEqual(decodeFrame(blockOf({ index: 4, error: "gone" })), { index: 4, error: "gone" });
});

test("the constants are those that the server told", () => assert.equal(look.longest_in_cells, 0.92));
