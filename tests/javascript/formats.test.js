// Numbers as people read them, waits, and the address of a view.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { number, percent, percentOf, whole } from "../../assets/pure/formats.js";
import { patience } from "../../assets/pure/patience.js";
import { choicesOf, searchOf, valuesOf } from "../../assets/pure/fields.js";

test("a number has as many digits as asked for, and says what it is", () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => Math.abs(value) > 1e-300 && Math.abs(value) < 1e300), fc.integer({ min: 2, max: 6 }), (value, digits) => {
    const text = number(value, digits);
    assert.ok(!text.includes("-"));
    const read = Number(text.replaceAll("−", "-"));
    assert.ok(Math.abs(read - value) <= 0.51 * 10 ** (1 - digits) * 10 ** Math.ceil(Math.log10(Math.abs(value))));
  }));
  assert.deepEqual([0, -0, 0.04, 123.456, -1.5, 9999, 3290, 1234.5, 12345.6, 2000000, 0.000999].map((value) => number(value)), ["0", "0", "0.0400", "123", "−1.50", "9999", "3290", "1230", "1.23e+4", "2.00e+6", "9.99e−4"]);
});

test("whole numbers have their thousands apart, and the sign for minus", () => {
  assert.deepEqual([0, -12, 1234567].map(whole), ["0", "−12", "1,234,567"]);
});

test("shares are said as in Python", () => {
  for (const { share, percent: rough, percent_of: precise } of JSON.parse(readFileSync(new URL("../fixtures/shares.json", import.meta.url), "utf8")))
    assert.deepEqual([percent(share), percentOf(share)], [rough, precise], `${share}`);
});

test("a share that is not none and not all never looks so", () => {
  assert.deepEqual([0, 0.004, 0.005, 0.5, 0.995, 0.996, 1].map(percent), ["0 %", "<1 %", "1 %", "50 %", ">99 %", ">99 %", "100 %"]);
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
    assert.equal(percent(share) === "0 %", share === 0);
    assert.equal(percent(share) === "100 %", share === 1);
  }));
});

test("waits grow to half a minute, and are no shorter than the server says", () => {
  assert.deepEqual([1, 2, 3].map((failures) => patience(failures)), [1000, 1500, 2250]);
  fc.assert(fc.property(fc.nat(40), fc.nat(100), (failures, seconds) => {
    const wait = patience(failures, seconds);
    assert.ok(wait >= 1000 && wait <= 30_000 && wait >= 1000 * Math.min(30, seconds));
    assert.ok(patience(failures + 1, seconds) >= wait);
  }));
});

const fieldOf = (name, key, standard, control = null, holds = "value") => ({ name, key, default: standard, control, holds });
const FIELDS = [
  fieldOf("view", "view", "explore", "view"), fieldOf("compared", "compared", ["none", "dropout"], "compared"), fieldOf("epoch", "epoch", null),
  fieldOf("x_a", "x1", null), fieldOf("half_width", "width", null, "half-width", "typed number or none"), fieldOf("seed", "seed", 0, "seed", "typed number"), fieldOf("points", "points", null, "points", "text or auto"),
  fieldOf("show", "show", [], "show"),
];
const STANDARD = Object.fromEntries(FIELDS.map(({ name, default: standard }) => [name, standard]));

test("what is as by default is left out of the address", () => {
  assert.equal(searchOf(STANDARD, FIELDS), "");
  assert.equal(searchOf({ ...STANDARD, epoch: 0 }, FIELDS), "?epoch=0");
  assert.equal(searchOf({ ...STANDARD, x_a: "towards:none/3", half_width: 0.1 }, FIELDS), "?x1=towards:none/3&width=0.1");
  assert.equal(searchOf({ ...STANDARD, x_a: "random:1@hidden.1&" }, FIELDS), "?x1=random:1@hidden.1%26");
  assert.equal(searchOf({ ...STANDARD, x_a: "hidden.0.linear.weight[1,2]", compared: ["none"], show: ["path", "spread"] }, FIELDS), "?compared=none&x1=hidden.0.linear.weight[1,2]&show=path,spread");
});

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const views = fc.record({
  view: name, compared: fc.array(name, { minLength: 1 }), epoch: fc.option(fc.nat()), x_a: fc.option(fc.string({ minLength: 1 })),
  half_width: fc.option(fc.double({ min: 1e-3, max: 10, noNaN: true })), seed: fc.nat(), points: fc.option(fc.nat()), show: fc.array(name, { minLength: 1 }),
});

test("an address says the whole view again", () => {
  fc.assert(fc.property(views, (view) => {
    const read = new URLSearchParams(searchOf(view, FIELDS));
    for (const { name: field, key, default: standard } of FIELDS) assert.equal(read.get(key) ?? `${standard}`, `${view[field] ?? standard}`);
  }));
});

test("what the controls hold makes the choices again", () => {
  fc.assert(fc.property(views, (view) => {
    const held = { ...view };
    for (const own of ["epoch", "x_a"]) delete held[own]; // the page has controls of its own for them
    assert.deepEqual(choicesOf(valuesOf(view, FIELDS), FIELDS), held);
  }));
});

test("a control that is empty, or not a number yet, makes no choice, unless none is one", () => {
  assert.deepEqual(choicesOf(["explore", [], "", "", "5", []], FIELDS), { view: "explore", compared: [], half_width: null, points: 5, show: [] });
  assert.deepEqual(choicesOf(["explore", null, null, "", "21", undefined], FIELDS), { view: "explore", points: 21 });
  assert.deepEqual(choicesOf(["explore", [], 0.5, 3, "5", []], FIELDS), { view: "explore", compared: [], half_width: 0.5, seed: 3, points: 5, show: [] });
  assert.deepEqual(choicesOf(["explore", [], 0.5, 3, "auto", []], FIELDS), { view: "explore", compared: [], half_width: 0.5, seed: 3, points: null, show: [] });
  assert.deepEqual(choicesOf(["16"], [fieldOf("minibatch_size", "size", 64, "size", "text")]), { minibatch_size: 16 });
  assert.deepEqual(choicesOf(["explore", [], "-", "-", "5", []], FIELDS), { view: "explore", compared: [], points: 5, show: [] });
});
