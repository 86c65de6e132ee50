// The training view: what its training does, the runs, the buttons, and the question before something is deleted.

import { factName } from "../pure/minibatch.js";
import { setProps } from "../page/dash.js";
import { button, element, fill } from "../page/dom.js";
import { showNotices } from "../page/notices.js";
import { orderTraining } from "../page/runs.js";
import { scheme } from "../page/scheme.js";
import { labelOf } from "../page/state.js";
import { runTables, secondsAnEpoch } from "./runtables.js";

let asked = null; // what is done if the question is answered with yes

export function showTraining(page) {
  const { training, runs, unreadable } = page;
  document.body.dataset.trains = training.trains === false ? "off" : "on";
  const key = [training, unreadable, scheme(), Object.values(runs).map((run) => [run.metrics.epoch.length, run.disk_bytes])];
  fill("training", JSON.stringify(key),
    element("p", "gv-message", [training.message ?? "", timeLeft(page)].filter(Boolean).join(" ")),
    ...runTables(page, (name) => deleteButton(name, training)),
    ...unreadable.map(({ file, reason }) => element("p", "gv-error", `Left out, because it cannot be read: ${file}: ${reason}`)),
    ...setups(Object.values(runs)));
  setButtons(training);
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

// One estimate is enough: the trainer has often told its own.
function timeLeft({ training, runs }) {
  if (training.state !== "running" || /\bleft\b/.test(training.message)) return "";
  const parts = training.progress.map(({ run, epoch, epochs }) => (epochs - (epoch ?? 0)) * secondsAnEpoch(runs[run]));
  const seconds = parts.reduce((sum, part) => sum + part, 0);
  if (!seconds) return "";
  return seconds < 90 ? `About ${Math.ceil(seconds / 10) * 10} s left.` : `About ${Math.round(seconds / 60)} min left.`;
}

// How the runs were trained: a line for all that were trained alike.
function setups(runs) {
  const labels = new Map();
  for (const run of runs) labels.set(setupOf(run), [...(labels.get(setupOf(run)) ?? []), run.label]);
  const told = [...labels].filter(([setup]) => setup);
  return told.map(([setup, alike]) => element("p", "gv-setup", labels.size > 1 ? `${alike.join(", ")}: ${setup}` : setup));
}

function setupOf(run) {
  if (!run.hidden) return run.about.map(([name, value]) => `${factName(name)} ${value}`).join(", ");
  const strengths = Object.entries(run.regularizer).filter(([name]) => !["kind", "label"].includes(name)).map(([name, value]) => `${name} ${value}, `);
  return `${run.widths.join(" → ")}, ${run.rows} rows of ${run.data}, minibatch ${run.batch_size}, ${run.optimizer.label}, ${strengths.join("")}output scale ${run.output_scale}, seed ${run.seed}.`;
}

function setButtons(training) {
  const running = ["running", "stopping"].includes(training.state);
  const off = training.read_only || training.trains === false || training.state === "unknown";
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
