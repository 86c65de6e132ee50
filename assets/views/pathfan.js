// The fan of paths: drawn step by step, and which minibatch made a step of a replica.

import { searchOf } from "../pure/fields.js";
import { number } from "../pure/formats.js";
import { barLength, barStrokes, fanStrokes, members, nearest, planeFor, pointOf } from "../pure/pathfan.js";
import { axisTitles, planeName, planeSentences } from "../pure/paths.js";
import { viewFields } from "../page/address.js";
import { isOutcome } from "../page/api.js";
import { button, element, fill } from "../page/dom.js";
import { minibatchOfStep, paths } from "../page/paths.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { createScrubber } from "../page/scrubber.js";
import { page } from "../page/state.js";
import { paintStrokes } from "./brush.js";
import { landscapeOf } from "./steplandscape.js";
import { preparedContext, sizeOfCanvas, watchCanvas } from "./paint.js";

const MOST_ROWS = 64; // whose numbers are listed

let result = null;
let slider = null;
/** @type {{condition: string, replica: number, step: number} | null} */
let chosen = null;
let showChoice = () => {}; // in the controls
let lastTold = null; // of that step
let asking = new AbortController();

export function showFan(found) {
  const isOther = result !== found;
  result = found;
  if (!slider) begin();
  if (isOther) {
    slider.setRange(0, result.steps.length);
    slider.set(result.steps.length);
    makeControls();
    choose(firstStep());
  } else tell(lastTold); // in other colours
  nameAxes();
  draw();
}

export function clearFan() {
  result = chosen = null;
  asking.abort();
}

function begin() {
  slider = createScrubber(document.getElementById("paths-scrubber"), {
    name: "step", label: "Step up to which the paths are drawn", onMove: draw, onRelease: () => {}, onIntent: () => {}, ready: () => true,
    told: (point) => (result && point ? result.steps[point - 1] : 0),
  });
  const canvas = canvasOf();
  watchCanvas(canvas, draw);
  canvas.addEventListener("click", ({ offsetX, offsetY }) => {
    const found = result && nearest(result, slider.value, planeFor(result, sizeOfCanvas(canvas)), offsetX, offsetY);
    if (found) choose({ condition: found.condition, replica: found.replica, step: result.steps[found.point - 1] });
  });
}

/** @returns {HTMLCanvasElement} */
function canvasOf() {
  return /** @type {HTMLCanvasElement} */ (document.getElementById("paths-fan-canvas"));
}

function draw() {
  const canvas = canvasOf();
  const size = sizeOfCanvas(canvas);
  if (!result || !size.width) return;
  const [plane, palette] = [planeFor(result, size), paletteNow()];
  paintStrokes(preparedContext(canvas), plane, [...fanStrokes(result, slider.value, palette, chosen), ...barStrokes(plane, palette)]);
  const length = barLength(plane);
  document.getElementById("paths-scale").textContent = length === null ? "" : `${number(length, 1)}${result.plane.axes ? " along x₁ and x₂" : ""}`;
  canvas.setAttribute("aria-label", `The paths in ${planeName(result.request)} up to step ${slider.value ? result.steps[slider.value - 1] : 0}; the numbers are in the tables below`);
}

function nameAxes() {
  const [across, up] = axisTitles(result);
  fill("paths-across", across, element("span", "", across));
  fill("paths-up", up, element("span", "", up));
  const sentences = planeSentences(result);
  fill("paths-plane", sentences.join(" "), ...sentences.map((text) => element("p", "", text)));
}

/** For tests: the point up to which paths are drawn, the step that is asked about, and where the points of each path lie in the window. */
export function whatIsDrawn() {
  if (!result) return { point: 0, chosen: null, places: [] };
  const canvas = canvasOf();
  const plane = planeFor(result, sizeOfCanvas(canvas));
  const { left, top } = canvas.getBoundingClientRect();
  const places = members(result).map(({ way, ...member }) => ({ ...member, points: way.map(([x = 0, y = 0]) => [left + plane.x(x), top + plane.y(y)]) }));
  return { point: slider.value, chosen, places };
}

// ---- one step -------------------------------------------------------------------------------------------------

function firstStep() {
  const names = Object.keys(result.conditions);
  return { condition: names.find((name) => name !== "same") ?? names[0], replica: 0, step: 1 };
}

/** @param {{condition: string, replica: number, step: number}} at */
function choose(at) {
  chosen = at;
  showChoice();
  draw();
  tell(null);
  asking.abort();
  asking = new AbortController();
  askFor(at, asking.signal);
}

async function askFor(at, signal) {
  try {
    tell(await minibatchOfStep(at, signal));
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!isOutcome(error)) throw error;
    tell({ error: error.message });
  }
}

function tell(told) {
  lastTold = told;
  if (told) fill("paths-made", JSON.stringify([chosen, told, paths.told?.key, scheme()]), ...words(told));
  else fill("paths-made", "", element("p", "gv-sub", "Asking which minibatch made this step…"));
}

// Made once for each result: a hand may be in them when an answer arrives.
function makeControls() {
  const last = result.steps.at(-1);
  const replicas = Object.entries(result.conditions).flatMap(([name, each]) => Array.from({ length: each.replicas }, (_, k) => ({ name, k })));
  const which = element("select", "gv-speed", ...replicas.map(({ name, k }) => new Option(`${name} ${k + 1}`, `${name}/${k}`)));
  which.addEventListener("change", () => {
    const [condition, replica] = which.value.split("/");
    choose({ ...chosen, condition, replica: Number(replica) });
  });
  which.dataset.role = "replica";
  const step = element("input", "gv-speed gv-paths-number");
  Object.assign(step, { type: "number", min: 1, max: last, step: 1 });
  const goTo = (wanted) => choose({ ...chosen, step: Math.max(1, Math.min(last, Math.round(wanted) || 1)) });
  step.addEventListener("change", () => goTo(Number(step.value)));
  step.dataset.role = "step";
  const turn = (text, /** @type {number} */ by, name) => {
    const made = button(text, () => goTo(chosen.step + by));
    made.setAttribute("aria-label", name);
    return made;
  };
  showChoice = () => {
    step.value = `${chosen.step}`;
    which.value = `${chosen.condition}/${chosen.replica}`;
  };
  const made = element("div", "gv-paths-made");
  made.id = "paths-made";
  document.getElementById("paths-step").replaceChildren(element("div", "gv-paths-start",
    element("label", "gv-paths-field", element("span", "gv-row-label", "Replica"), which),
    element("label", "gv-paths-field", element("span", "gv-row-label", `Step of ${last}`), step), element("span", "gv-paths-turn", turn("‹", -1, "Step before"), turn("›", 1, "Step after"))), made);
}

// Which rows made the step, and where their landscape is, if it has one.
function words(told) {
  if (told.error) return [element("p", "gv-error", told.error)];
  const { request, batch_size: size } = result;
  const loss = told.loss === null ? "" : ` Its loss before the step was ${number(told.loss, 4)}.`;
  const same = told.own_step === null ? `${told.rows.length} rows that are no minibatch of the run's own epoch` : `the minibatch of step ${told.own_step} of the run's own epoch (${told.rows.length} rows)`;
  const view = { ...page.view, view: "explore", run: request.run, epoch: request.epoch };
  const link = (text, changes = {}) => {
    const made = element("a", "", text);
    made.href = searchOf({ ...view, ...changes }, viewFields()) || "?";
    return made;
  };
  const landscape = told.minibatch === null
    ? element("p", "", "Training draws its minibatches anew in each epoch: this one is none of those in Explore. ", link(`Theirs at epoch ${request.epoch}, in Explore`), ".")
    : element("p", "", link(`It is minibatch ${told.minibatch} in Explore, at epoch ${request.epoch}`, { minibatch: told.minibatch, minibatch_size: size }), ".");
  const listed = told.rows.slice(0, MOST_ROWS).join(", ");
  const rest = told.rows.length - MOST_ROWS;
  const drawn = landscapeOf({ condition: told.condition, replica: told.replica, step: told.step }, asking.signal);
  const rows = element("details", "gv-paths-rows", element("summary", "", "Its training rows"), element("p", "gv-sub", rest > 0 ? `${listed} and ${rest} more` : listed));
  const at = result.steps[pointOf(result, told.step) - 1];
  const ring = at === told.step ? "" : ` The ring is at step ${at}, the next at which the paths are compared.`;
  return [element("p", "", `Step ${told.step} of ${told.condition} ${told.replica + 1} was made by ${same}.${loss}${ring}`), landscape, drawn, rows];
}
