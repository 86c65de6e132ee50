// Plotly figures in the browser: the same traces as gradviz/drawing/figure.py builds in Python.

import { boldness, encode } from "./arrows.js";
import { digitsOf, levelLabels, levelsOf } from "./contours.js";
import { COLUMNS } from "./curves.js";
import { number } from "./formats.js";
import { partsAt } from "./frame.js";
import { seedsWords } from "./groups.js";
import { look } from "./look.js";
import { partName } from "./plane.js";
import { pointLines } from "./reading.js";
import { strokeTraces } from "./strokes.js";
import { axisTitle } from "./toldplane.js";

const PIXEL_PRECISION = 1e4; // see gradviz/drawing/figure.py: plotly.js rounds before it scales
const DESCENT = "the arrow is −∇J (descent)";
const END = "<extra></extra>"; // after texts of our own: a format of plotly.js writes minus as a hyphen
const HOVER = `%{text}${END}`;
const FEW_TICKS = 170; // pixels of a side with room for three numbers
const LEAST_SIDE = 60; // pixels: of a picture that is not laid out yet
const LETTER = 6.6; // pixels of a letter of the titles, on average

// The landscape of a frame. `token` comes back in `layout.meta` once it is drawn.
export function landscapeFigure(frame, style, names, token, palette) {
  const { large = 1 } = style;
  const { arrows, zeros } = encode(frame, style, look);
  const data = [];
  const levels = levelsOf(frame.loss, look.flat_share);
  if (style.under !== "none" && levels) data.push(lossTrace(frame, style, levels, palette));
  data.push({
    type: "quiver",
    x: arrows.x,
    y: arrows.y,
    u: arrows.u.map((value) => PIXEL_PRECISION * value),
    v: arrows.v.map((value) => PIXEL_PRECISION * value),
    customdata: rows(frame, arrows),
    arrowref: "data",
    anchor: "center",
    lengthmode: "raw",
    lengthfactor: 1 / PIXEL_PRECISION,
    hovertemplate: textsAt(frame, style, arrows.point, style.direction === "descent" ? [DESCENT] : []).map((text) => text + END), // a text would be drawn on each arrow
    showlegend: false,
    marker: {
      color: arrows.colour,
      cmin: style.scale.low,
      cmax: style.scale.high,
      colorscale: palette.arrows,
      showscale: !style.sharesScale,
      arrowsize: look.arrow_head,
      line: { width: look.arrow_width * boldness(style.large) },
      colorbar: {
        title: { text: frame.difference ? "log10 |Δ∇J|" : "log10 |∇J|", side: "top", font: { size: 11 * large } }, thickness: 8 * large, outlinewidth: 0, nticks: 6,
        lenmode: "pixels", len: style.side + 12, x: 1, xpad: 10,
      },
    },
  });
  if (!arrows.x.length) data.pop();
  data.push(markers(zeros.x, zeros.y, 4 * large, large, palette.zero, {
    customdata: rows(frame, zeros),
    text: textsAt(frame, style, zeros.point, []),
    hovertemplate: HOVER,
    name: look.zero_words,
  }));
  data.push(...strokeTraces(style.strokes ?? []));
  data.push(markers([0], [0], 18 * large, 2 * large, palette.centre, { hoverinfo: "skip", name: "the checkpoint itself" }));
  const annotations = style.under === "contour" && levels ? { annotations: levelNames(frame, style, levels, palette) } : {};
  return { data, layout: { ...layout(style, titlesOf(frame, names, style), token, palette), ...annotations } };
}

// What hovering tells of each of these points of the grid.
function textsAt(frame, { halfWidth }, points, more) {
  const middle = (frame.points - 1) / 2;
  return points.map((k) => [...pointLines(frame, halfWidth, { i: (k % frame.points) - middle, j: Math.floor(k / frame.points) - middle, points: frame.points }), ...more].join("<br>"));
}

/** The titles of both axes. @param {any} frame @param {{x: string, y: string, short?: {x: string, y: string}}} names @param {{side: number, large?: number}} style */
export function titlesOf({ plane }, { x, y, short }, { side, large = 1 }) {
  const letters = Math.max(20, Math.floor(side / (LETTER * large)));
  return { x: axisTitle(x, plane?.x, letters, short?.x), y: axisTitle(y, plane?.y, letters, short?.y) };
}

// Around the plane: the same whatever the numbers at the axes and the colour bar are, and whatever is drawn in it, so that the
// squares of pictures side by side, and of one after the other, are one.
/** @param {{sharesScale?: boolean, large?: number}} style */
function marginsOf({ sharesScale, large = 1 }) {
  return { l: 60 * large, r: (sharesScale ? 14 : 84) * large, t: 8 * large, b: 44 * large };
}

/** The side of the plane in a picture of this size. @param {{sharesScale?: boolean, large?: number}} style @param {{width: number, height: number}} size */
export function sideIn(style, { width, height }) {
  const { l, r, t, b } = marginsOf(style);
  return Math.max(LEAST_SIDE, Math.min(width - l - r, height - t - b));
}

function layout(style, titles, token, palette) {
  const { part, large = 1 } = style;
  const axis = { constrain: "domain", showgrid: false, zeroline: false, nticks: style.side < FEW_TICKS * large ? 3 : 5, ticks: "outside", tickangle: 0 };
  const plain = base(palette);
  return {
    ...plain,
    font: { ...plain.font, size: large * plain.font.size },
    margin: { ...marginsOf(style), autoexpand: false },
    hovermode: "closest",
    dragmode: "zoom",
    showlegend: false,
    meta: { token, part: partName(part) },
    xaxis: { ...axis, range: [...part.x], title: { text: titles.x, standoff: 8, ...small(titles.x, large) } },
    yaxis: { ...axis, range: [...part.y], scaleanchor: "x", title: { text: titles.y, standoff: 4, ...small(titles.y, large) } },
  };
}

// Words are longer than names.
function small(title, large) {
  return title.startsWith("along ") ? { font: { size: 12 * large } } : {};
}

export function base(palette) {
  return {
    paper_bgcolor: palette.paper,
    plot_bgcolor: palette.paper,
    font: { family: look.font, size: 11, color: palette.faint },
    hoverlabel: { bgcolor: palette.paper, bordercolor: palette.grid, font: { color: palette.ink, size: 12 } },
  };
}

// True values: x1, x2, u, v, |g|, J of each point.
function rows(frame, { point, x, y }) {
  return point.map((k, n) => [
    frame.x + x[n], frame.y + y[n], ...partsAt(frame, k), Math.hypot(frame.u[k], frame.v[k]), frame.loss[k],
  ]);
}

function markers(x, y, size, width, colour, rest) {
  const marker = { symbol: "circle-open", size, color: colour, line: { width } };
  return { type: "scatter", mode: "markers", x, y, marker, showlegend: false, ...rest };
}

function lossTrace(frame, style, levels, palette) {
  const { points } = frame;
  const cell = (2 * style.halfWidth) / (points - 1);
  const steps = Array.from({ length: points }, (_, k) => cell * k - style.halfWidth);
  const z = Array.from({ length: points }, (_, j) => Array.from(frame.loss.subarray(j * points, (j + 1) * points)));
  // plotly.js draws a heat map over quiver arrows, unless its zorder is lower.
  const shared = { x: steps, y: steps, z, showscale: false, hoverinfo: "skip", zorder: -1 };
  if (style.under === "heat") return { type: "heatmap", colorscale: palette.loss, ...shared };
  return {
    type: "contour",
    ...shared,
    autocontour: false,
    contours: {
      coloring: "none", start: levels.start, end: levels.end, size: levels.step,
    },
    line: { color: palette.contour, width: 1, smoothing: 0 },
  };
}

// The values of the level lines, each on a little paper of its own along its line.
function levelNames(frame, { halfWidth }, levels, palette) {
  const last = frame.points - 1;
  return levelLabels(frame.loss, frame.points, levels).map(({ column, row, angle, level }) => ({
    x: 2 * halfWidth * (column / last - 0.5), y: 2 * halfWidth * (row / last - 0.5), text: number(level, digitsOf(levels)), textangle: -angle,
    showarrow: false, font: { size: 10, color: palette.faint }, bgcolor: palette.paper, opacity: 0.85, borderpad: 0,
  }));
}

// Curves over the epochs, those of losses on a linear axis of log10 (`isLog`); `curves` are {label, colour, isChosen: drawn
// strongly, metrics: see curves.js} of each run, and of several seeds as one {…, metrics: their means, spreads: see
// groups.js}, by column.
export function lossFigure(curves, lastEpoch, palette, { title = "loss J", isLog = true, right = 16 } = {}) {
  const data = [];
  const [isDrawn, height] = isLog ? [(value) => value > 0, Math.log10] : [(value) => value !== null, (value) => value];
  for (const { label, colour, isChosen, metrics, spreads } of curves)
    for (const column of COLUMNS) {
      if (!metrics[column]) continue;
      const name = column === "value" ? label : `${label} ${column}`;
      const dash = column === "train" ? "dot" : "solid";
      const kept = metrics.epoch.map((_, k) => k).filter((k) => isDrawn(metrics[column][k]));
      const spread = spreads?.[column];
      if (spread) data.push(...bandOf(kept.map((k) => ({ epoch: metrics.epoch[k], ...spread[k] })).filter(({ low }) => isDrawn(low)), name, colour, isChosen, height));
      data.push({
        type: "scatter",
        mode: kept.length > 1 ? "lines" : "markers",
        x: kept.map((k) => metrics.epoch[k]),
        y: kept.map((k) => height(metrics[column][k])),
        customdata: kept.map((k) => metrics[column][k]),
        name,
        line: { color: colour, dash, width: isChosen ? 1.8 : 1 },
        marker: { color: colour, size: 5 },
        opacity: isChosen ? 1 : 0.45,
        text: kept.map((k) => [number(metrics[column][k], 4), ...(spread ? [seedsWords(spread[k])] : [])].join(" ")),
        hovertemplate: "%{text}",
      });
    }
  const values = data.flatMap((trace) => trace.customdata);
  const ticks = isLog && values.length ? ticksBetween(Math.min(...values), Math.max(...values)) : [];
  const nothing = { text: "nothing recorded yet", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5, font: { color: palette.faint } };
  return {
    data,
    layout: {
      ...base(palette),
      annotations: values.length ? [] : [nothing],
      margin: { l: 56, r: right, t: 6, b: 18 },
      hovermode: "x unified",
      dragmode: false,
      showlegend: false,
      meta: { lastEpoch },
      xaxis: {
        range: [0, Math.max(1, lastEpoch)], fixedrange: true, gridcolor: palette.grid, zeroline: false,
        hoverformat: "d", tickformat: "d", ...(lastEpoch < 12 ? { dtick: 1 } : { nticks: 12 }),
      },
      yaxis: {
        fixedrange: true, gridcolor: palette.grid, zeroline: false, title: { text: title, standoff: 4 },
        showticklabels: values.length > 0, showgrid: values.length > 0,
        ...(isLog ? { tickvals: ticks.map(Math.log10), ticktext: ticks.map(String) } : { nticks: 5 }),
      },
    },
  };
}

// From the smallest to the largest of the seeds: there and back. A loss of 0 has no logarithm.
function bandOf(drawn, name, colour, isChosen, height) {
  if (drawn.length < 2) return [];
  const back = [...drawn].reverse();
  const band = { type: "scatter", mode: "lines", fill: "toself", fillcolor: colour, line: { width: 0, color: colour }, opacity: isChosen ? 0.18 : 0.08, hoverinfo: "skip" };
  return [{
    ...band,
    name: `${name}, smallest to largest`,
    x: [...drawn, ...back].map(({ epoch }) => epoch),
    y: [...drawn.map(({ high }) => height(high)), ...back.map(({ low }) => height(low))],
    customdata: [...drawn.map(({ high }) => high), ...back.map(({ low }) => low)],
  }];
}

// Round numbers for an axis of logarithms: decades, and what lies between when there are few.
function ticksBetween(low, high) {
  const wide = high / low > 300;
  const steps = wide ? [1] : high / low > 5 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 3, 4, 5, 6, 8];
  const ticks = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade++)
    for (const step of steps) ticks.push(Number((step * 10 ** decade).toPrecision(2)));
  return ticks.filter((tick) => tick >= low && tick <= high).length > 1 ? ticks : evenTicks(low, high);
}

// Where curves hardly change, no two of those lie among them.
function evenTicks(low, high) {
  const span = high - low || Math.abs(high) / 10;
  const decade = 10 ** Math.floor(Math.log10(span));
  const step = [0.5, 1, 2, 5].map((n) => n * decade).find((one) => span / one <= 4) ?? 5 * decade;
  const from = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step) - from + 1 }, (_, k) => Number(((from + k) * step).toPrecision(12))).filter((tick) => tick > 0);
}
