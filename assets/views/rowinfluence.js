// What each row of the minibatch does to its gradient, beside the list of rows: a table of what changes if a row is left out,
// the pairs of rows that oppose each other most, and all training rows as a scatter. Asked for while it is open.

import { hasDirections } from "../pure/axes.js";
import { COLUMNS, captionWords, cellText, cosineWords, influenceSentence, sortedRows } from "../pure/rowinfluence.js";
import { layerOf } from "../pure/parameters.js";
import { button, element } from "../page/dom.js";
import { allRowsOf, influenceOf } from "../page/rows.js";
import { watchScheme } from "../page/scheme.js";
import { RowScatter } from "./rowscatter.js";

/**
 * @typedef {object} RowsContext what the panel of rows gives
 * @property {any} plan of the picture; null while the panel is closed
 * @property {{row: number}[]} rows of the minibatch
 * @property {(callback: () => void) => void} onRows calls back when plan or rows are there, or are others
 * @property {(row: number) => void} select
 * @property {(row: number | null) => void} hover
 * @property {(rows: number[]) => void} compose
 */

const MOST_SHOWN = 100;

/** Adds the parts to the panel. @param {HTMLElement} host @param {RowsContext} context */
export function mountInfluence(host, context) {
  const state = { part: "pair", label: "", key: "resultant_change", isReversed: false, isWhole: false };
  const own = () => context.rows.map(({ row }) => row);
  const hover = (row) => context.hover(row === null || own().includes(row) ? row : null); // lines are of the minibatch's rows alone
  const into = button("", () => context.compose([...own(), Number(into.dataset.row)]));
  const scatter = new RowScatter(hover, (row) => {
    const isOwn = own().includes(row);
    if (isOwn) context.select(row);
    offer(isOwn ? null : row);
  });
  const [parts, table, cloud] = [element("div"), element("div"), element("div", "", scatter.host, into, element("p", "gv-sub"))];
  const folds = [fold("What each row does", table), fold("All training rows", cloud)];
  host.append(element("div", "gv-influence", parts, ...folds));
  for (const one of folds) one.addEventListener("toggle", refresh);
  context.onRows(refresh);
  watchScheme(() => scatter.redraw());
  offer(null);

  // A row that is not in the minibatch may come into it.
  function offer(row) {
    into.hidden = row === null;
    into.dataset.row = `${row}`;
    into.textContent = `Put row ${row} in`;
  }

  function refresh() {
    const { plan } = context;
    parts.hidden = !folds.some(({ open }) => open);
    if (!plan || parts.hidden) return;
    if (own().includes(Number(into.dataset.row))) offer(null);
    const choices = partsOf(plan);
    if (!choices.some(({ value }) => value === state.part)) state.part = choices[0].value;
    state.label = choices.find(({ value }) => value === state.part).label;
    showParts(parts, choices, state, refresh);
    if (folds[0].open) showTable(table, influenceOf(plan, state.part, refresh), state, context, refresh);
    if (folds[1].open) showCloud(cloud, allRowsOf(plan, refresh, state.part), scatter, own());
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

function showParts(host, choices, state, refresh) {
  const key = JSON.stringify([choices, state.part]);
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  const select = element("select", "gv-speed", ...choices.map(({ value, label }) => new Option(label, value, false, value === state.part)));
  select.setAttribute("aria-label", "Gradients of the rows by which parameters");
  select.addEventListener("change", () => {
    state.part = select.value;
    refresh();
    /** @type {HTMLElement} */ (host.firstElementChild).focus();
  });
  host.replaceChildren(select);
}

// ---- the table ------------------------------------------------------------------------------------------------

function showTable(host, { answer, error }, state, context, refresh) {
  host.setAttribute("aria-busy", `${!answer && !error}`);
  const key = JSON.stringify([answer?.request ?? error, state]);
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  if (!answer?.rows.length) return host.replaceChildren(element("p", "gv-sub", answer?.sentence ?? error ?? "Leaving out row by row…"));
  const focused = host.contains(document.activeElement) ? document.activeElement.getAttribute("data-sort") : null;
  const rows = sortedRows(answer.rows, state.key, state.isReversed);
  const shown = state.isWhole ? rows : rows.slice(0, MOST_SHOWN);
  const heads = COLUMNS.map((column) => headOf(column, state, refresh));
  const lines = shown.map((row) => lineOf(row, state, context));
  const more = button(`Show all ${rows.length} rows`, () => {
    state.isWhole = true;
    refresh();
  });
  host.replaceChildren(
    element("p", "gv-sub", influenceSentence(answer)),
    element("div", "gv-influence-rows", element("table", "gv-table", element("caption", "", captionWords(state.label)),
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

function lineOf(row, { part }, context) {
  const number = rowButton(row.row, context);
  const head = element("th", "", number);
  head.scope = "row";
  const line = element("tr", "", head, ...COLUMNS.slice(1).map(({ key }) => element("td", "", cellText(row, key, part === "pair"))));
  line.addEventListener("pointerenter", () => context.hover(row.row));
  line.addEventListener("pointerleave", () => context.hover(null));
  return line;
}

function rowButton(row, context) {
  const made = button(`${row}`, () => context.select(row), "gv-influence-row");
  made.setAttribute("aria-label", `row ${row}: show it in the list`);
  return made;
}

function opposingOf({ opposing }, context) {
  if (!opposing.length) return [];
  const items = opposing.map(({ row, other, cosine }) =>
    element("li", "", "rows ", rowButton(row, context), " and ", rowButton(other, context), cosineWords(cosine)));
  return [element("h3", "", "Pairs that oppose each other most"), element("ol", "gv-influence-pairs", ...items)];
}

// ---- all rows -------------------------------------------------------------------------------------------------

function showCloud(host, { answer, error }, scatter, own) {
  host.setAttribute("aria-busy", `${!answer && !error}`);
  scatter.host.hidden = !answer?.is_there;
  host.lastElementChild.textContent = answer?.sentence ?? error ?? "Computing the gradients of all training rows…";
  if (answer?.is_there) scatter.show(answer, own);
}
