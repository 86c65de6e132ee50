// The pictures: each panel is given its plan, drawn at once on the canvas, and by Plotly afterwards.

import { overlayStrokes } from "../pure/overlays.js";
import { stylesOf } from "../pure/scales.js";
import { enlarged } from "../pure/strokes.js";
import { loadPlans } from "../page/loading.js";
import { loadPlanes } from "../page/planes.js";
import { besides, frameOf, isGrid, plans } from "../page/plans.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { isBusy } from "../page/sliders.js";
import { page } from "../page/state.js";
import { underNow } from "./camera.js";
import { markCourse } from "./coursecurves.js";
import { panelWords } from "./explain.js";
import { showGround } from "./ground.js";
import { showGrid } from "./grid.js";
import { markLosses } from "./losscurves.js";
import { forgetSizes } from "./paint.js";
import { commitPanel, createPanel, paintPanel, sayPanel } from "./panels.js";
import { largeNow } from "./present.js";
import { beginPaths, isPlaying, showProbe } from "./probe.js";
import { showReading } from "./reading.js";
import { showRows } from "./rowspanel.js";
import { showScale } from "./scalebar.js";
import { showSpread } from "./spreadview.js";
import { partOf, showZoomed } from "./zoom.js";

page.panels = [0, 1, 2].map((slot) => createPanel(slot));

// Gives each panel its plan.
export function planPanels() {
  page.plans = plans();
  const planned = isGrid() ? [] : page.plans;
  forgetSizes();
  document.body.dataset.panels = isGrid() ? "many" : `${planned.length}`;
  page.panels.forEach((panel, slot) => {
    panel.plan = planned[slot] ?? null;
    document.getElementById(`panel-${slot}`).hidden = !panel.plan;
  });
}

// Which slider moves the pictures now.
export function moveOver(over) {
  if (page.over === over) return;
  page.over = over;
  planPanels();
  loadPlans();
}

// Paints every panel that has its frame, and says in the others why they have not.
export function drawPictures() {
  beginPaths();
  document.getElementById("rows-told").ariaBusy = `${isBusy()}`; // a screen reader is not told each step
  const active = page.panels.filter((panel) => panel.plan);
  const styles = stylesOf({ ...page.view, under: underNow(page.view) }, page.plans.map((plan) => ({ shown: frameOf(plan), all: besides(plan), isDifference: Boolean(plan.minus), halfWidth: plan.halfWidth, part: partOf(plan) })));
  showScale(styles[0]?.sharesScale ? styles[0].scale : null);
  active.forEach((panel, k) => {
    const frame = (panel.shown = frameOf(panel.plan));
    styles[k].large = largeNow();
    styles[k].strokes = enlarged(overlayStrokes(page.view, panel.plan, frame, styles[k], paletteNow()), styles[k].large);
    if (frame && needsPaint(panel, frame, styles[k])) paintPanel(panel, frame, styles[k]);
    showGround(panel.slot, frame, styles[k]);
  });
  // Words move what stands below them: after all pictures, so that the page is laid out once.
  for (const panel of active) sayPanel(panel, panelWords(panel.plan, panel.shown));
  showSpread(styles[0]);
  showGrid(styles);
  showZoomed();
  showReading();
  showProbe();
  showRows();
  markLosses(page.view.epoch);
  markCourse(page.view.epoch);
}

let drawing = null;

// Once for many frames that arrive one after the other.
export function drawSoon() {
  drawing ??= setTimeout(() => ((drawing = null), drawPictures()), 100);
}

function needsPaint(panel, frame, style) {
  const look = JSON.stringify([style, scheme(), panel.plan.x, panel.plan.y]);
  if (panel.frame === frame && panel.look === look) return false;
  panel.look = look;
  return true;
}

let soon = null;

// Plotly shows what is painted.
export function commitPictures() {
  clearTimeout(soon);
  soon = null;
  // Paths that are being drawn are on the canvas alone until they are complete.
  if (!isPlaying()) for (const panel of page.panels) if (panel.plan && panel.frame) commitPanel(panel);
  followSpread();
  followPlanes();
}

// What lies in planes along directions belongs to one checkpoint too.
function followPlanes() {
  loadPlanes(() => (drawPictures(), commitSoon()));
}

// The spread of the minibatches belongs to one checkpoint: at another epoch it is fetched once the hand has let go.
function followSpread() {
  const isBehind = page.plans.some(({ minibatches }) => minibatches && minibatches.selection.epoch !== page.view.epoch);
  if (!isBehind || isBusy()) return;
  planPanels();
  loadPlans();
}

// After the hand has let go, and once for several frames that arrive together.
export function commitSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => (isBusy() || isPlaying() ? null : commitPictures()), 60);
}
