// The conductor of a page that stands alone (gradviz/dashboard/standalone.py): pictures and a slider over their frames.

import { differencesOf } from "../pure/difference.js";
import { landscapeFigure } from "../pure/figure.js";
import { decodeFrame } from "../pure/frame.js";
import { begin, zeroMessages } from "../pure/look.js";
import { overlayStrokes } from "../pure/overlays.js";
import { pairTitle } from "../pure/parameters.js";
import { plainSentences } from "../pure/plain.js";
import { stylesOf } from "../pure/scales.js";
import { learnTensors } from "../pure/tensors.js";
import { reasonOfAllZero } from "../pure/zero.js";
import { conduct } from "../page/conductor.js";
import { element, fill } from "../page/dom.js";
import { paletteNow } from "../page/scheme.js";
import { createScrubber } from "../page/scrubber.js";
import { page } from "../page/state.js";
import { clearCanvas, paintFrame } from "../views/paint.js";
import { showScale } from "../views/scalebar.js";
import { listenForZoom, partOf } from "../views/zoom.js";

const told = JSON.parse(document.getElementById("told").textContent);
const step = told.over === "epochs" ? "epoch" : "minibatch";
const config = { displaylogo: false, displayModeBar: false, doubleClick: false, responsive: true };
const PARTS = ["title", "canvas", "veil", "zoomed", "caption"];

let tokens = 0;
begin(told);
learnTensors(told.tensors);
const { epoch, minibatch, mode, masks, half_width, points } = told.panels[0].request;
page.view = { ...told.view, epoch, minibatch, mode, masks, half_width, points, [step]: told.first };
page.panels = told.panels.map(create);
for (const { plan, slot } of page.panels) if (told.minus !== null && slot !== told.minus) plan.minus = page.panels[told.minus].plan;
conduct({ redraw: () => (draw(), commit()) });
document.body.dataset.view = page.view.view;
document.body.dataset.masks = told.panels.some((panel) => panel.draws_masks) ? "on" : "off";

function create({ request, label, draws_masks: isRandom, frames, path, spreads }, slot) {
  const decoded = byIndex(frames.map(decode));
  const parts = Object.fromEntries(PARTS.map((name) => [name, element(name === "canvas" ? "canvas" : "div", `gv-${name}`)]));
  for (const name of PARTS) parts[name].id = `${name}-${slot}`;
  const graph = element("div");
  const place = element("div", "", graph);
  place.id = `graph-${slot}`;
  const picture = element("div", "gv-picture", place, parts.canvas, parts.veil, parts.zoomed);
  const section = element("section", "gv-panel", parts.title, picture, element("div", "gv-foot", parts.caption));
  section.setAttribute("aria-label", `Picture ${slot + 1}`);
  document.getElementById("panels").append(section);
  return { slot, request, plan: planOf({ request, label, isRandom }, decoded, byIndex(path), spreads), frames: decoded, section, graph, canvas: parts.canvas };
}

// As the dashboard's pictures.js has it: the frames by epoch, of which the path is drawn, and the minibatches of each.
function planOf({ request, label, isRandom }, frames, path, spreads) {
  const { run, x, y } = request;
  const epochs = { frames: path.size || step === "minibatch" ? path : frames, loading: null, selection: request };
  const spreadAt = Object.fromEntries(Object.entries(spreads).map(([at, centres]) => [at, byIndex(centres.map(decode))]));
  return {
    run, label, isRandom, x, y, epochs, minus: null,
    get minibatches() {
      const centres = spreadAt[page.view.epoch];
      return centres ? { frames: centres, loading: null, selection: { ...request, epoch: page.view.epoch } } : null;
    },
  };
}

function byIndex(frames) {
  return new Map(frames.map((frame) => [frame.index, frame]));
}

// What a picture shows at an index, or at all: its frames, or by how much they differ from the reference's.
function framesOf({ frames, plan }) {
  return plan.minus ? differencesOf(frames, page.panels[told.minus].frames) : frames;
}

function decode(text) {
  return decodeFrame(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
}

// Paints every picture at once; Plotly follows with `commit`.
function draw() {
  const index = page.view[step];
  const shown = page.panels.map((panel) => ({ shown: framesOf(panel).get(index), all: framesOf(panel), isDifference: Boolean(panel.plan.minus) }));
  const styles = stylesOf(page.view, shown, partOf(page.view));
  showScale(styles[0].sharesScale ? styles[0].scale : null);
  page.panels.forEach((panel, k) => {
    const frame = shown[k].shown;
    const style = { ...styles[k], halfWidth: panel.request.half_width };
    style.strokes = overlayStrokes(page.view, panel.plan, frame, style, paletteNow());
    Object.assign(panel, { frame, style, token: ++tokens });
    paintFrame(panel.canvas, panel.graph, frame, style);
    say(panel);
  });
}

function say({ slot, request, plan, frame }) {
  const { minibatch_size: size } = request;
  const { label } = plan;
  const isCompared = page.view.view === "compare";
  const words = [`epoch ${page.view.epoch}`, `minibatch ${page.view.minibatch} (${size} rows)`, `${request.mode} mode${plan.isRandom ? `, random masks (${request.masks})` : ""}`];
  if (!isCompared) words.unshift(label);
  if (page.view.direction === "descent") words.push("−∇J");
  if (plan.minus) words.unshift("difference Δ∇J");
  if (isCompared) words.unshift(pairTitle(plan.x, plan.y));
  const where = words.join(" · ");
  const name = plan.minus ? `${label} − ${plan.minus.label}` : label;
  fill(`title-${slot}`, where, element("h2", "", isCompared ? name : pairTitle(plan.x, plan.y)), element("span", "gv-sub", where));
  const sentences = plainSentences(page, plan, frame).join(" ");
  fill(`caption-${slot}`, sentences, element("p", "", sentences));
  const veil = whyEmpty(frame);
  fill(`veil-${slot}`, veil, veil ? element("div", "gv-card", element("p", "", veil)) : null);
}

function whyEmpty(frame) {
  if (frame.difference) return frame.difference.equal === frame.u.length ? "The two fields are equal up to round-off: there is no difference to draw." : "";
  const reason = reasonOfAllZero(frame);
  return reason ? (frame.zero_words ?? zeroMessages[reason]) : "";
}

// Brings Plotly up to date with what is painted.
function commit() {
  return Promise.all(page.panels.map(commitOne));
}

async function commitOne(panel) {
  const { graph, canvas, section, plan, frame, style, token } = panel;
  const box = canvas.getBoundingClientRect();
  const side = Math.max(120, Math.min(box.width - 130, box.height - 52));
  const { data, layout } = landscapeFigure(frame, { ...style, side }, { x: plan.x, y: plan.y }, token, paletteNow());
  const isFirst = !graph._fullLayout;
  await window.Plotly.react(graph, data, layout, config);
  if (isFirst) listenForZoom(graph);
  if (panel.token !== token) return; // the slider has moved on
  clearCanvas(canvas);
  section.dataset.state = whyEmpty(frame) ? "zero" : "ready";
  section.dataset.index = frame.index;
}

const indices = [...page.panels[0].frames.keys()];
const slider = createScrubber(document.getElementById("scrubber"), {
  name: step,
  label: step === "epoch" ? "Epoch" : "Minibatch, counted from 0",
  names: told.over,
  told: (place) => indices[place],
  onMove: (place) => ((page.view[step] = indices[place]), draw()),
  onRelease: commit,
  onIntent: () => {},
  ready: () => true,
});

slider.setRange(0, indices.length - 1);
slider.set(indices.indexOf(told.first));
draw();
commit();
