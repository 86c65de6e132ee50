// A picture as a Plotly figure, flat or as a surface of the loss with the arrows on it: the same traces as
// gradviz/drawing/surfacefigure.py builds in Python.

import { base, landscapeFigure } from "./figure.js";
import { look } from "./look.js";
import { lossUnit } from "./minibatch.js";
import { wholePlane } from "./plane.js";
import { pointLines } from "./reading.js";
import { axisTitle } from "./toldplane.js";
import { arrowsOnSurface, heightOn, isSurface, lineOnSurface, RISE, surfaceOf } from "./surface.js";

const FACE = { ambient: 0.72, diffuse: 0.5, specular: 0.04, roughness: 0.9, fresnel: 0.02 };
const LETTER = 6; // pixels, on average
const BAR = 80; // pixels of a colour bar with its numbers
const WIDEST = 0.78; // heights of a scene for its width
const CENTRE = 0.06; // radius of the ring around the checkpoint, in half widths
const ABOVE = 3; // lifts: markers face the eye, and would sink into the surface
const HEAD_IN_CELLS = 0.7; // of a triangle that says where a path goes on

// The picture that is chosen; see `landscapeFigure`. `style.camera`: from where a surface is seen.
export function pictureFigure(frame, style, names, token, palette) {
  return isSurface(style) ? surfaceFigure(frame, style, names, token, palette) : landscapeFigure(frame, style, names, token, palette);
}

function surfaceFigure(frame, style, names, token, palette) {
  const surface = surfaceOf(frame, style.halfWidth, look.flat_share);
  const data = surface ? tracesOf(frame, style, surface, palette) : [];
  return { data, layout: layoutOf(frame, style, names, token, surface, palette) };
}

function tracesOf(frame, style, surface, palette) {
  const { lines, zeros } = arrowsOnSurface(frame, style, surface, look);
  /** @type {object[]} */
  const data = [sheet(frame, style, surface, palette)];
  if (lines.x.length) data.push({
    type: "scatter3d", mode: "lines", x: lines.x, y: lines.y, z: lines.z, hoverinfo: "skip", showlegend: false, name: "gradient",
    line: {
      color: lines.colour, colorscale: palette.arrows, cmin: style.scale.low, cmax: style.scale.high, width: shaftWidth(style.side), showscale: !style.sharesScale,
      colorbar: {
        title: { text: frame.difference ? "log10 |Δ∇J|" : "log10 |∇J|", side: "top", font: { size: 11 } }, thickness: 8, outlinewidth: 0, xpad: 6, nticks: 6,
        lenmode: "pixels", len: 0.8 * style.side,
      },
    },
  });
  data.push(rings(zeros.x, zeros.y, surface, 3, palette.zero, look.zero_words));
  data.push(...(style.strokes ?? []).flatMap((stroke) => tracesOnSurface(stroke, surface)));
  data.push(circle(surface, palette.centre));
  return data;
}

function sheet(frame, { halfWidth }, { points, cell, low, high, levels }, palette) {
  const steps = Array.from({ length: points }, (_, k) => cell * k - halfWidth);
  const rows = (value) => steps.map((_, j) => steps.map((__, i) => value(j * points + i, i, j)));
  const middle = (points - 1) / 2;
  const level = levels ? { show: true, start: levels.start, end: levels.end, size: levels.step, color: palette.zero, width: 1 } : { show: false };
  const none = { highlight: false };
  return {
    type: "surface", x: steps, y: steps, z: rows((k) => (Number.isFinite(frame.loss[k]) ? frame.loss[k] : null)), cmin: low, cmax: high,
    colorscale: palette.sheet, showscale: false, lighting: FACE, lightposition: { x: -1000, y: -2000, z: 4000 },
    contours: { x: none, y: none, z: { ...level, ...none } },
    text: rows((k, i, j) => pointLines(frame, halfWidth, { i: i - middle, j: j - middle, points }).join("<br>")), hoverinfo: "text", name: "loss",
  };
}

function rings(xs, ys, surface, size, colour, name) {
  const z = xs.map((x, k) => numberOrNull(heightOn(surface, x, ys[k], ABOVE)));
  return { type: "scatter3d", mode: "markers", x: xs, y: ys, z, marker: { symbol: "circle-open", size, color: colour, line: { width: 2, color: colour } }, hoverinfo: "skip", showlegend: false, name };
}

// Around the checkpoint, on the surface.
function circle(surface, colour) {
  const radius = CENTRE * surface.halfWidth;
  const turns = Array.from({ length: 37 }, (_, k) => (k * Math.PI) / 18);
  const laid = lineOnSurface(surface, turns.map((turn) => radius * Math.cos(turn)), turns.map((turn) => radius * Math.sin(turn)));
  return { type: "scatter3d", mode: "lines", ...laid, line: { color: colour, width: 5 }, hoverinfo: "skip", showlegend: false, name: "the checkpoint itself" };
}

function numberOrNull(value) {
  return Number.isNaN(value) ? null : value;
}

// ---- what is drawn over the arrows ----------------------------------------------------------------------------

function tracesOnSurface(stroke, surface) {
  const drawn = over[stroke.kind](stroke, surface);
  return drawn ? [{ type: "scatter3d", opacity: stroke.opacity, hoverinfo: "skip", showlegend: false, ...drawn }] : [];
}

const over = {
  line: ({ x, y, colour, width, dashed, dash }, surface) => ({ mode: "lines", ...lineOnSurface(surface, x, y), line: { color: colour, width: 1.6 * width, dash: dashed ? (dash?.[0] < width + 1 ? "dot" : "dash") : "solid" } }),
  disc: () => null, // it would hide the surface
  dots({ x, y, colour, size, sizes, texts, opacities }, surface) {
    if (!texts) return null; // ends of rays: plotly.js draws no marker in space small enough for fifty side by side
    const z = x.map((one, k) => numberOrNull(heightOn(surface, one, y[k], ABOVE)));
    return {
      mode: "markers", x, y, z, marker: { size: sizes?.map(inSpace) ?? inSpace(size), color: opacities ? opacities.map((opacity) => faded(colour, opacity)) : colour, line: { width: 0 } },
      ...(texts ? { text: texts, hoverinfo: "text" } : {}),
    };
  },
  // A triangle of the plane whose tip is where the path leaves it.
  heads({ x, y, angles, colour }, surface) {
    const outline = { x: [], y: [] };
    const most = surface.halfWidth;
    for (let k = 0; k < x.length; k++) {
      const turn = (angles[k] * Math.PI) / 180;
      const [tipX, tipY] = [x[k], y[k]].map((value) => Math.max(-most, Math.min(most, value)));
      const size = HEAD_IN_CELLS * Math.min(surface.cell, most / 10); // of 21 points a side, where the grid is coarser
      for (const [a, b] of [[0, 0], [0.5, -1], [-0.5, -1], [0, 0], [0, 0]]) {
        outline.x.push(tipX + size * (a * Math.cos(turn) + b * Math.sin(turn)));
        outline.y.push(tipY + size * (b * Math.cos(turn) - a * Math.sin(turn)));
      }
      outline.x[outline.x.length - 1] = outline.y[outline.y.length - 1] = null;
    }
    return { mode: "lines", ...lineOnSurface(surface, outline.x, outline.y), line: { color: colour, width: 4 } };
  },
};

// Pixels: thick arrows of a small picture would cover its surface.
function shaftWidth(side) {
  return Math.max(1.5, Math.min(3, (side ?? 300) / 100));
}

// plotly.js draws markers in space larger than in a plane.
function inSpace(size) {
  return 0.6 * size;
}

// plotly.js has no opacity for each marker in space.
function faded(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${opacity.toFixed(3)})`;
}

// ---- axes -----------------------------------------------------------------------------------------------------

function layoutOf(frame, { halfWidth, camera, box, sharesScale }, names, token, surface, palette) {
  const { x, y } = wholePlane(halfWidth, frame.points);
  const axis = (title, range) => ({
    range: [...range], title: { text: title, font: { size: 11 } }, nticks: 5, tickfont: { size: 10 }, gridcolor: palette.grid, linecolor: palette.grid, zeroline: false,
    showbackground: false, showspikes: false, color: palette.faint,
  });
  return {
    ...base(palette),
    margin: { l: 0, r: 8, t: 4, b: 4 },
    showlegend: false,
    meta: { token, isSurface: true },
    annotations: [{
      text: legendOf(frame, names, box), xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "left", yanchor: "top", xshift: 10, align: "left",
      showarrow: false, font: { size: 11, color: palette.faint },
    }],
    scene: {
      xaxis: axis("Δ x₁", x),
      yaxis: axis("Δ x₂", y),
      zaxis: { ...axis("", surface ? surface.range : [0, 1]), exponentformat: "e" },
      aspectmode: "manual",
      aspectratio: { x: 1, y: 1, z: RISE },
      dragmode: false, // views/camera.js turns it
      hovermode: "closest",
      camera,
      domain: { x: [0, 1], y: middlePart(shareOfHeight(box, sharesScale)) },
    },
  };
}

// What the axes are, in lines.
function legendOf(frame, names, box) {
  const letters = Math.max(30, Math.floor(((box?.width ?? 400) - BAR) / LETTER));
  const of = (axis) => axisTitle(names[axis], frame.plane?.[axis], letters - 4, names.short?.[axis]);
  return [`x₁: ${of("x")}`, `x₂: ${of("y")}`, `height: ${frame.difference ? "ΔJ" : "J"}${lossUnit(frame)}`].join("<br>");
}

/** @param {number} share @returns {[number, number]} */
function middlePart(share) {
  return [(1 - share) / 2, (1 + share) / 2];
}

// plotly.js makes a scene as large as its height allows, and cuts off what is wider: in a narrow picture it is less high.
function shareOfHeight(box, sharesScale) {
  return box ? Math.min(1, (WIDEST * (box.width - (sharesScale ? 0 : BAR))) / box.height) : 1;
}
