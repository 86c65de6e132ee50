// Numbers as people read them, waits, and the address of a view.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { number, percent } from "../../assets/pure/formats.js";
import { patience } from "../../assets/pure/patience.js";
import { searchOf } from "../../assets/pure/search.js";

test("a number has as many digits as asked for, and says what it is", () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => Math.abs(value) > 1e-300 && Math.abs(value) < 1e300), fc.integer({ min: 2, max: 6 }), (value, digits) => {
    const text = number(value, digits);
    assert.ok(!text.includes("-") || /e-\d+$/.test(text) || text.includes("−"));
    const read = Number(text.replaceAll("−", "-"));
    assert.ok(Math.abs(read - value) <= 0.51 * 10 ** (1 - digits) * 10 ** Math.ceil(Math.log10(Math.abs(value))));
  }));
  assert.deepEqual([0, -0, 0.04, 123.456, -1.5, 9999, 10000, 0.000999].map((value) => number(value)), ["0", "0", "0.0400", "123", "−1.50", "1.00e+4", "1.00e+4", "9.99e−4"]);
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

const KEYS = {
  view: { key: "view", default: "explore" }, compared: { key: "compared", default: ["none", "dropout"] }, epoch: { key: "epoch", default: null },
  x_a: { key: "x1", default: null }, half_width: { key: "width", default: 0.1 }, show: { key: "show", default: [] },
};
const STANDARD = Object.fromEntries(Object.entries(KEYS).map(([name, { default: standard }]) => [name, standard]));

test("what is as by default is left out of the address", () => {
  assert.equal(searchOf(STANDARD, KEYS), "");
  assert.equal(searchOf({ ...STANDARD, epoch: 0 }, KEYS), "?epoch=0");
  assert.equal(searchOf({ ...STANDARD, x_a: "hidden.0.linear.weight[1,2]", compared: ["none"], show: ["path", "spread"] }, KEYS), "?compared=none&x1=hidden.0.linear.weight[1,2]&show=path,spread");
});

test("an address says the whole view again", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
  const views = fc.record({ view: name, compared: fc.array(name, { minLength: 1 }), epoch: fc.option(fc.nat()), x_a: fc.option(fc.string({ minLength: 1 })), half_width: fc.double({ min: 1e-3, max: 10, noNaN: true }), show: fc.array(name, { minLength: 1 }) });
  fc.assert(fc.property(views, (view) => {
    const read = new URLSearchParams(searchOf(view, KEYS));
    for (const [field, { key, default: standard }] of Object.entries(KEYS))
      assert.equal(read.get(key) ?? `${standard}`, `${view[field] ?? standard}`);
  }));
});
