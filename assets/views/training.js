// The training view: how far and how fast each run is and what it takes on disk; the buttons, and the question before
// something is deleted.

import { COLUMNS, columnsOf, familiesOf } from "../pure/curves.js";
import { number } from "../pure/formats.js";
import { factName } from "../pure/minibatch.js";
import { setProps } from "../page/dash.js";
import { button, element, fill } from "../page/dom.js";
import { showNotices } from "../page/notices.js";
import { orderTraining } from "../page/runs.js";
import { scheme } from "../page/scheme.js";
import { colourOf, labelOf } from "../page/state.js";

const HEAD = ["run", "epochs", "progress", "train loss J", "test loss J", "test R²", "s / epoch", "rows / s", "on disk", ""];
const ELSEWHERE = "These runs were recorded by a training of their own. “Start” trains three variants of deliveries beside them.";
let asked = null; // what is done if the question is answered with yes

export function showTraining(page) {
  const { training, runs, unreadable } = page;
  const trained = new Set(training.progress.map(({ run }) => run));
  const others = byStudy(Object.values(runs).filter(({ run }) => !trained.has(run)));
  const key = [training, unreadable, scheme(), Object.values(runs).map((run) => [run.metrics.epoch.length, run.disk_bytes])];
  const rows = training.progress.map((progress) => rowOf(progress, runs[progress.run], training));
  const head = element("thead", "", element("tr", "", ...HEAD.map((text) => (text ? element("th", "", text) : element("td")))));
  fill("training", JSON.stringify(key),
    element("p", "gv-message", training.state === "empty" && others.length ? ELSEWHERE : [training.message ?? "", timeLeft(page)].filter(Boolean).join(" ")),
    rows.length ? element("div", "gv-table-box", element("table", "gv-table", head, element("tbody", "", ...rows))) : null,
    ...others.flatMap(([study, members]) => [element("h3", "gv-study", members.length > 1 ? `${study}, ${members.length} runs` : study), tableOf(members)]),
    ...unreadable.map(({ file, reason }) => element("p", "gv-error", `Left out, because it cannot be read: ${file}: ${reason}`)),
    ...setups(Object.values(runs)));
  setButtons(training);
}

// Runs that this server does not train, by the study that they are of.
function byStudy(runs) {
  const studies = new Map();
  for (const run of runs) studies.set(run.study, [...(studies.get(run.study) ?? []), run]);
  return [...studies];
}

// The last of what each family of curves tells.
function tableOf(runs) {
  const families = familiesOf(runs);
  const columns = families.flatMap((family) => COLUMNS.filter((column) => runs.some((run) => columnsOf(run, family)[column])).map((column) => [family, column]));
  const head = ["run", "epochs", ...columns.map(([family, column]) => factName(column === "value" ? family : `${column} ${family}`)), "on disk"];
  const rows = runs.map((run) => {
    const last = columns.map(([family, column]) => columnsOf(run, family)[column]?.at(-1) ?? null);
    const epochs = run.epochs.length ? `${run.epochs.at(-1)}${run.planned_epochs > run.epochs.at(-1) ? ` of ${run.planned_epochs}` : ""}` : "–";
    return element("tr", "", headOf(run.run), ...[epochs, ...last.map((value) => cell(value)), size(run.disk_bytes)].map((value) => element("td", "", value)));
  });
  const table = element("table", "gv-table", element("thead", "", element("tr", "", ...head.map((text) => element("th", "", text)))), element("tbody", "", ...rows));
  return element("div", "gv-table-box", table);
}

function headOf(name) {
  const head = element("th", "", element("i", "gv-swatch"), labelOf(name));
  head.scope = "row";
  head.firstChild.style.background = colourOf(name);
  return head;
}

function cell(value, digits = 3) {
  return value === null ? "–" : number(value, digits);
}

function rowOf({ run: name, epoch, epochs }, run, training) {
  const bar = element("progress", "gv-progress");
  Object.assign(bar, { max: epochs, value: epoch ?? 0 });
  bar.setAttribute("aria-label", `Epochs of ${labelOf(name)}`);
  const head = headOf(name);
  const last = (column) => run?.metrics[column].at(-1) ?? null;
  const seconds = secondsAnEpoch(run);
  const values = [
    `${epoch ?? 0} of ${epochs}`, bar, cell(last("train_loss")), cell(last("test_loss")), cell(last("test_r2"), 4), cell(seconds, 2),
    seconds ? Math.round(run.train_rows / seconds).toLocaleString("en") : "–", run ? size(run.disk_bytes) : "–",
    deleteButton(name, training),
  ];
  return element("tr", "", head, ...values.map((value) => element("td", "", value)));
}

function deleteButton(name, training) {
  if (training.read_only) return "";
  const label = labelOf(name);
  const made = button("Delete…", () => askBefore({ action: "delete", run: name, confirm: true }, `Delete the run ${label}?`,
    `Deletes all checkpoints and curves of ${label}; other runs are kept.`, "Delete"));
  made.disabled = ["running", "stopping"].includes(training.state);
  made.title = made.disabled ? "Stop the training first" : "";
  made.setAttribute("aria-label", `Delete the run ${label}…`);
  return made;
}

// Median of the last epochs that were trained: epoch 0 is the initialisation and trains nothing.
function secondsAnEpoch(run) {
  const known = (run?.metrics.wall_seconds ?? []).filter((value, k) => run.metrics.epoch[k] > 0 && value !== null).slice(-5).sort((a, b) => a - b);
  return known.length ? known[known.length >> 1] : null;
}

// One estimate is enough: the trainer has often told its own.
function timeLeft({ training, runs }) {
  if (training.state !== "running" || /\bleft\b/.test(training.message)) return "";
  const parts = training.progress.map(({ run, epoch, epochs }) => (epochs - (epoch ?? 0)) * secondsAnEpoch(runs[run]));
  const seconds = parts.reduce((sum, part) => sum + part, 0);
  if (!seconds) return "";
  return seconds < 90 ? `About ${Math.ceil(seconds / 10) * 10} s left.` : `About ${Math.round(seconds / 60)} min left.`;
}

function size(bytes) {
  return bytes < 1e9 ? `${number(bytes / 1e6)} MB` : `${number(bytes / 1e9)} GB`;
}

// How the runs were trained: a line for all that were trained alike.
function setups(runs) {
  const labels = new Map();
  for (const run of runs) labels.set(setupOf(run), [...(labels.get(setupOf(run)) ?? []), run.label]);
  const told = [...labels].filter(([setup]) => setup);
  return told.map(([setup, alike]) => element("p", "gv-setup", labels.size > 1 ? `${alike.join(", ")}: ${setup}` : setup));
}

function setupOf(run) {
  if (!run.hidden) return run.about.map(([name, value]) => `${name} ${value}`).join(", ");
  const strengths = Object.entries(run.regularizer).filter(([name]) => !["kind", "label"].includes(name)).map(([name, value]) => `${name} ${value}, `);
  return `${run.widths.join(" → ")}, ${run.rows} rows of ${run.data}, minibatch ${run.batch_size}, ${run.optimizer.label}, ${strengths.join("")}output scale ${run.output_scale}, seed ${run.seed}.`;
}

function setButtons(training) {
  const running = ["running", "stopping"].includes(training.state);
  const off = training.read_only || training.state === "unknown";
  const states = { "train-start": off || running || training.state === "finished", "train-stop": off || !running, "train-again": off || training.state === "empty" };
  for (const [id, disabled] of Object.entries(states)) setProps(id, { disabled });
}

function askBefore(body, title, text, yes) {
  asked = body;
  const { set_props: set } = window.dash_clientside;
  set("confirm-text", { children: text });
  set("confirm-yes", { children: yes });
  set("confirm", { title, opened: true });
}

export function askToStartAgain() {
  askBefore({ action: "start_again", confirm: true }, "Start again?",
    "Deletes the checkpoints and curves of all runs and trains from epoch 0.", "Delete and start again");
}

// {action, …}, as POST /api/v1/training takes it; a refusal is a notice.
export async function act(body) {
  const refusal = await orderTraining(body);
  showNotices(refusal ? [refusal] : [], "training");
}

export async function confirmAsked() {
  const body = asked;
  asked = null;
  if (body) await act(body);
}
