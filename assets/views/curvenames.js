// The names of the curves over the epochs, at their right ends: moved apart where they would lie over each other. The room
// for them is the curves' right margin, which the epoch's slider and the curves below keep as well.

import { apart } from "../pure/apart.js";
import { rankOf } from "../pure/curvelabels.js";
import { look } from "../pure/look.js";
import { element, fill } from "../page/dom.js";
import { scheme } from "../page/scheme.js";

const LINE = 13; // pixels of a name
const KEY = 28; // pixels of the line before it, and around it
const BARE = 16; // the margin without names
const MOST = 0.34; // of the width of the curves

let right = BARE;
const ruler = document.createElement("canvas").getContext("2d");

/** The right margin of all curves over the epochs, in pixels. */
export function curvesRight() {
  return right;
}

/** Room for these names; whether it is another than before. @param {string[]} names */
export function makeRoom(names) {
  ruler.font = `600 11px ${look.font}`;
  const dock = /** @type {HTMLElement} */ (document.querySelector(".gv-dock")); // in a narrow window without a box of its own
  const width = document.getElementById("loss").clientWidth;
  if (!width) return false;
  const before = right;
  const widest = Math.max(0, ...names.map((name) => ruler.measureText(name).width));
  right = names.length ? Math.ceil(Math.min(KEY + widest, Math.max(140, MOST * width))) : BARE;
  dock.style.setProperty("--gv-curves-right", `${right}px`);
  return right !== before;
}

/** Writes them beside the ends of the curves; returns those that found no room. @param {import("../pure/curvelabels.js").CurveLabel[]} labels @param {any} graph that plotly.js has drawn */
export function placeNames(labels, graph) {
  const { xaxis, yaxis } = graph._fullLayout;
  const [top, bottom] = [yaxis._offset - LINE / 2, yaxis._offset + yaxis._length + LINE / 2];
  const wanted = labels.map(({ y }) => Math.max(top, Math.min(bottom, yaxis._offset + yaxis.d2p(y))));
  const places = apart(wanted, LINE, [top, bottom], labels.map(rankOf));
  const there = labels.map((label, k) => ({ ...label, at: places[k] })).filter(({ at }) => at !== null);
  const left = xaxis._offset + xaxis._length + 5;
  fill("loss-names", JSON.stringify([there, left, right, scheme()]), ...there.map((one) => nameOf(one, left)));
  return labels.filter((_, k) => places[k] === null);
}

function nameOf({ text, colour, isDotted, isChosen, at }, left) {
  const line = element("i", `gv-line${isDotted ? " gv-dotted" : ""}`);
  line.style.color = colour;
  const name = element("span", isChosen ? "gv-chosen" : "", line, text);
  name.title = text;
  Object.assign(name.style, { left: `${left}px`, top: `${at - LINE / 2}px`, width: `${right - 7}px` });
  return name;
}
