// The runs as tables, one for each study: how far and how fast each is, what it has measured last, what it takes on disk.

import { COLUMNS, columnsOf, familiesOf } from "../pure/curves.js";
import { number, whole } from "../pure/formats.js";
import { factName } from "../pure/minibatch.js";
import { element } from "../page/dom.js";
import { colourOf, labelOf } from "../page/state.js";

const HEAD = ["run", "epochs", "progress", "train loss J", "test loss J", "test R²", "s / epoch", "rows / s", "on disk", ""];

/**
 * `lastCell(name)`: what stands at the end of a run's row. A run that has not begun stands with those of its training.
 * @param {any} page @param {(name: string) => any} lastCell
 */
export function runTables({ training, runs }, lastCell) {
  const trained = training.progress.map(({ run }) => runs[run]?.study).find(Boolean);
  const studies = new Map();
  for (const progress of training.progress) {
    const study = runs[progress.run]?.study ?? trained;
    studies.set(study, [...(studies.get(study) ?? []), progress]);
  }
  return [...studies].flatMap(([study, members]) => {
    const known = members.flatMap(({ run }) => runs[run] ?? []);
    const rows = known.every((run) => run.hidden) ? [HEAD, ...members.map((one) => rowOf(one, runs[one.run], lastCell))] : measuredRows(members, known, runs, lastCell);
    const title = studies.size > 1 || !known.every((run) => run.hidden) ? element("h3", "gv-study", study) : null;
    return [title, tableOf(rows[0], rows.slice(1), `Runs of ${study}`)];
  });
}

function tableOf(head, rows, name) {
  const heads = head.map((text) => (text ? Object.assign(element("th", "", text), { scope: "col" }) : element("td")));
  const lines = rows.map(([run, ...values]) => element("tr", "", headOf(run), ...values.map((value) => element("td", "", value))));
  const table = element("table", "gv-table", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...lines));
  const box = element("div", "gv-table-box", table);
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
  return box;
}

function headOf(name) {
  const head = element("th", "", element("i", "gv-swatch"), labelOf(name));
  head.scope = "row";
  head.firstChild.style.background = colourOf(name);
  return head;
}

function cell(value, digits = 3) {
  return value === null || value === undefined ? "–" : number(value, digits);
}

function bar({ run, epoch, epochs }) {
  const made = element("progress", "gv-progress");
  Object.assign(made, { max: epochs, value: epoch ?? 0 });
  made.setAttribute("aria-label", `Epochs of ${labelOf(run)}`);
  return made;
}

// ---- deliveries -----------------------------------------------------------------------------------------------

function rowOf(progress, run, lastCell) {
  const last = (column) => run?.metrics[column].at(-1) ?? null;
  const seconds = secondsAnEpoch(run);
  return [
    progress.run, `${progress.epoch ?? 0} of ${progress.epochs}`, bar(progress), cell(last("train_loss")), cell(last("test_loss")), cell(last("test_r2"), 4), cell(seconds, 2),
    seconds ? whole(Math.round(run.train_rows / seconds)) : "–", run ? size(run.disk_bytes) : "–", lastCell(progress.run),
  ];
}

/** Median of the last epochs that were trained: epoch 0 is the initialisation and trains nothing. @returns {number | null} */
export function secondsAnEpoch(run) {
  const known = (run?.metrics.wall_seconds ?? []).filter((value, k) => run.metrics.epoch[k] > 0 && value !== null).slice(-5).sort((a, b) => a - b);
  return known.length ? known[known.length >> 1] : null;
}

function size(bytes) {
  return bytes < 1e9 ? `${number(bytes / 1e6)} MB` : `${number(bytes / 1e9)} GB`;
}

// ---- any study ------------------------------------------------------------------------------------------------

// The last of what each family of curves tells. What another program records has no plan that is known.
function measuredRows(members, known, runs, lastCell) {
  const families = familiesOf(known);
  const columns = families.flatMap((family) => COLUMNS.filter((column) => known.some((run) => columnsOf(run, family)[column])).map((column) => ({ family, column })));
  const isTrained = members.some(({ recorded }) => !recorded);
  const head = ["run", "epochs", ...(isTrained ? ["progress"] : []), ...columns.map(({ family, column }) => factName(column === "value" ? family : `${column} ${family}`)), "on disk", ""];
  const rows = members.map((progress) => {
    const run = runs[progress.run];
    const measured = columns.map(({ family, column }) => measuredText(run && columnsOf(run, family)[column]?.at(-1)));
    return [progress.run, epochsOf(progress), ...(isTrained ? [progress.recorded ? "" : bar(progress)] : []), ...measured, run ? size(run.disk_bytes) : "–", lastCell(progress.run)];
  });
  return [head, ...rows];
}

// Counts stay whole.
function measuredText(value) {
  return Number.isInteger(value) ? whole(value) : cell(value);
}

function epochsOf({ epoch, epochs, recorded }) {
  return recorded && epoch === epochs ? `${epoch}` : `${epoch ?? 0} of ${epochs}`;
}
