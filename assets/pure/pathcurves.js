// How far replicas come apart along the way, as a Plotly figure: three curves of each condition, one under the other.

import { base } from "./figure.js";
import { number } from "./formats.js";

/** @import { Paths } from "./paths.js" */

/** @typedef {{title: string, of: (one: any) => (number | null)[], band?: (one: any) => (number | null)[][], first?: number}} Strip `first`: at the checkpoint */

const GAP = 0.05; // between two strips, of the height

/** @param {Paths} paths @param {any} palette */
export function pathsFigure(paths, palette) {
  const own = paths.recorded.step.at(-1) || 1;
  /** @type {Strip[]} */
  const strips = [
    { title: "spread / mean step", of: ({ ratio }) => ratio, band: ({ ratio_low: low, ratio_high: high }) => [low, high] },
    { title: "spread / own way", of: ({ spread }) => spread.map((value) => value / own), first: 0 },
    { title: "mean cosine", of: ({ cosine }) => cosine },
  ];
  const height = (1 - (strips.length - 1) * GAP) / strips.length;
  const axes = strips.map(({ title }, k) => {
    const top = 1 - k * (height + GAP);
    return [`yaxis${k ? k + 1 : ""}`, { domain: [Math.max(0, top - height), top], title: { text: title, standoff: 6 }, fixedrange: true, gridcolor: palette.grid, zeroline: false, nticks: 4, automargin: true }];
  });
  return {
    data: strips.flatMap((strip, k) => Object.entries(paths.conditions).flatMap(([name, condition]) => tracesOf(name, condition, strip, k, paths.steps, palette))),
    layout: {
      ...base(palette),
      margin: { l: 62, r: 16, t: 6, b: 40 },
      hovermode: "x unified",
      dragmode: false,
      showlegend: false,
      xaxis: { anchor: `y${strips.length}`, range: [0, 1.02 * paths.steps.at(-1)], fixedrange: true, gridcolor: palette.grid, zeroline: false, title: { text: "steps from the checkpoint", standoff: 6 } },
      ...Object.fromEntries(axes),
    },
  };
}

/** @param {string} name @param {any} condition @param {Strip} strip @param {number} k @param {number[]} steps @param {any} palette */
function tracesOf(name, condition, { of, band, first }, k, steps, palette) {
  const colour = palette.conditions[name];
  const begun = first === undefined ? { x: steps, y: of(condition) } : { x: [0, ...steps], y: [first, ...of(condition)] };
  const yaxis = k ? `y${k + 1}` : "y";
  const curve = {
    type: "scatter", mode: "lines+markers", ...begun, name, yaxis,
    line: { color: colour, width: 1.8 }, marker: { color: colour, size: 4 }, customdata: begun.y.map((value) => (value === null ? "" : number(value))), hovertemplate: "%{customdata}",
  };
  const bounds = band?.(condition);
  const known = bounds ? steps.map((_, at) => at).filter((at) => bounds[0][at] !== null && bounds[1][at] !== null) : [];
  if (known.length < 2) return [curve];
  const [low, high] = bounds;
  const back = [...known].reverse();
  const filled = {
    type: "scatter", mode: "lines", name: `${name}, 95 %`, yaxis, fill: "toself", fillcolor: colour, line: { width: 0, color: colour }, opacity: 0.16, hoverinfo: "skip",
    x: [...known, ...back].map((at) => steps[at]), y: [...known.map((at) => high[at]), ...back.map((at) => low[at])],
  };
  return [filled, curve];
}
