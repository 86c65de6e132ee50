// The page's conductor: what is chosen, what is trained, and that everything on show follows both.

import { hasDirections } from "../pure/axes.js";
import { namesNothing, searchOf } from "../pure/fields.js";
import { rowsText } from "../pure/rows.js";
import { learnActivity } from "../page/activities.js";
import { askForView, isRead, readAgain, viewFields, writeAddress } from "../page/address.js";
import { lessonOpened, showLesson } from "../page/bringlessons.js";
import { conduct } from "../page/conductor.js";
import { setProps } from "../page/dash.js";
import { fitted, leavingRows } from "../page/fitting.js";
import { hurryPlans, loadPlans } from "../page/loading.js";
import { showNotices } from "../page/notices.js";
import { openPressed } from "../page/openers.js";
import { wholeFrame } from "../page/plans.js";
import { watchScheme } from "../page/scheme.js";
import { forgetRun, putFrame, resumeAll } from "../page/shelf.js";
import { isBusy, isScrubbing, makeSliders, setSliders } from "../page/sliders.js";
import { drawsMasks, hasSizes, isMinibatchesView, page, shownRuns } from "../page/state.js";
import { onTurn } from "./camera.js";
import { blankActivities, noteActivities, showChoosers } from "./chooser.js";
import { showCourse } from "./coursecurves.js";
import { showEvidence } from "./evidence.js";
import { act, showFirstNote } from "./firstnote.js";
import { showLayers } from "./layers.js";
import { showLosses } from "./losscurves.js";
import { showPaths } from "./pathsview.js";
import { commitPictures, commitSoon, drawPictures, drawSoon, moveOver, planPanels } from "./pictures.js";
import { showPresentation } from "./present.js";
import { offerReferences } from "./references.js";
import { showRunChoice } from "./runchoice.js";
import { addLegend, setGrouping, setLive, showStatus } from "./status.js";

const REST = 250; // ms after which a surface is turned, as far as its link is concerned

let widths = ""; // as told last
let turning = 0; // the timer until then

// ---- what is chosen -------------------------------------------------------------------------------------------

// A view from the address, with what had to be said about it.
export function openView({ view, notices }) {
  isRead();
  clearTimeout(turning);
  page.live = view.epoch === null;
  page.notices = notices;
  if (!namesNothing(window.location.search)) act(); // back, forward, or a link: this is not the first picture
  page.isModeChosen = new URLSearchParams(window.location.search).has("mode");
  page.view = { ...view, epoch: view.epoch ?? page.view?.epoch ?? 0 };
  if (makeSliders()) addLegend(document.querySelector("#scrubber .gv-transport"), toggleLive, toggleGrouping);
  showNotices(notices, "link");
  for (const mended of ["parameters", "picker"]) showNotices([], mended);
  lessonOpened();
  follow();
  refresh();
}

// The controls' choices. Controls that are set to what an address says tell the same again: that is no step.
function choose(choices) {
  const isStep = Object.entries(choices).some(([name, value]) => JSON.stringify(value) !== JSON.stringify(page.view[name]));
  const made = { ...page.view, ...choices };
  page.isModeChosen ||= made.mode !== page.view.mode;
  page.view = isStep ? fitted(leavingRows(made, page.view, choices), page.view) : made;
  for (const control of ["mode", "masks"])
    if (page.view[control] !== made[control]) setProps(control, { value: page.view[control] });
  if (isStep) act();
  if (isStep) for (const told of ["link", "parameters", "picker"]) showNotices([], told);
  refresh();
  if (isStep || page.areRunsKnown) remember(isStep);
}

function composeMinibatch(rows) {
  choose({ rows: rows && rowsText(rows) });
}

// A surface is turned in many small steps, of which the address has the last one, in the place of what it had.
function rememberTurn() {
  clearTimeout(turning);
  turning = setTimeout(() => remember(false), REST);
}

// Writes the address; `isStep` when back should lead to what was there before. The pair that the run suggests is left out,
// except of an address that would name nothing.
function remember(isStep) {
  const whole = { ...page.view, epoch: page.live ? null : page.view.epoch };
  const view = { ...whole };
  const run = page.runs[view.run];
  for (const [side, [x, y]] of Object.entries(run?.suggested ?? {}))
    if (view[`x_${side}`] === x && view[`y_${side}`] === y) view[`x_${side}`] = view[`y_${side}`] = null;
  writeAddress(namesNothing(searchOf(view, viewFields())) ? whole : view, isStep);
}

// ---- what is trained ------------------------------------------------------------------------------------------

function runsChanged({ runs, groups, unreadable, training }) {
  const before = page.runs;
  for (const [name, run] of Object.entries(runs)) {
    const old = before[name];
    if (old && (old.stamp !== run.stamp || old.epochs.some((epoch) => !run.epochs.includes(epoch)))) forgetRun(name);
  }
  for (const name of Object.keys(before)) if (!runs[name]) forgetRun(name);
  const wereKnown = page.areRunsKnown;
  Object.assign(page, { runs, groups, unreadable, training, areRunsKnown: true });
  showStatus(page);
  const isFirst = !Object.keys(before).length && Object.keys(runs).length;
  if ((isFirst || (!hasCheckpoints(before) && hasCheckpoints(runs))) && page.view && !page.view.x_a) {
    // The view was opened before there was a run, or a checkpoint, to fit it to.
    askForView();
    return;
  }
  if (!page.view) return;
  follow();
  refresh();
  if (!wereKnown) remember(false); // what the runs suggest need not be in the address
}

function hasCheckpoints(runs) {
  return Object.values(runs).some(({ epochs }) => epochs.length > 0);
}

// `away`: what is the matter, or "" when the server is back: then nothing waits any longer.
function connectionChanged(away) {
  page.away = away;
  showStatus(page);
  if (!away) {
    readAgain();
    resumeAll();
    if (page.view) refresh();
  } else if (page.view) drawPictures(); // says it where there is no picture
}

// The newest epoch of all that are on show, so that pictures side by side are of one epoch.
function follow() {
  const newest = Math.min(...shownRuns().map((name) => page.runs[name]?.epochs.at(-1) ?? Infinity));
  if (page.live && Number.isFinite(newest) && !isScrubbing()) page.view.epoch = newest;
}

function toggleLive() {
  page.live = !page.live;
  follow();
  refresh();
  remember(false);
}

function toggleGrouping() {
  choose({ seeds: page.view.seeds === "grouped" ? "single" : "grouped" });
}

// ---- what a hand moves ----------------------------------------------------------------------------------------

function epochMoved() {
  act();
  blankActivities();
  if (isMinibatchesView()) planPanels();
  else moveOver("epochs");
  tellLive();
  drawPictures();
  hurryPlans();
}

function epochReleased() {
  commitPictures();
  if (isMinibatchesView()) loadPlans();
  showActivity();
  remember(false);
}

function minibatchMoved() {
  act();
  drawPictures();
  hurryPlans();
}

// The minibatch is chosen: the epochs of this one are fetched, beginning with what is already on show.
function minibatchReleased() {
  commitPictures();
  const chosen = page.plans.map(wholeFrame);
  refresh();
  page.plans.forEach((plan, k) => {
    const frame = chosen[k];
    if (!isMinibatchesView() && frame && !plan.epochs.frames.has(page.view.epoch)) putFrame(plan.epochs, { ...frame, index: page.view.epoch });
  });
  remember(true);
}

function tellLive() {
  setLive(page.live, page.training.state === "running");
}

// ---- what is on show ------------------------------------------------------------------------------------------

// Brings everything in line with the state: slots, stacks, sliders, curves, pictures.
function refresh() {
  const { view } = page;
  if (view.rows) page.over = "epochs"; // no slider leads over compositions
  document.body.dataset.view = view.view;
  document.body.dataset.sizes = shownRuns().some((name) => !page.runs[name] || hasSizes(name)) ? "on" : "off";
  document.body.dataset.masks = view.mode === "train" && shownRuns().some(drawsMasks) ? "on" : "off";
  document.body.dataset.under = view.under;
  document.body.dataset.overlays = view.show.length;
  document.body.dataset.sampling = view.show.includes("sampling") ? "on" : "off";
  document.body.dataset.probe = view.show.includes("probe") ? "on" : "off";
  showPresentation();
  document.body.dataset.minus = view.view === "compare" && view.minus !== "off" ? "on" : "off";
  document.body.dataset.empty = !page.areRunsKnown || Object.keys(page.runs).length ? "no" : "yes";
  setSliders();
  tellLive();
  setGrouping(page.groups.length > 0, view.seeds === "grouped");
  planPanels();
  document.body.dataset.planes = page.plans.some(hasDirections) ? "directions" : "parameters";
  loadPlans();
  drawPictures();
  if (!isBusy()) commitPictures(); // else when the hand lets go
  showLosses(shownRuns());
  showRunChoice();
  showEvidence(page);
  showPaths();
  showCourse();
  showParameters();
  showFirstNote();
  showLesson();
  openPressed();
}

// The layers and the names say which parameters are on show.
function showParameters() {
  const { view } = page;
  const run = page.runs[view.run];
  showChoosers(view, run);
  showWidths();
  showActivity();
  if (!run) return;
  offerReferences();
  showLayers();
}

// Where none is chosen, the control tells the half widths that the planes have by their axes.
function showWidths() {
  const all = [...new Set(page.plans.map(({ halfWidth }) => halfWidth))];
  if (page.view.half_width !== null || !all.length) return;
  const placeholder = `± ${all.join(" and ")}`;
  if (placeholder !== widths) setProps("half-width", { placeholder, startValue: all[0] });
  widths = placeholder;
}

// On what share of rows the units of these parameters are active at this epoch.
function showActivity() {
  const { view } = page;
  const run = page.runs[view.run];
  if (run?.hidden && run.epochs.includes(view.epoch)) learnActivity(run, view.epoch, showActivity);
  noteActivities(view, run);
}

function redraw() {
  if (!page.view) return;
  drawPictures();
  commitPictures();
  showLosses(shownRuns(), true);
  showCourse();
  showPaths();
}

onTurn(rememberTurn);
window.addEventListener("popstate", () => clearTimeout(turning)); // the address is another one

// The scheme of the page has changed: pictures are drawn again in its colours.
watchScheme(redraw);

conduct({
  choose, composeMinibatch, refresh, redraw, remember, showActivity, epochMoved, epochReleased, minibatchMoved, minibatchReleased, moveOver,
  runsChanged, connectionChanged, draw: drawPictures, drawSoon, commit: commitPictures, commitSoon,
});
