// The field of a composed minibatch by sums, against the mean from scratch, and the rows' bytes as the server writes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Increments } from "../../assets/pure/increments.js";
import { decodeFields } from "../../assets/pure/rowfields.js";

const SIZE = 25;

// Numbers of many sizes, as gradients have them.
function madeFields(count, seed) {
  let state = seed;
  const next = () => ((state = (1103515245 * state + 12345) % 2147483648), state / 2147483648 - 0.5);
  const made = () => Float32Array.from({ length: SIZE }, () => next() * 10 ** (6 * next()));
  return new Map(Array.from({ length: count }, (_, row) => [row, { u: made(), v: made() }]));
}

function fromScratch(fields, rows) {
  const mean = (part) => Float64Array.from({ length: SIZE }, (_, k) => rows.reduce((sum, row) => sum + fields.get(row)[part][k], 0) / rows.length);
  return { u: mean("u"), v: mean("v") };
}

function assertSame(found, wanted, within) {
  for (const part of ["u", "v"]) {
    const size = Math.max(...wanted[part].map(Math.abs));
    for (let k = 0; k < SIZE; k++) assert.ok(Math.abs(found[part][k] - wanted[part][k]) <= within * size, `${part}[${k}]: ${found[part][k]} is not ${wanted[part][k]}`);
  }
}

test("after a thousand random swaps the field is the one from scratch", () => {
  const fields = madeFields(200, 7);
  const increments = new Increments(SIZE);
  for (let row = 0; row < 64; row++) increments.add(row, fields.get(row));
  let state = 3;
  const below = (most) => ((state = (1103515245 * state + 12345) % 2147483648), Math.floor((state / 2147483648) * most));
  for (let swap = 0; swap < 1000; swap++) {
    const inside = increments.rows;
    const out = inside[below(inside.length)];
    const free = [...fields.keys()].filter((row) => !inside.includes(row));
    const into = free[below(free.length)];
    increments.remove(out, fields.get(out));
    increments.add(into, fields.get(into));
  }
  assertSame(increments.mean(), fromScratch(fields, increments.rows), 1e-6);
});

test("it goes to any rows whose fields are at hand, and else stays as it is", () => {
  const fields = madeFields(30, 11);
  fc.assert(fc.property(fc.uniqueArray(fc.nat(39), { minLength: 1 }), fc.uniqueArray(fc.nat(29), { minLength: 1 }), (rows, start) => {
    const increments = new Increments(SIZE);
    assert.ok(increments.goTo(start, (row) => fields.get(row)));
    const isThere = rows.every((row) => row < 30);
    assert.equal(increments.goTo(rows, (row) => fields.get(row)), isThere);
    const now = isThere ? rows : start;
    assert.deepEqual(new Set(increments.rows), new Set(now));
    assertSame(increments.mean(), fromScratch(fields, now), 1e-6);
  }));
});

test("a row is not put in twice, nor taken out where it is not, nor of another grid", () => {
  const fields = madeFields(2, 1);
  const increments = new Increments(SIZE);
  assert.throws(() => increments.mean(), /at least one row/);
  increments.add(0, fields.get(0));
  assert.throws(() => increments.add(0, fields.get(0)), /in the minibatch already/);
  assert.throws(() => increments.remove(1, fields.get(1)), /not in the minibatch/);
  assert.throws(() => increments.add(1, { u: new Float32Array(9), v: new Float32Array(9) }), /no part/);
});

// As gradviz/compute/row_fields.py packs them.
function packed(header, ...arrays) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 4) * 4).fill(32);
  padded.set(text);
  const parts = [new Uint8Array(Uint32Array.of(padded.length).buffer), padded, ...arrays.map((array) => new Uint8Array(array.buffer))];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) all.set(part, at), (at += part.length);
  return all.buffer;
}

test("each row has its own field", () => {
  const numbers = Float32Array.from({ length: 2 * 3 * 9 }, (_, k) => k);
  const { fields, header } = decodeFields(packed({ rows: [5, 2, 40], points: 3 }, numbers));
  assert.deepEqual([...fields.keys()], [5, 2, 40]);
  assert.equal(header.points, 3);
  assert.deepEqual([...fields.get(2).u], [...numbers.slice(9, 18)]);
  assert.deepEqual([...fields.get(40).v], [...numbers.slice(45, 54)]);
});
