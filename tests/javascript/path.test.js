// The path through the epochs: what lies on the plane, and where it leaves it.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pathSentence, pathStrokes } from "../../assets/pure/path.js";
import { reachOf } from "../../assets/pure/plane.js";
import { isNear, palette } from "./constants.js";

const HALF_WIDTH = 1;
const POINTS = 21;
const REACH = reachOf(HALF_WIDTH, POINTS);

const framesOf = (places) => new Map(places.map(([x, y], index) => [index, { index, x, y }]));
const strokesOf = (places, at = 0) => pathStrokes(framesOf(places), { ...framesOf(places).get(at) }, HALF_WIDTH, POINTS, palette);
const headsOf = (places, at) => strokesOf(places, at).find(({ kind }) => kind === "heads") ?? { x: [], y: [], angles: [] };
const places = fc.array(fc.tuple(fc.double({ min: -4, max: 4, noNaN: true }), fc.double({ min: -4, max: 4, noNaN: true })), { minLength: 2, maxLength: 12 });

test("the line runs through all epochs in their order, relative to the one on show", () => {
  fc.assert(fc.property(places, fc.nat(), (way, seed) => {
    const at = seed % way.length;
    const shuffled = new Map([...framesOf(way)].reverse());
    const [under] = pathStrokes(shuffled, framesOf(way).get(at), HALF_WIDTH, POINTS, palette);
    assert.deepEqual(under.x, way.map(([x]) => x - way[at][0]));
    assert.deepEqual(under.y, way.map(([, y]) => y - way[at][1]));
  }));
});

test("what was is firm, what comes is dashed, and they meet at the epoch on show", () => {
  fc.assert(fc.property(places, fc.nat(), (way, seed) => {
    const at = seed % way.length;
    const lines = strokesOf(way, at).filter(({ kind, colour }) => kind === "line" && colour === palette.centre);
    const past = lines.find(({ dashed }) => !dashed);
    const future = lines.find(({ dashed }) => dashed);
    assert.equal(past?.x.length ?? 1, at + 1);
    assert.equal(future?.x.length ?? 1, way.length - at);
    if (past) assert.equal(past.x.at(-1), 0);
    if (future) assert.equal(future.x[0], 0);
  }));
});

test("triangles lie on the border of the plane, on the path, and point along it", () => {
  fc.assert(fc.property(places, (way) => {
    const { x, y, angles } = headsOf(way);
    x.forEach((_, k) => {
      assert.ok(isNear(Math.max(Math.abs(x[k]), Math.abs(y[k])), REACH));
      const moved = way.map(([a, b]) => [a - way[0][0], b - way[0][1]]);
      const isOnPiece = moved.slice(1).some(([bx, by], n) => {
        const [ax, ay] = moved[n];
        const length = Math.hypot(bx - ax, by - ay);
        const isBetween = Math.abs(Math.hypot(x[k] - ax, y[k] - ay) + Math.hypot(bx - x[k], by - y[k]) - length) < 1e-9 * (1 + length);
        const isAlong = Math.abs(Math.sin((angles[k] * Math.PI) / 180) * length - (bx - ax)) < 1e-9 * (1 + length);
        return isBetween && isAlong;
      });
      assert.ok(isOnPiece);
    });
  }));
});

test("a piece that lies inside or passes by has no triangle, one that leaves has one, one that crosses has two", () => {
  assert.equal(headsOf([[0, 0], [0.5, 0.5]]).x.length, 0);
  assert.equal(headsOf([[0, 0], [2, 3], [-2, 3]]).x.length, 1);
  const { x, y, angles } = headsOf([[0, 0], [5, 0]]);
  assert.deepEqual([x, y, angles], [[REACH], [0], [90]]);
  assert.equal(headsOf([[0, 0], [0, 2], [3, 2], [3, 0], [-3, 0]]).x.length, 3);
});

test("the sentence counts the epochs on the plane", () => {
  const say = (way, isLoading = false) => pathSentence(framesOf(way), framesOf(way).get(0), HALF_WIDTH, POINTS, isLoading);
  assert.equal(say([[0, 0]]), "");
  assert.equal(say([[0, 0], [0.5, 0], [1.1, -1.1]]), "All 3 epochs lie on this plane.");
  assert.equal(say([[0, 0], [0.5, 0], [1.2, 0]]), "2 of 3 epochs lie on this plane; triangles at its border say where the path goes on.");
  assert.equal(say([[0, 0], [0.5, 0]], true), "2 epochs of the path so far.");
  fc.assert(fc.property(places, (way) => {
    const inside = way.filter(([x, y]) => Math.max(Math.abs(x - way[0][0]), Math.abs(y - way[0][1])) <= REACH).length;
    const dots = strokesOf(way).find(({ kind }) => kind === "dots");
    assert.equal(dots.x.length, inside);
    assert.deepEqual(dots.texts.length, inside);
    assert.ok(say(way).startsWith(inside === way.length ? `All ${inside} ` : `${inside} of ${way.length} `));
  }));
});
