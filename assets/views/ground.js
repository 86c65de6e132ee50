// What the loss under the arrows of a picture is: the ends of its greys, or what lies between its lines.

import { digitsOf, levelsOf } from "../pure/contours.js";
import { number } from "../pure/formats.js";
import { lossUnit } from "../pure/minibatch.js";
import { look } from "../pure/look.js";
import { element, refill } from "../page/dom.js";
import { paletteNow, scheme } from "../page/scheme.js";

// `slot` of the picture; `style`: as it is drawn.
export function showGround(slot, frame, { under }) {
  const levels = frame && ["heat", "contour"].includes(under) ? levelsOf(frame.loss, look.flat_share) : null;
  const words = levels ? wordsOf(frame, levels) : [];
  refill(`ground-${slot}`, `${under}|${words.join("|")}|${scheme()}`, ...(levels ? made[under](...words) : []));
}

function wordsOf(frame, levels) {
  const digits = digitsOf(levels);
  const name = frame.difference ? "ΔJ" : "J";
  return [name, number(levels.low, digits), number(levels.high, digits), number(levels.step, 2), lossUnit(frame)];
}

const made = {
  // What of, and the greys; under them their ends, with the unit where there is room for it.
  heat(name, low, high, _step, unit) {
    const bar = element("span", "gv-ground-bar");
    bar.style.background = `linear-gradient(to right, ${paletteNow().loss.map(([at, colour]) => `${colour} ${100 * at}%`).join(",")})`;
    const ends = element("span", "gv-ground-ends", element("span", "", low), element("span", "", high), element("span", "gv-ground-unit", unit.trim().replace(/^\(|\)$/g, "")));
    return [element("span", "", name), bar, ends];
  },
  contour: (name, _low, _high, step, unit) => [element("span", "", element("span", "", `${name}: a line each ${step}`), element("span", "gv-ground-unit", unit))],
};
