// Seeds of one configuration as one curve: their mean, and what lies between the smallest and the largest.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { csvOf } from "../../assets/pure/csv.js";
import { lossFigure } from "../../assets/pure/figure.js";
import { grouped, groupsWithin, metricsOfSeeds, seedsWords, spreadOfSeeds } from "../../assets/pure/groups.js";
import { isNear, palette } from "./constants.js";

const numbers = fc.array(fc.option(fc.double({ min: 1e-3, max: 1e3, noNaN: true })), { maxLength: 6 });
const metricsOf = (epoch, train, tested) => ({ epoch, train: train, test: tested });
const SEEDS = [metricsOf([0, 1, 2, 3], [8, 4, 2, 1], [9, 5, null, 2]), metricsOf([0, 1, 2], [8, 2, 1], [9, 7, 3]), metricsOf([0, 2], [8, 3], [9, 5])];

test("the mean lies between the smallest and the largest of those that are there", () => {
  fc.assert(fc.property(numbers, (values) => {
    const spread = spreadOfSeeds(values);
    const there = values.filter((value) => value !== null);
    if (!there.length) return assert.equal(spread, null);
    assert.deepEqual([spread.n, spread.low, spread.high], [there.length, Math.min(...there), Math.max(...there)]);
    let sum = 0;
    for (const value of there) sum += value;
    assert.ok(isNear(spread.value, sum / there.length, 1e-12)); // the same sum: round-off of a division at most
    assert.ok(spread.low <= spread.value * (1 + 1e-12) && spread.value <= spread.high * (1 + 1e-12));
  }));
});

test("a mean is of the epochs that all seeds have, and leaves out what is no number", () => {
  const { metrics, spreads } = metricsOfSeeds(SEEDS, ["train", "test"]);
  assert.deepEqual(metrics, { epoch: [0, 2], train: [8, 2], test: [9, 4] });
  assert.deepEqual(spreads.train[1], { value: 2, low: 1, high: 3, n: 3 });
  assert.deepEqual(spreads.test[1], { value: 4, low: 3, high: 5, n: 2 });
});

test("a group stands where its first member stood, and takes two members at least", () => {
  const groups = [{ label: "A", runs: ["a", "b", "c"] }, { label: "D", runs: ["d", "e"] }];
  const within = groupsWithin(groups, ["x", "b", "d", "c"]);
  assert.deepEqual(within, [{ label: "A", runs: ["b", "c"] }]);
  const joined = grouped(["x", "b", "d", "c"], within, (run) => run, ({ label }, members) => `${label}(${members})`);
  assert.deepEqual(joined, ["x", "A(b,c)", "d"]);
  assert.deepEqual(grouped(["x", "d"], [], (run) => run, () => assert.fail()), ["x", "d"]);
});

test("loss curves of seeds have a band under their mean, and tell how many they are", () => {
  const single = { label: "None", colour: "#123456", isChosen: true, metrics: SEEDS[0] };
  const several = { label: "Dropout, n = 3", colour: "#654321", isChosen: true, ...metricsOfSeeds(SEEDS, ["train", "test"]) };
  const alone = lossFigure([single], 3, palette).data;
  const { data } = lossFigure([single, several], 3, palette);
  assert.deepEqual(data.slice(0, 2), alone); // single runs look as ever
  assert.deepEqual(data.slice(2).map(({ name, fill }) => [name, fill]), [
    ["Dropout, n = 3 train, smallest to largest", "toself"], ["Dropout, n = 3 train", undefined],
    ["Dropout, n = 3 test, smallest to largest", "toself"], ["Dropout, n = 3 test", undefined],
  ]);
  const [band, mean] = data.slice(2);
  assert.deepEqual([band.x, band.customdata], [[0, 2, 2, 0], [8, 3, 1, 8]]);
  assert.ok(band.y.every((value, k) => value === Math.log10(band.customdata[k])));
  assert.deepEqual([mean.x, mean.customdata, mean.text], [[0, 2], [8, 2], ["8.000 [8.00, 8.00], n = 3", "2.000 [1.00, 3.00], n = 3"]]);
  assert.equal(seedsWords({ low: 0.5, high: 1, n: 2 }), "[0.500, 1.00], n = 2");
});

test("a table keeps commas, quotes and lines in their cells, and numbers in full", () => {
  assert.equal(csvOf([["of", "loss"], ["None, Adam", 0.1 + 0.2], ['the "best"', null], ["two\nlines", 1e-12]]),
    'of,loss\r\n"None, Adam",0.30000000000000004\r\n"the ""best""",\r\n"two\nlines",1e-12\r\n');
});
