// What is seen as one picture: the Plotly pictures, the canvases and the words around them, each where it is on the page.

import { look } from "../pure/look.js";
import { paletteNow } from "../page/scheme.js";
import { labelOf, shownRuns } from "../page/state.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 12;
const FOOT = 22; // for the line under all pictures
const PIXELS = 2; // of a PNG for each of the page
// What is there to be used, not to be read: controls, what they open, and hints at them.
const CONTROLS = "button:not(.gv-grid-name), details, select, input, label, .mantine-SegmentedControl-root, .gv-hint, .gv-actions";
const LEFT_OUT = `${CONTROLS}, .gv-dock, .gv-empty, .gv-hidden, [hidden], .js-plotly-plot, script, style`;

function node(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The picture as an <svg> element with its size in pixels of the page.
async function compose() {
  const stage = document.querySelector(".gv-stage");
  const frame = frameOf(stage);
  const palette = paletteNow();
  const { width, height } = frame;
  const picture = node("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` }, node("title", {}, titleOf()),
    node("rect", { width: "100%", height: "100%", fill: palette.paper }));
  for (const graph of stage.querySelectorAll(".gv-picture .js-plotly-plot")) if (isSeen(graph)) picture.append(await plotOf(graph, frame));
  for (const canvas of stage.querySelectorAll("canvas:not(.gv-canvas)")) if (isSeen(canvas)) picture.append(imageOf(canvas, frame));
  for (const card of stage.querySelectorAll(".gv-card, .gv-grid-note")) if (isSeen(card)) picture.append(cardOf(card, frame, palette));
  for (const [name, stops] of [["gv-scale-bar", palette.arrows], ["gv-cosine-bar", palette.cosine]])
    for (const bar of stage.querySelectorAll(`.${name}`)) if (isSeen(bar)) picture.append(...barOf(bar, name, stops, frame));
  for (const swatch of stage.querySelectorAll(".gv-grid-name .gv-swatch"))
    if (isSeen(swatch)) picture.append(node("rect", { ...placeOf(swatch, frame), rx: 2, fill: getComputedStyle(swatch).backgroundColor }));
  for (const mark of stage.querySelectorAll(".gv-mean-mark")) if (isSeen(mark)) picture.append(node("rect", { ...placeOf(mark, frame), fill: palette.centre }));
  picture.append(...linesOf(stage, frame), footOf(frame, palette));
  return { picture, width, height };
}

// Of what is above the dock.
function frameOf(stage) {
  const boxes = [...stage.children].filter((part) => isSeen(part) && !part.matches(LEFT_OUT)).map((part) => part.getBoundingClientRect());
  const [left, top] = ["left", "top"].map((side) => Math.min(...boxes.map((box) => box[side])) - MARGIN);
  const [right, bottom] = ["right", "bottom"].map((side) => Math.max(...boxes.map((box) => box[side])) + MARGIN);
  return { left, top, width: Math.ceil(right - left), height: Math.ceil(bottom - top) + FOOT };
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

function imageOf(canvas, frame) {
  return node("image", { ...placeOf(canvas, frame), href: canvas.toDataURL() });
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
function footOf({ height }, palette) {
  const labels = shownRuns().map(labelOf).join(", ");
  const attributes = { x: MARGIN + 14, y: height - 12, fill: palette.faint, "font-family": look.font, "font-size": "11px" };
  return node("text", attributes, `gradviz · ${labels} · ${decodeURIComponent(window.location.search) || "?"}`);
}

// ---- words ----------------------------------------------------------------------------------------------------

// Each line of each text, where the browser has put it.
function linesOf(root, frame) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const lines = [];
  while (walker.nextNode()) {
    const text = /** @type {Text} */ (walker.currentNode);
    const parent = text.parentElement;
    if (text.data.trim() && !parent.closest(LEFT_OUT) && isSeen(parent)) lines.push(...linesOfText(text, parent, frame));
  }
  return lines;
}

function linesOfText(text, parent, frame) {
  const range = document.createRange();
  const lines = [];
  for (const { 0: word, index } of text.data.matchAll(/\S+\s*/g)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.trimEnd().length);
    const box = range.getClientRects()[0];
    if (!box) continue;
    const last = lines.at(-1);
    if (last && Math.abs(last.box.top - box.top) < 2) last.words += word;
    else lines.push({ box, words: word });
  }
  const clip = parent.closest(".gv-caption, .gv-title")?.getBoundingClientRect();
  const isWithin = ({ box }) => !clip || box.bottom <= clip.bottom + 2;
  return lines.filter(isWithin).map(({ box, words }) => lineOf(words.trimEnd(), box, getComputedStyle(parent), frame));
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
  const { picture } = await compose();
  return blobOf(picture);
}

function blobOf(picture) {
  return new Blob([new XMLSerializer().serializeToString(picture)], { type: "image/svg+xml" });
}

export async function picturePng() {
  const { picture, width, height } = await compose();
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
  const { width, height } = frameOf(document.querySelector(".gv-stage"));
  return [PIXELS * width, PIXELS * height];
}
