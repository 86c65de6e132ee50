// Which pictures share their colours and lengths.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scaleOf } from "../../assets/pure/arrows.js";
import { stylesOf } from "../../assets/pure/scales.js";
import { GAP, squaresIn } from "../../assets/pure/squares.js";
import { wholePlane } from "../../assets/pure/plane.js";
import { frameOf } from "./constants.js";

const VIEW = { view: "explore", length: "compressed", under: "heat", range: "epochs", direction: "ascent", scales: "locked" };
const PART = wholePlane(0.1, 3);
const frameOfSize = (size) => frameOf(3, { u: () => size });
const panelOf = (sizes, isDifference = false) => {
  const all = new Map(sizes.map((size, epoch) => [epoch, frameOfSize(size)]));
  return { shown: all.get(0), all, isDifference, halfWidth: 0.1, part: PART };
};
const sizes = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 4 });
const panels = fc.array(sizes, { minLength: 1, maxLength: 4 }).map((each) => each.map((one) => panelOf(one)));

test("in Explore each picture has its own scale: colours over all epochs, lengths within the one on show", () => {
  fc.assert(fc.property(panels, (shown) => {
    stylesOf(VIEW, shown).forEach(({ scale, sharesScale }, k) => {
      assert.equal(sharesScale, false);
      const over = scaleOf([...shown[k].all.values()]);
      assert.deepEqual(scale, { ...over, longest: shown[k].shown.range.longest });
    });
  }));
});

test("of the frame alone, colours are measured within it", () => {
  fc.assert(fc.property(panels, (shown) => {
    stylesOf({ ...VIEW, range: "frame" }, shown).forEach(({ scale }, k) => assert.deepEqual(scale, scaleOf([shown[k].shown])));
  }));
});

test("side by side, locked pictures share one scale, free ones do not", () => {
  fc.assert(fc.property(panels, (shown) => {
    const locked = stylesOf({ ...VIEW, view: "compare" }, shown);
    for (const { scale, sharesScale } of locked) {
      assert.equal(sharesScale, true);
      assert.deepEqual(scale, locked[0].scale);
      assert.equal(scale.longest, Math.max(...shown.map((panel) => panel.shown.range.longest)));
    }
    const free = stylesOf({ ...VIEW, view: "compare", scales: "free" }, shown);
    free.forEach(({ scale, sharesScale }, k) => {
      assert.equal(sharesScale, false);
      assert.equal(scale.longest, shown[k].shown.range.longest);
    });
  }));
});

test("differences have a scale of their own, and then no bar is shared", () => {
  const shown = [panelOf([1]), panelOf([100], true), panelOf([10], true)];
  const styles = stylesOf({ ...VIEW, view: "compare" }, shown);
  assert.deepEqual(styles.map(({ sharesScale }) => sharesScale), [false, false, false]);
  assert.deepEqual(styles.map(({ scale }) => scale.longest), [1, 100, 100]);
});

test("the minibatches of a checkpoint share one scale, unless each frame has its own", () => {
  const shown = [panelOf([1, 5, 25])];
  const [style] = stylesOf({ ...VIEW, view: "minibatches" }, shown);
  assert.deepEqual([style.sharesScale, style.scale.longest], [true, 25]);
  const [own] = stylesOf({ ...VIEW, view: "minibatches", range: "frame" }, shown);
  assert.deepEqual([own.sharesScale, own.scale.longest], [false, 1]);
});

test("what is not there yet has a scale, and the view's choices come along", () => {
  const [style] = stylesOf({ ...VIEW, under: "contour", direction: "descent" }, [{ shown: undefined, all: new Map(), isDifference: false, halfWidth: 0.1, part: PART }]);
  assert.deepEqual(style, {
    halfWidth: 0.1, length: "compressed", under: "contour", direction: "descent", sharesScale: false, part: PART, scale: { low: -1, high: 0, longest: 1 },
  });
  assert.deepEqual(stylesOf({ ...VIEW, view: "minibatches" }, []), []);
});

test("small pictures fill their box as far as squares can, and none reaches out of it", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 100, max: 2000 }), fc.integer({ min: 100, max: 2000 }), (many, width, height) => {
    const { columns, cell, left } = squaresIn(many, width, height);
    const rows = Math.ceil(many / columns);
    assert.ok(left + columns * (cell + GAP) - GAP <= width && rows * (cell + GAP) - GAP <= height && left >= 0);
    for (let other = 1; other <= many; other++) {
      const room = Math.min((width - (other - 1) * GAP) / other, (height - (Math.ceil(many / other) - 1) * GAP) / Math.ceil(many / other));
      assert.ok(cell >= Math.floor(room));
    }
    assert.ok(squaresIn(many, width, height, 50).cell <= 50);
  }));
});
