// What paths are asked for: the run and its checkpoint, the conditions, the optimizer and how many replicas; and how far the job is.

import { searchOf } from "../pure/fields.js";
import { costWords, duration, planeName } from "../pure/paths.js";
import { viewFields } from "../page/address.js";
import { conductor } from "../page/conductor.js";
import { button, element, fill } from "../page/dom.js";
import { cancelPaths, paths, startPaths } from "../page/paths.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { labelOf, page } from "../page/state.js";
import { secondsAnEpoch } from "./runtables.js";

const OPTIMIZERS = { own: "the run's own", sgd: "plain SGD, at the rate that matches the epoch" };
const FACTORS = { 1: "1", 0.25: "1/4", 0.0625: "1/16", 0.015625: "1/64" };
const REPLICAS = [3, 4, 6, 8, 12, 16];

let offered = []; // the conditions as told last: while other paths are asked about, they stay

export function showForm() {
  const { view, runs } = page;
  const run = runs[view.run];
  const names = Object.keys(runs);
  offered = paths.told?.conditions ?? offered;
  const key = JSON.stringify([scheme(), names.map(labelOf), view.run, view.epoch, run?.epochs, view.conditions, view.replicas, view.optimizer, view.rate_factor, view.x_fan, view.y_fan, offered.map(({ absent }) => absent)]);
  const focused = focusedName();
  fill("paths-form", key,
    field("Run", choice("run", names.map((name) => [name, labelOf(name)]), view.run, (name) => conductor.choose({ run: name }))),
    field("From epoch", choice("epoch", (run?.epochs ?? []).map((epoch) => [epoch, `${epoch}`]), view.epoch, (epoch) => chooseEpoch(Number(epoch)))),
    field("Optimizer", choice("optimizer", Object.entries(OPTIMIZERS), view.optimizer, (optimizer) => conductor.choose({ optimizer }))),
    field("Rate ×", choice("factor", withOwn(Object.entries(FACTORS), view.rate_factor), `${view.rate_factor}`, (factor) => conductor.choose({ rate_factor: Number(factor) }))),
    field("Replicas", choice("replicas", withOwn(REPLICAS.map((many) => [`${many}`, `${many}`]), view.replicas), `${view.replicas}`, (many) => conductor.choose({ replicas: Number(many) }))),
    plane({ x: view.x_fan, y: view.y_fan }),
    conditions(view.conditions));
  // A choice makes the form anew: the hand stays where it was.
  if (focused) /** @type {HTMLElement | null} */ (document.querySelector(`#paths-form [name="${focused}"]`))?.focus();
}

function focusedName() {
  const { activeElement: one } = document;
  return one?.closest("#paths-form") ? one.getAttribute("name") : null;
}

function chooseEpoch(epoch) {
  page.live = false;
  page.view.epoch = epoch;
  conductor.refresh();
  conductor.remember(true);
}

// With a value that only a link has chosen.
function withOwn(options, value) {
  return options.some(([one]) => Number(one) === value) ? options : [...options, [`${value}`, `${value}`]];
}

function field(name, control) {
  return element("label", "gv-paths-field", element("span", "gv-row-label", name), control);
}

function choice(name, options, chosen, onChoose) {
  const made = element("select", "gv-speed", ...options.map(([value, text]) => new Option(text, `${value}`, false, `${value}` === `${chosen}`)));
  made.name = name;
  made.addEventListener("change", () => onChoose(made.value));
  return made;
}

// The plane of the picture, and what leads to another: see directionpicker.js.
function plane(axes) {
  const other = element("button", "gv-button gv-tab", "another plane…");
  Object.assign(other, { type: "button", name: "plane" });
  other.dataset.directions = "fan";
  other.setAttribute("aria-haspopup", "dialog");
  other.setAttribute("aria-label", "Choose the plane of the paths…");
  const back = axes.x ? button("principal plane", () => conductor.choose({ x_fan: null, y_fan: null }), "gv-button gv-tab") : null;
  return element("div", "gv-paths-field gv-paths-chosen", element("span", "gv-row-label", "In the plane"), element("span", "gv-paths-start", element("span", "", planeName(axes)), other, back));
}

// At least one stays; those that tell nothing of this run say why.
function conditions(chosen) {
  const made = element("fieldset", "gv-paths-conditions", element("legend", "gv-row-label", "Conditions"), ...offered.map(({ condition, words, absent }) => {
    const input = element("input");
    Object.assign(input, { type: "checkbox", name: `condition-${condition}`, checked: chosen.includes(condition), disabled: Boolean(absent) && !chosen.includes(condition) });
    input.addEventListener("change", () => {
      const wanted = offered.map((one) => one.condition).filter((one) => (one === condition ? input.checked : chosen.includes(one)));
      if (wanted.length) conductor.choose({ conditions: wanted });
      else input.checked = true;
    });
    const swatch = element("i", "gv-swatch");
    swatch.style.background = paletteNow().conditions[condition];
    const label = element("label", absent ? "gv-absent-condition" : "", input, swatch, element("span", "", element("b", "", condition), " ", element("span", "gv-sub", absent ? `not here: ${absent}` : words)));
    return label;
  }));
  return made;
}

// ---- the job ------------------------------------------------------------------------------------------------

export function showState() {
  const { told, error, isStarting, result } = paths;
  const job = told?.job?.state === "running" ? told.job : null;
  const isOwn = job !== null && job.key === told.key;
  const seconds = secondsKnown();
  const key = JSON.stringify([told?.key, told?.refusal, told?.is_known, told?.cost, told?.job, error, isStarting, seconds, Boolean(result)]);
  const hadFocus = document.getElementById("paths-state").contains(document.activeElement);
  fill("paths-state", key, ...stateOf({ told, error, isStarting, job, isOwn, seconds }));
  if (hadFocus) /** @type {HTMLElement | null} */ (document.querySelector("#paths-state button"))?.focus();
}

function stateOf({ told, error, isStarting, job, isOwn, seconds }) {
  const refused = error ? element("p", "gv-error", error) : null;
  if (!told) return [refused ?? element("p", "", "Asking what is known of these paths…")];
  if (told.is_known) return [refused, element("p", "", "These paths are computed: whoever opens this link sees them.")];
  const waits = job?.message ? element("p", "gv-error", job.message) : null; // for a worker
  if (isOwn) return [progress(job), waits, element("p", "gv-sub", "It goes on if you leave this page."), refused];
  if (isStarting) return [element("p", "", "Starting: the job imports what it needs, which takes some seconds.")];
  if (job) return [element("p", "", `Other paths are being computed here (${runAndEpoch(job.request)}): one job at a time.`), progress(job), waits, link(job.request), refused];
  if (told.refusal) return [element("p", "gv-error", told.refusal)];
  const last = told.job?.key === told.key && told.job.message ? element("p", "", told.job.message) : null;
  const start = button("Start", begin, "gv-button gv-primary");
  return [refused, last, element("div", "gv-paths-start", start, element("span", "gv-sub", costWords(told.cost, seconds)))];
}

function runAndEpoch({ run, epoch }) {
  return `${labelOf(run)}, from epoch ${epoch}`;
}

// The link names the checkpoint, also where the newest was followed so far.
function begin() {
  page.live = false;
  conductor.remember(true);
  startPaths();
}

function progress({ what, done, total, seconds_left: seconds }) {
  const bar = element("progress", "gv-progress");
  Object.assign(bar, { max: Math.max(1, total), value: done });
  bar.setAttribute("aria-label", "Steps of training done");
  const left = seconds === null || !done ? "" : `, about ${duration(seconds)} left`;
  const before = what ? `${what[0].toUpperCase()}${what.slice(1)}.` : "Beginning.";
  return element("div", "gv-paths-start", bar, element("span", "", total ? `${what}: step ${done} of ${total}${left}` : before), button("Cancel", cancelPaths));
}

// To the view of another's job.
function link({ run, epoch, conditions: asked, replicas, optimizer, rate_factor, x = null, y = null }) {
  const there = element("a", "", "Show these paths");
  there.href = searchOf({ ...page.view, run, epoch, conditions: asked, replicas, optimizer, rate_factor, x_fan: x, y_fan: y }, viewFields());
  return element("p", "", there);
}

function secondsKnown() {
  return page.runs[page.view.run]?.metrics?.wall_seconds ? secondsAnEpoch(page.runs[page.view.run]) : null;
}
