// What the paths of a probe say under their picture: each with its line, its name and its losses.

import { element, fill } from "../page/dom.js";
import { paletteNow, scheme } from "../page/scheme.js";

/** @param {number} slot @param {import("../pure/probe.js").ProbePath[]} paths */
export function showPathWords(slot, paths) {
  const { probe } = paletteNow();
  fill(`probe-legend-${slot}`, paths.length ? JSON.stringify([paths.map(({ name, line }) => [name, line]), scheme()]) : "", ...paths.map(({ schedule, name, line }) => {
    const key = element("span", `gv-line gv-probe-${schedule}`);
    key.style.color = probe[schedule];
    const words = element("p", "", key, element("b", "", name), ` ${line}`);
    words.title = `${name}: ${line}`; // where the line is longer than its place
    return words;
  }));
}
