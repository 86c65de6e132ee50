// The colour bar that several pictures share.

import { signed } from "../pure/formats.js";
import { element, fill } from "../page/dom.js";
import { paletteNow, scheme } from "../page/scheme.js";

// Shows a scale of `arrows.scaleOf`, or nothing if each picture has its own.
export function showScale(scale) {
  if (!scale) return fill("scale", "");
  const stops = paletteNow().arrows.map(([at, colour]) => `${colour} ${100 * at}%`);
  const bar = element("span", "gv-scale-bar");
  bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
  const ends = [scale.low, scale.high].map((value) => signed(value.toFixed(1)));
  fill("scale", JSON.stringify([ends, scheme()]), element("span", "", "log10 |∇J|"), element("span", "", ends[0]), bar,
    element("span", "", ends[1]), element("span", "", "one scale of colour and length for all pictures"));
}
