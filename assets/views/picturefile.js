// What is seen as one picture: the Plotly pictures, the canvases and the words around them, each where it is on the page.

import { look } from "../pure/look.js";
import { paletteNow } from "../page/scheme.js";
import { labelOf, shownRuns } from "../page/state.js";
import { vectorsOf } from "./paint.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 12;
const FOOT = 8; // above the lines under all pictures
const FOOT_LINE = 14;
const ELLIPSIS = 12;
const LETTER = 6.2; // about the width of one, in these lines
const MOST_NAMED = 3; // runs: the link names more
const PIXELS = 2; // of a PNG for each of the page
// What is there to be used, not to be read: controls, what they open, and hints at them.
const CONTROLS = "button:not(.gv-grid-name), details, select, input, label, .mantine-SegmentedControl-root, .gv-hint, .gv-actions";
const UNSEEN = `${CONTROLS}, .gv-empty, .gv-hidden, [hidden], .js-plotly-plot, script, style`;

// What a picture is of: an element, the parts of it that it holds, and what of these is left out.
const PICTURES = { root: ".gv-stage", parts: ":scope > *", leftOut: `${UNSEEN}, .gv-dock, .gv-probe, .gv-rows` }; // rows lie over another picture
const CURVES = { root: ".gv-dock", parts: ".gv-loss, .gv-course, .gv-legend", leftOut: `${UNSEEN}, svg, output, .gv-course-numbers, .gv-course-note` };
const PATHS = { root: "#paths-result", parts: ".gv-paths-summary, .gv-legend, .gv-paths-picture, .gv-paths-plane, .gv-paths-graph", leftOut: `${UNSEEN}, .gv-paths-tables, .gv-paths-step, .gv-scrubber` };

function node(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The picture as an <svg> element with its size in pixels of the page.
async function compose(of) {
  const root = document.querySelector(of.root);
  const frame = frameOf(of);
  const palette = paletteNow();
  const { width, height } = frame;
  const picture = node("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` }, node("title", {}, titleOf()),
    node("rect", { width: "100%", height: "100%", fill: palette.paper }));
  const seen = (selector) => [...root.querySelectorAll(selector)].filter((part) => isSeen(part) && !part.closest(".gv-rows") && !isOfAnother(part, of));
  for (const graph of seen(".gv-picture .js-plotly-plot, .gv-loss .js-plotly-plot, .gv-paths-graph .js-plotly-plot")) picture.append(await plotOf(graph, frame));
  for (const canvas of seen("canvas:not(.gv-canvas)")) picture.append(drawingOf(canvas, frame));
  for (const strip of seen(".gv-course-strip svg")) picture.append(stripOf(strip, frame));
  for (const card of seen(".gv-card, .gv-grid-note")) picture.append(cardOf(card, frame, palette));
  for (const [name, stops] of [["gv-scale-bar", palette.arrows], ["gv-cosine-bar", palette.cosine], ["gv-ground-bar", palette.loss]])
    for (const [k, bar] of seen(`.${name}`).entries()) picture.append(...barOf(bar, `${name}-${k}`, stops, frame));
  for (const swatch of seen(".gv-grid-name .gv-swatch, .gv-legend .gv-swatch, .gv-paths-sentences .gv-swatch")) picture.append(node("rect", { ...placeOf(swatch, frame), rx: 2, fill: getComputedStyle(swatch).backgroundColor }));
  for (const mark of seen(".gv-mean-mark, .gv-loss-mark, .gv-course-mark")) picture.append(node("rect", { ...placeOf(mark, frame), fill: palette.centre }));
  for (const line of seen(".gv-line, .gv-band, .gv-paths-own")) picture.append(...keyOf(line, frame));
  picture.append(...linesOf(root, frame, of), ...footOf(frame, palette));
  return { picture, width, height };
}

// The curves lie within the stage, and are a picture of their own.
function isOfAnother(part, of) {
  return of === PICTURES && Boolean(part.closest(CURVES.root));
}

function frameOf(of) {
  const parts = [...document.querySelector(of.root).querySelectorAll(of.parts)];
  const boxes = parts.filter((part) => isSeen(part) && !part.matches(of.leftOut)).map((part) => part.getBoundingClientRect());
  const [left, top] = ["left", "top"].map((side) => Math.min(...boxes.map((box) => box[side])) - MARGIN);
  const [right, bottom] = ["right", "bottom"].map((side) => Math.max(...boxes.map((box) => box[side])) + MARGIN);
  const width = Math.ceil(right - left);
  const foot = footLines(width);
  return { left, top, width, height: Math.ceil(bottom - top) + FOOT + FOOT_LINE * foot.length, foot };
}

function isSeen(part) {
  return part.checkVisibility({ visibilityProperty: true }) && part.getBoundingClientRect().width > 0;
}

function titleOf() {
  return /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".gv-title")]).filter(isSeen).map((title) => title.innerText.replace(/\s+/g, " ")).join("; ");
}

function placeOf(part, frame) {
  const { left, top, width, height } = part.getBoundingClientRect();
  return { x: left - frame.left, y: top - frame.top, width, height };
}

async function plotOf(graph, frame) {
  const { x, y, width, height } = placeOf(graph, frame);
  const text = await window.Plotly.toImage(graph, { format: "svg", width, height, imageDataOnly: true });
  const plot = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  for (const [name, value] of Object.entries({ x, y, width, height })) plot.setAttribute(name, value);
  return plot;
}

// A strip of the curves, with the letters that the page's styles give it.
function stripOf(strip, frame) {
  const { fontFamily, fontSize } = getComputedStyle(strip);
  const { x, y, width, height } = placeOf(strip, frame);
  const copy = /** @type {SVGElement} */ (strip.cloneNode(true));
  for (const [name, value] of Object.entries({ x, y, width, height, "font-family": fontFamily, "font-size": fontSize })) copy.setAttribute(name, value);
  return copy;
}

// What a line, or the band around one, looks like in a legend.
function keyOf(mark, frame) {
  const { x, y, width, height } = placeOf(mark, frame);
  const { color, borderTopStyle, borderTopWidth } = getComputedStyle(mark);
  const isBand = mark.matches(".gv-band");
  const middle = isBand ? y + height / 2 : y + 1;
  const dash = { dotted: "2 2", dashed: "4 3" }[borderTopStyle];
  const line = node("line", { x1: x, x2: x + width, y1: middle, y2: middle, stroke: color, "stroke-width": parseFloat(borderTopWidth) || 2, ...(dash ? { "stroke-dasharray": dash } : {}) });
  return isBand ? [node("rect", { x, y, width, height, fill: color, "fill-opacity": 0.2 }), line] : [line];
}

// A canvas as vectors; the few that are never drawn twice, as they are.
function drawingOf(canvas, frame) {
  const { x, y, ...size } = placeOf(canvas, frame);
  const vectors = vectorsOf(canvas);
  if (!vectors) return node("image", { x, y, ...size, href: canvas.toDataURL() });
  vectors.setAttribute("transform", `translate(${x} ${y})`);
  return vectors;
}

// A card without its buttons.
function cardOf(card, frame, palette) {
  const place = placeOf(card, frame);
  const text = placeOf(card.querySelector("p") ?? card, frame);
  const height = text.y + text.height - place.y + (text.y - place.y);
  return node("rect", { ...place, height, rx: 6, fill: palette.paper, "fill-opacity": 0.92, stroke: palette.grid });
}

function barOf(bar, name, colours, frame) {
  const stops = colours.map(([offset, colour]) => node("stop", { offset, "stop-color": colour }));
  return [node("linearGradient", { id: name }, ...stops), node("rect", { ...placeOf(bar, frame), rx: 2, fill: `url(#${name})` })];
}

// What a picture that is taken from its page should tell: of which run it is, and how to see it again.
function footLines(width) {
  const shown = shownRuns();
  const labels = shown.length > MOST_NAMED ? `${shown.length} runs` : shown.map(labelOf).join(", ");
  const text = `gradviz · ${labels} · ${decodeURIComponent(window.location.search) || "?"}`;
  return text.match(new RegExp(`.{1,${Math.max(20, Math.floor((width - 2 * MARGIN - 14) / LETTER))}}`, "gu"));
}

function footOf({ height, foot }, palette) {
  const attributes = { fill: palette.faint, "font-family": look.font, "font-size": "11px" };
  return foot.map((line, k) => node("text", { x: MARGIN + 14, y: height - 12 - FOOT_LINE * (foot.length - 1 - k), ...attributes }, line));
}

// ---- words ----------------------------------------------------------------------------------------------------

// Each line of each text, where the browser has put it.
function linesOf(root, frame, of) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const lines = [];
  while (walker.nextNode()) {
    const text = /** @type {Text} */ (walker.currentNode);
    const parent = text.parentElement;
    if (text.data.trim() && !parent.closest(of.leftOut) && isSeen(parent)) lines.push(...linesOfText(text, parent, frame));
  }
  return lines;
}

function linesOfText(text, parent, frame) {
  const range = document.createRange();
  if (getComputedStyle(parent).writingMode !== "horizontal-tb") {
    range.selectNodeContents(text);
    return [standingLine(text.data.trim(), range.getBoundingClientRect(), getComputedStyle(parent), frame)];
  }
  const lines = [];
  const edge = cutOf(parent);
  for (const { 0: word, index } of text.data.matchAll(/\S+\s*/g)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.trimEnd().length);
    const box = range.getClientRects()[0];
    if (!box) continue;
    const last = lines.at(-1);
    if (box.right > edge) {
      if (last) last.words = `${last.words.trimEnd()}…`;
      break;
    }
    if (last && Math.abs(last.box.top - box.top) < 2) last.words += word;
    else lines.push({ box, words: word });
  }
  const clip = clipOf(parent);
  const isWithin = ({ box }) => !clip || box.bottom <= clip.bottom + 2;
  return lines.filter(isWithin).map(({ box, words }) => lineOf(words.trimEnd(), box, getComputedStyle(parent), frame));
}

// The box that hides what of a text is lower than it; null within the stage, which the picture holds as a whole.
function clipOf(parent) {
  for (let one = parent; one && !one.matches(".gv-stage"); one = one.parentElement)
    if (getComputedStyle(one).overflowY === "hidden") return one.getBoundingClientRect();
  return null;
}

// Where a line that is longer than its place is cut, with room for the sign of it.
function cutOf(parent) {
  const line = parent.closest(".gv-probe-legend p, .gv-grid-name span");
  return line && line.scrollWidth > line.clientWidth ? line.getBoundingClientRect().right - ELLIPSIS : Infinity;
}

// A line that is read upwards.
function standingLine(words, box, style, frame) {
  const [x, y] = [(box.left + box.right) / 2 - frame.left, (box.top + box.bottom) / 2 - frame.top];
  const attributes = { x, y, transform: `rotate(-90 ${x} ${y})`, "text-anchor": "middle", "dominant-baseline": "central", fill: style.color };
  return node("text", { ...attributes, "font-family": style.fontFamily, "font-size": style.fontSize, "font-weight": style.fontWeight }, words);
}

const ruler = document.createElement("canvas").getContext("2d");

function lineOf(words, box, style, frame) {
  ruler.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = ruler.measureText(words);
  const baseline = box.top + (box.height - up - down) / 2 + up;
  const attributes = {
    x: box.left - frame.left, y: baseline - frame.top, fill: style.color,
    "font-family": style.fontFamily, "font-size": style.fontSize, "font-weight": style.fontWeight, "font-style": style.fontStyle,
  };
  return node("text", attributes, words);
}

// ---- files ----------------------------------------------------------------------------------------------------

export async function pictureSvg() {
  return blobOf((await compose(PICTURES)).picture);
}

export async function picturePng() {
  return pngOf(await compose(PICTURES));
}

// Of the curves over the epochs, where they are seen.
export async function curvesSvg() {
  return blobOf((await compose(CURVES)).picture);
}

export async function curvesPng() {
  return pngOf(await compose(CURVES));
}

// Of the Paths view, its fan and its curves.
export async function pathsSvg() {
  return blobOf((await compose(PATHS)).picture);
}

export async function pathsPng() {
  return pngOf(await compose(PATHS));
}

export function pathsSize() {
  return sizeOf(PATHS);
}

export function areCurvesSeen() {
  return isSeen(document.querySelector(".gv-loss"));
}

function blobOf(picture) {
  return new Blob([new XMLSerializer().serializeToString(picture)], { type: "image/svg+xml" });
}

async function pngOf({ picture, width, height }) {
  const address = URL.createObjectURL(blobOf(picture));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [PIXELS * width, PIXELS * height];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(address);
  }
}

// [width, height] in pixels of a PNG.
export function pictureSize() {
  return sizeOf(PICTURES);
}

function sizeOf(of) {
  const { width, height } = frameOf(of);
  return [PIXELS * width, PIXELS * height];
}
