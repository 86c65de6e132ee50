// One panel of the page: what it is to show, what it shows, and how the picture and the words get there.

import { sideIn } from "../pure/figure.js";
import { partName } from "../pure/plane.js";
import { shortName } from "../pure/shortnames.js";
import { isSurface } from "../pure/surface.js";
import { pictureFigure } from "../pure/surfacefigure.js";
import { conductor } from "../page/conductor.js";
import { setProps } from "../page/dash.js";
import { button, element, fill, plotIn, refill } from "../page/dom.js";
import { paletteNow } from "../page/scheme.js";
import { cameraNow } from "./camera.js";
import { fieldNumbers, showNumbers } from "./numbers.js";
import { clearCanvas, paintFrame, sizeOfCanvas, watchCanvas } from "./paint.js";
import { listenForReading } from "./reading.js";
import { listenForZoom } from "./zoom.js";

let tokens = 0;

// A panel's place on the page. `plan`: see page/plans.js.
export function createPanel(slot) {
  return { slot, plan: null, frame: null, token: 0, painted: false, committed: false, drawing: null, listening: null };
}

function graphOf(panel) {
  const graph = plotIn(`graph-${panel.slot}`);
  if (graph && graph.on && panel.listening !== graph) {
    panel.listening = graph;
    graph.setAttribute("aria-hidden", "true"); // numbers at axes, one by one: the canvas over it is the picture, with its words
    watchCanvas(canvasOf(panel), () => fit(panel));
    graph.on("plotly_afterplot", () => settled(panel, graph));
    listenForZoom(graph, () => panel.plan);
    listenForReading(graph, panel);
    watchCaption(document.getElementById(`caption-${panel.slot}`));
  }
  return graph;
}

function canvasOf(panel) {
  return document.getElementById(`canvas-${panel.slot}`);
}

// Draws at once on the canvas; Plotly follows with `commit`. A surface is drawn by Plotly alone, one after the other while a
// slider moves.
export function paintPanel(panel, frame, style) {
  panel.frame = frame;
  panel.style = style;
  panel.token = ++tokens;
  panel.painted = paintFrame(canvasOf(panel), graphOf(panel), frame, style);
  panel.committed = false;
  if (isSurface(style)) followSurface(panel);
  return panel.painted;
}

// In the next moment, unless Plotly is drawing: then once it has.
function followSurface(panel) {
  if (panel.drawing !== null) return;
  panel.drawing = panel.token;
  requestAnimationFrame(() => commitPanel(panel));
}

// Brings Plotly up to date with what is painted.
export function commitPanel(panel) {
  if (!panel.frame || panel.committed) return;
  panel.committed = true;
  panel.drawing = panel.token;
  const { plan, frame, style, token } = panel;
  panel.side = sideOf(panel);
  const figure = pictureFigure(frame, { ...style, side: panel.side, box: sizeOfCanvas(canvasOf(panel)), camera: cameraNow() }, namesOf(plan), token, paletteNow());
  const show = () => {
    if (token !== panel.token) return void (panel.drawing = null); // something newer is painted, and is committed in its turn
    setProps(`graph-${panel.slot}`, { figure });
    awaitGraph(panel);
  };
  const graph = graphOf(panel);
  if (showsOtherPart(graph, style.part)) goToPart(graph, style.part).then(show);
  else show();
}

function namesOf({ x, y, network }) {
  return { x, y, short: { x: shortName(x, network), y: shortName(y, network) } };
}

// What is left for the plane in a picture of this size.
function sideOf(panel) {
  return sideIn(panel.style, sizeOfCanvas(canvasOf(panel)));
}

// The picture has another size: Plotly makes the plane fit, and its colour bar is given the plane's length.
function fit(panel) {
  if (!panel.plan || !panel.frame || Math.abs(sideOf(panel) - panel.side) < 1) return;
  panel.committed = false;
  conductor.commitSoon();
}

function showsOtherPart(graph, part) {
  const shown = graph?._fullLayout?.meta?.part;
  return shown !== undefined && shown !== partName(part);
}

// plotly.js remembers the range that an axis first had and stretches a narrower one towards it, unless it is told of
// the new range by itself.
function goToPart(graph, { x, y }) {
  return window.Plotly.relayout(graph, { "xaxis.range": [...x], "yaxis.range": [...y] });
}

// At the page's first picture, plotly.js may still be on its way.
function awaitGraph(panel) {
  const graph = graphOf(panel);
  if (graph && graph._fullLayout) settled(panel, graph);
  else requestAnimationFrame(() => awaitGraph(panel));
}

// Plotly has drawn: the canvas goes, unless something newer is on it.
function settled(panel, graph) {
  const meta = graph.layout && graph.layout.meta;
  if (meta?.token === panel.drawing) panel.drawing = null;
  if (panel.plan && !panel.committed && panel.style && isSurface(panel.style)) followSurface(panel);
  if (!meta || meta.token !== panel.token) return;
  clearCanvas(canvasOf(panel));
  const section = document.getElementById(`panel-${panel.slot}`);
  section.dataset.drawn = meta.token;
  section.dataset.index = panel.frame.index;
  for (const strip of ["caption", "title"]) reachCaption(document.getElementById(`${strip}-${panel.slot}`));
  const title = document.getElementById(`title-${panel.slot}`).innerText.replace(/\s*\n\s*/g, ", ");
  showNumbers(`numbers-${panel.slot}`, fieldNumbers(title, panel.frame, panel.style.halfWidth));
}

const watched = new WeakSet();

// Words that come after the picture, or a place that becomes smaller: looked at once both rest.
function watchCaption(caption) {
  if (watched.has(caption)) return;
  watched.add(caption);
  let timer = 0;
  const later = () => (clearTimeout(timer), (timer = setTimeout(() => reachCaption(caption), 100)));
  new MutationObserver(later).observe(caption, { childList: true, characterData: true, subtree: true });
  new ResizeObserver(later).observe(caption);
}

// What is longer than its place is scrolled by keys too.
function reachCaption(caption) {
  if (caption.scrollHeight > caption.clientHeight) caption.tabIndex = 0;
  else caption.removeAttribute("tabindex");
}

export function sayPanel(panel, { title, sentences, veil }) {
  const { slot } = panel;
  refill(`title-${slot}`, title.join("|"), element("h2", "", title[0]), element("span", "gv-sub", title[1]));
  nameTitle(panel);
  refill(`caption-${slot}`, sentences.join(" "), element("p", "", sentences.join(" ")));
  const section = document.getElementById(`panel-${slot}`);
  section.dataset.state = veil ? veil.state : "ready";
  fill(`veil-${slot}`, veil ? veil.key : "", veil ? veilCard(veil) : null);
}

// The full names of both parameters, on hover.
function nameTitle({ slot, plan }) {
  const title = plan.x ? `x₁: ${plan.x}\nx₂: ${plan.y}` : "";
  const one = document.getElementById(`title-${slot}`);
  if (one.title !== title) one.title = title;
}

function veilCard({ state, text, isTold = false, actions = [] }) {
  if (state === "loading" && isTold) return element("div", "gv-waiting", element("div", "gv-skeleton"), element("p", "", text));
  if (state === "loading") return element("div", "gv-skeleton", element("span", "gv-hidden", text));
  const buttons = actions.map(([label, action]) => button(label, action));
  return element("div", "gv-card", element("p", "", text), buttons.length ? element("div", "gv-actions", ...buttons) : null);
}
