// The training view: how far and how fast each run is and what it takes on disk; the buttons, and the question before
// something is deleted.

import { number } from "../pure/formats.js";
import { setProps } from "../page/dash.js";
import { button, element, fill } from "../page/dom.js";
import { showNotices } from "../page/notices.js";
import { orderTraining } from "../page/runs.js";
import { scheme } from "../page/scheme.js";
import { colourOf, labelOf } from "../page/state.js";

const HEAD = ["run", "epochs", "progress", "train loss J", "test loss J", "test R²", "s / epoch", "rows / s", "on disk", ""];
let asked = null; // what is done if the question is answered with yes

export function showTraining(page) {
  const { training, runs, unreadable } = page;
  const key = [training, unreadable, scheme(), Object.values(runs).map((run) => [run.metrics.epoch.length, run.disk_bytes])];
  const rows = training.progress.map((progress) => rowOf(progress, runs[progress.run], training));
  const head = element("thead", "", element("tr", "", ...HEAD.map((text) => (text ? element("th", "", text) : element("td")))));
  fill("training", JSON.stringify(key),
    element("p", "gv-message", [training.message ?? "", timeLeft(page)].filter(Boolean).join(" ")),
    rows.length ? element("div", "gv-table-box", element("table", "gv-table", head, element("tbody", "", ...rows))) : null,
    ...unreadable.map(({ file, reason }) => element("p", "gv-error", `Left out, because it cannot be read: ${file}: ${reason}`)),
    ...setups(Object.values(runs)));
  setButtons(training);
}

function rowOf({ run: name, epoch, epochs }, run, training) {
  const bar = element("progress", "gv-progress");
  Object.assign(bar, { max: epochs, value: epoch ?? 0 });
  bar.setAttribute("aria-label", `Epochs of ${labelOf(name)}`);
  const head = element("th", "", element("i", "gv-swatch"), labelOf(name));
  head.scope = "row";
  head.firstChild.style.background = colourOf(name);
  const last = (column) => run?.metrics[column].at(-1) ?? null;
  const cell = (value, digits = 3) => (value === null ? "–" : number(value, digits));
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
  return [...labels].map(([setup, alike]) => element("p", "gv-setup", labels.size > 1 ? `${alike.join(", ")}: ${setup}` : setup));
}

function setupOf(run) {
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
