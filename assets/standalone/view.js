// The conductor of a page that stands alone (gradviz/dashboard/standalone.py): pictures and a slider over their frames.

import { hasDirections } from "../pure/axes.js";
import { differencesOf } from "../pure/difference.js";
import { sideIn } from "../pure/figure.js";
import { decodeFrame } from "../pure/frame.js";
import { begin, look } from "../pure/look.js";
import { overlayStrokes, probeOf } from "../pure/overlays.js";
import { pairTitle } from "../pure/parameters.js";
import { plainSentences } from "../pure/plain.js";
import { minibatchWords } from "../pure/rows.js";
import { stylesOf } from "../pure/scales.js";
import { shortName } from "../pure/shortnames.js";
import { isSurface } from "../pure/surface.js";
import { pictureFigure } from "../pure/surfacefigure.js";
import { reasonOfAllZero, zeroSentence } from "../pure/zero.js";
import { conduct } from "../page/conductor.js";
import { element, fill } from "../page/dom.js";
import { paletteNow } from "../page/scheme.js";
import { createScrubber } from "../page/scrubber.js";
import { page } from "../page/state.js";
import { cameraNow, underNow } from "../views/camera.js";
import { showGround } from "../views/ground.js";
import { showPathWords } from "../views/pathwords.js";
import { drawGrid } from "../views/gridpicture.js";
import { readGrid, showGridReading } from "../views/gridreading.js";
import { clearCanvas, paintFrame, watchCanvas } from "../views/paint.js";
import { showScale } from "../views/scalebar.js";
import { listenForZoom, partOf, showZoomed } from "../views/zoom.js";

const told = JSON.parse(document.getElementById("told").textContent);
const step = told.over === "epochs" ? "epoch" : "minibatch";
const config = { displaylogo: false, displayModeBar: false, doubleClick: false, responsive: true };
const PARTS = ["title", "canvas", "veil", "zoomed", "ground", "probe-legend", "caption"];

let tokens = 0;
begin(told);
const { epoch, minibatch, rows, mode, masks, points } = told.panels[0].request;
page.view = { ...told.view, epoch, minibatch, rows, mode, masks, points, [step]: told.first };
if (told.is_grid) createGrid();
page.panels = told.panels.map(told.is_grid ? createCell : create);
for (const { plan, slot } of page.panels) if (told.minus !== null && slot !== told.minus) plan.minus = page.panels[told.minus].plan;
page.plans = page.panels.map(({ plan }) => plan);
conduct({ redraw: () => (draw(), commit()) });
document.body.dataset.view = page.view.view;
document.body.dataset.under = page.view.under;
document.body.dataset.overlays = `${page.view.show.length}`;
document.body.dataset.sampling = page.view.show.includes("sampling") ? "on" : "off";
document.body.dataset.probe = page.view.show.includes("probe") ? "on" : "off";
document.body.dataset.planes = page.plans.some(hasDirections) ? "directions" : "parameters";
document.body.dataset.masks = told.panels.some((panel) => panel.draws_masks) ? "on" : "off";

function create({ request, label, draws_masks: isRandom, frames, path, spreads, samplings, planes, probes }, slot) {
  const decoded = byIndex(frames.map(decode));
  const parts = Object.fromEntries(PARTS.map((name) => [name, element(name === "canvas" ? "canvas" : "div", `gv-${name}`)]));
  for (const name of PARTS) parts[name].id = `${name}-${slot}`;
  const graph = element("div");
  const place = element("div", "", graph);
  place.id = `graph-${slot}`;
  const picture = element("div", "gv-picture", place, parts.canvas, parts.veil, parts.zoomed, parts.ground);
  const section = element("section", "gv-panel", parts.title, picture, element("div", "gv-foot", parts["probe-legend"], parts.caption));
  section.setAttribute("aria-label", `Picture ${slot + 1}`);
  document.getElementById("panels").append(section);
  return { slot, request, plan: planOf({ request, label, isRandom }, decoded, byIndex(path), spreads, samplings, planes, probes), frames: decoded, section, graph, canvas: parts.canvas };
}

// Where there are more than large pictures have room, they are small multiples.
function createGrid() {
  const named = (tag, id, className = "") => Object.assign(element(tag, className), { id });
  const canvas = named("canvas", "grid-canvas");
  const buttons = named("div", "grid-buttons", "gv-minis");
  const reading = named("div", "grid-reading", "gv-grid-reading");
  reading.tabIndex = 0;
  for (const [group, label] of [[buttons, "Runs"], [reading, "Numbers of one run at one point: arrow keys move the point, Page Up and Page Down go from run to run"]]) {
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", label);
  }
  canvas.setAttribute("role", "img");
  const picture = element("div", "gv-spread-picture gv-minis-picture gv-grid-picture", canvas, buttons, named("div", "zoomed-grid", "gv-zoomed"));
  const foot = element("div", "gv-foot gv-grid-foot", reading, named("div", "grid-numbers"));
  const section = element("section", "gv-grid", named("div", "grid-title", "gv-title"), picture, foot);
  const tip = named("div", "tip", "gv-tip");
  tip.hidden = true;
  const spoken = named("div", "spoken", "gv-hidden");
  for (const one of [tip, spoken]) one.setAttribute("role", "status");
  document.getElementById("panels").append(section, tip, spoken);
  watchCanvas(canvas, () => page.panels.length && draw());
}

function createCell({ request, label, colour, draws_masks: isRandom, frames, path, spreads, samplings, planes, probes }, slot) {
  const decoded = byIndex(frames.map(decode));
  return { slot, request, colour, plan: planOf({ request, label, isRandom }, decoded, byIndex(path), spreads, samplings, planes, probes), frames: decoded };
}

// As the dashboard's pictures.js has it: the frames by epoch, of which the path is drawn, and the minibatches of each; what lies
// in a plane along directions is by index.
function planOf({ request, label, isRandom }, frames, path, spreads, samplings, planes, probes) {
  const { run, x, y, half_width: halfWidth } = request;
  const epochs = { frames: path.size || step === "minibatch" ? path : frames, loading: null, selection: request };
  const spreadAt = Object.fromEntries(Object.entries(spreads).map(([at, centres]) => [at, byIndex(centres.map(decode))]));
  return {
    run, label, network: { tensors: told.tensors, layers: told.layers }, isRandom, masks: request.masks, x, y, halfWidth, epochs, minus: null,
    get minibatches() {
      const centres = spreadAt[page.view.epoch];
      return centres ? { frames: centres, loading: null, selection: { ...request, epoch: page.view.epoch } } : null;
    },
    sampling: { told: new Map(Object.entries(samplings).map(([at, each]) => [Number(at), each])) },
    get probe() {
      const { epoch: now, minibatch: shown, rows: chosen } = page.view;
      return { selection: { minibatch: shown, rows: chosen }, told: new Map([[now, probes[page.view[step]]]]) };
    },
    get planes() {
      const { epoch: now, minibatch: shown, rows: chosen } = page.view;
      return { selection: { minibatch: shown, rows: chosen }, told: new Map([[now, planes[page.view[step]]]]) };
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
  const shown = page.panels.map((panel) => ({ shown: framesOf(panel).get(index), all: framesOf(panel), isDifference: Boolean(panel.plan.minus), halfWidth: panel.plan.halfWidth, part: partOf(panel.plan) }));
  const styles = stylesOf({ ...page.view, under: underNow(page.view) }, shown);
  showScale(styles[0].sharesScale ? styles[0].scale : null);
  if (told.is_grid) return drawSmall(shown, styles);
  page.panels.forEach((panel, k) => {
    const frame = shown[k].shown;
    const style = styles[k];
    style.strokes = overlayStrokes(page.view, panel.plan, frame, style, paletteNow());
    Object.assign(panel, { frame, style, token: ++tokens });
    paintFrame(panel.canvas, panel.graph, frame, style);
    showGround(panel.slot, frame, style);
    say(panel);
  });
  showZoomed();
  if (isSurface(styles[0])) followSurfaces();
}

let drawing = null; // surfaces: Plotly alone draws them, one after the other while the slider moves

function followSurfaces() {
  drawing ??= new Promise(requestAnimationFrame).then(commit).then(() => {
    drawing = null;
    if (page.panels.some(({ token, drawn }) => token !== drawn)) followSurfaces();
  });
}

function drawSmall(shown, styles) {
  const [first] = page.panels;
  const { minus } = page.panels.find(({ plan }) => plan.minus)?.plan ?? {};
  const title = `${page.panels.length} runs · ${pairTitle(first.plan.x, first.plan.y, first.plan.network)}`;
  const where = [minus ? `differences Δ∇J from ${minus.label}` : "", ...whereOf(first), page.view.direction === "descent" ? "−∇J" : ""].filter(Boolean).join(" · ");
  fill("grid-title", where, element("h2", "", title), element("span", "gv-sub", where));
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("grid-canvas"));
  canvas.setAttribute("aria-label", `${title}, ${where}`);
  drawGrid(canvas, document.getElementById("grid-buttons"), page.panels.map(({ plan, colour }, k) => {
    const frame = shown[k].shown;
    const style = styles[k];
    const name = plan.minus ? `${plan.label} − ${plan.minus.label}` : plan.label;
    const short = frame.difference ? "no difference" : look.zero_words;
    const note = whyEmpty(frame);
    return {
      key: `${k}`, name, colour, note, short: note ? short : "", words: plainSentences(page, plan, frame).join(" "), frame,
      style: { ...style, strokes: overlayStrokes(page.view, plan, frame, style, paletteNow()) },
    };
  }));
  readGrid(() => {}); // nothing else to open
  showGridReading();
  document.getElementById("panels").dataset.index = `${page.view[step]}`;
}

// What all pictures of one epoch and minibatch share.
function whereOf({ request, plan, frames }) {
  const [{ num_rows: many }] = frames.values();
  return [`epoch ${page.view.epoch}`, `${minibatchWords(page.view)}${page.view.rows ? "" : ` (${many} rows)`}`, `${request.mode} mode${plan.isRandom ? `, random masks (${request.masks})` : ""}`];
}

function say(panel) {
  const { slot, plan, frame } = panel;
  const { label } = plan;
  const isCompared = page.view.view === "compare";
  const words = whereOf(panel);
  if (!isCompared) words.unshift(label);
  if (page.view.direction === "descent") words.push("−∇J");
  if (plan.minus) words.unshift("difference Δ∇J");
  if (isCompared) words.unshift(pairTitle(plan.x, plan.y, plan.network));
  const where = words.join(" · ");
  const name = plan.minus ? `${label} − ${plan.minus.label}` : label;
  fill(`title-${slot}`, where, element("h2", "", isCompared ? name : pairTitle(plan.x, plan.y, plan.network)), element("span", "gv-sub", where));
  const sentences = plainSentences(page, plan, frame).join(" ");
  fill(`caption-${slot}`, sentences, element("p", "", sentences));
  showPathWords(slot, probeOf(page.view, plan)?.paths ?? []);
  const veil = whyEmpty(frame);
  fill(`veil-${slot}`, veil, veil ? element("div", "gv-card", element("p", "", veil)) : null);
}

function whyEmpty(frame) {
  if (frame.difference) return frame.difference.equal === frame.u.length ? "The two fields are equal up to round-off: there is no difference to draw." : "";
  const reason = reasonOfAllZero(frame);
  return reason ? zeroSentence(frame, reason) : "";
}

// Brings Plotly up to date with what is painted.
function commit() {
  return told.is_grid ? null : Promise.all(page.panels.map(commitOne));
}

async function commitOne(panel) {
  const { graph, canvas, section, plan, frame, style, token } = panel;
  const box = canvas.getBoundingClientRect();
  const side = sideIn(style, box);
  const { data, layout } = pictureFigure(frame, { ...style, side, box, camera: cameraNow() }, { x: plan.x, y: plan.y, short: { x: shortName(plan.x, plan.network), y: shortName(plan.y, plan.network) } }, token, paletteNow());
  const isFirst = !graph._fullLayout;
  panel.drawn = token;
  await window.Plotly.react(graph, data, layout, config);
  if (isFirst) listenForZoom(graph, () => plan);
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
