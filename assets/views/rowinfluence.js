// What each row of the minibatch does to its gradient, beside the list of rows: a table of what changes if a row is left out,
// the pairs of rows that oppose each other most, and all training rows as a scatter. Asked for while it is open.

import { hasDirections } from "../pure/axes.js";
import { COLUMNS, cellText, influenceSentence, opposingWords, sortedRows } from "../pure/rowinfluence.js";
import { layerOf } from "../pure/parameters.js";
import { AskedOnce } from "../page/askedonce.js";
import { button, element } from "../page/dom.js";
import { watchScheme } from "../page/scheme.js";
import { page } from "../page/state.js";
import { RowScatter } from "./rowscatter.js";

/**
 * @typedef {object} RowsContext what the panel of rows gives
 * @property {any} plan of the picture
 * @property {number[]} rows the numbers of the minibatch's rows
 * @property {(callback: () => void) => void} onRows calls back when plan or rows are others
 * @property {(row: number) => void} select
 * @property {(row: number | null) => void} hover
 */

const MOST_SHOWN = 100;
const asked = new AskedOnce(60);

/** Fills an element, for as long as it is in the page. @param {HTMLElement} host @param {RowsContext} context */
export function mount(host, context) {
  const state = { part: "pair", key: "resultant_change", isReversed: false, isWhole: false };
  const scatter = new RowScatter((row) => context.hover(row), (row) => context.select(row));
  const [parts, table, cloud] = [element("div"), element("div"), element("div")];
  const folds = [fold("What each row does", table), fold("All training rows", cloud)];
  host.classList.add("gv-influence");
  host.replaceChildren(parts, ...folds);
  for (const one of folds) one.addEventListener("toggle", refresh);
  context.onRows(refresh);
  watchScheme(() => scatter.redraw());
  refresh();

  function refresh() {
    const { plan } = context;
    const choices = partsOf(plan);
    if (!choices.some(({ value }) => value === state.part)) state.part = choices[0].value;
    const wanted = choices.map(({ value, label }) => new Option(label, value, false, value === state.part));
    showParts(parts, wanted, state, refresh);
    if (folds[0].open) showTable(table, asked.of(addressOf("influence", plan, state.part), refresh), state, context, refresh);
    if (folds[1].open) showCloud(cloud, asked.of(addressOf("all", plan, state.part), refresh), scatter, context);
  }
}

function fold(title, body) {
  return element("details", "gv-fold", element("summary", "", title), body);
}

// The parts by whose parameters gradients may be told: of directions there is neither a pair nor a layer.
function partsOf({ x, y, network }) {
  const model = { value: "model", label: "by the whole model" };
  if (hasDirections({ x, y })) return [model];
  const layers = [...new Set([x, y].map((name) => layerOf(name, network)))];
  const named = layers.map((layer) => network?.layers.find(({ value }) => value === layer)).filter(Boolean);
  return [{ value: "pair", label: "by the two parameters" }, ...named.map(({ value, label, part }) => ({ value: part ?? value, label: `by ${label}` })), model];
}

function showParts(host, options, state, refresh) {
  const key = JSON.stringify(options.map(({ value, text }) => [value, text]));
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  const select = element("select", "gv-speed", ...options);
  select.setAttribute("aria-label", "Gradients of the rows by which parameters");
  select.addEventListener("change", () => {
    state.part = select.value;
    refresh();
  });
  host.replaceChildren(select);
}

/** The address of what is told of the plan's minibatch. @param {"influence" | "all"} kind @param {any} plan @param {string} part */
export function addressOf(kind, { run, epochs }, part) {
  const query = new URLSearchParams({ ...epochs.selection, epoch: `${page.view.epoch}`, part });
  // All rows are the same whichever minibatch is on show, and however much of the plane is drawn.
  if (kind === "all") for (const name of ["minibatch", "minibatch_size", "rows", "masks", "seed", "half_width", "points"]) query.delete(name);
  return `api/v1/rows/${kind}?${query}#${page.runs[run]?.stamp}`;
}

// ---- the table ------------------------------------------------------------------------------------------------

function showTable(host, { answer, error }, state, context, refresh) {
  host.setAttribute("aria-busy", `${!answer && !error}`);
  const key = JSON.stringify([answer?.request ?? error, state]);
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  if (!answer) return host.replaceChildren(element("p", "gv-sub", error ?? "Leaving out row by row…"));
  const focused = host.contains(document.activeElement) ? document.activeElement.getAttribute("data-sort") : null;
  const rows = sortedRows(answer.rows, state.key, state.isReversed);
  const shown = state.isWhole ? rows : rows.slice(0, MOST_SHOWN);
  const heads = COLUMNS.map((column) => headOf(column, state, refresh));
  const lines = shown.map((row) => lineOf(row, context));
  const more = button(`Show all ${rows.length} rows`, () => {
    state.isWhole = true;
    refresh();
  });
  host.replaceChildren(
    element("p", "gv-sub", influenceSentence(answer)),
    element("div", "gv-influence-rows", element("table", "gv-table", element("caption", "", "If the row is left out"),
      element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...lines))),
    ...(shown.length < rows.length ? [more] : []),
    ...opposingOf(answer, context),
  );
  if (focused) /** @type {HTMLElement | null} */ (host.querySelector(`[data-sort="${focused}"]`))?.focus();
}

function headOf({ key, name, words }, state, refresh) {
  const sort = button(name, () => {
    state.isReversed = state.key === key && !state.isReversed;
    state.key = key;
    refresh();
  }, "gv-influence-sort");
  sort.title = words;
  sort.dataset.sort = key;
  const head = element("th", "", sort);
  head.scope = "col";
  if (state.key === key) head.setAttribute("aria-sort", (key === "row") === state.isReversed ? "descending" : "ascending");
  return head;
}

function lineOf(row, context) {
  const number = rowButton(row.row, context);
  const head = element("th", "", number);
  head.scope = "row";
  const line = element("tr", "", head, ...COLUMNS.slice(1).map(({ key }) => element("td", "", cellText(row, key))));
  line.addEventListener("pointerenter", () => context.hover(row.row));
  line.addEventListener("pointerleave", () => context.hover(null));
  return line;
}

function rowButton(row, context, text = `${row}`) {
  const made = button(text, () => context.select(row), "gv-influence-row");
  made.setAttribute("aria-label", `row ${row}: show it in the list`);
  return made;
}

function opposingOf({ opposing }, context) {
  if (!opposing.length) return [];
  const items = opposing.map((pair) => {
    const item = element("li", "", "rows ", rowButton(pair.row, context), " and ", rowButton(pair.other, context), opposingWords(pair).replace(/^rows \d+ and \d+/, ""));
    return item;
  });
  return [element("h4", "", "Pairs that oppose each other most"), element("ol", "gv-influence-pairs", ...items)];
}

// ---- all rows -------------------------------------------------------------------------------------------------

function showCloud(host, { answer, error }, scatter, context) {
  host.setAttribute("aria-busy", `${!answer && !error}`);
  if (!answer?.is_there) return host.replaceChildren(element("p", "gv-sub", answer?.sentence ?? error ?? "Computing the gradients of all training rows…"));
  if (!host.contains(scatter.host)) host.replaceChildren(scatter.host, element("p", "gv-sub"));
  host.lastElementChild.textContent = answer.sentence;
  scatter.show(answer, context.rows);
}
