// Numbers behind a picture as a table: filled when it is opened, and kept in line with the picture while it is open.

import { number } from "../pure/formats.js";
import { partsAt, zeroWords } from "../pure/frame.js";
import { look } from "../pure/look.js";
import { element } from "../page/dom.js";

const MOST_ROWS = 2000;
const made = new Map(); // host id -> {details, source, filled}

// Makes the disclosure in an island, or gives it other numbers. `source`: {key, caption, head: [text], rows: () => rows},
// each row a list of texts or numbers whose first `named` (0 if left out) name the row. Null empties the island.
export function showNumbers(hostId, source) {
  const host = document.getElementById(hostId);
  if (!source) {
    made.delete(hostId);
    return host.replaceChildren();
  }
  if (!made.has(hostId)) made.set(hostId, create(host));
  const table = made.get(hostId);
  table.source = source;
  table.summary.setAttribute("aria-label", `Numbers: ${source.caption}`);
  if (table.details.open) fill(table);
}

function create(host) {
  const summary = element("summary", "", "Numbers");
  const body = element("div", "gv-numbers-body");
  Object.assign(body, { tabIndex: 0 });
  body.setAttribute("role", "region");
  const details = element("details", "gv-numbers", summary, body);
  const table = { details, summary, body, source: null, filled: null };
  details.addEventListener("toggle", () => (details.open ? fill(table) : empty(table)));
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    summary.focus();
  });
  host.replaceChildren(details);
  return table;
}

function fill(table) {
  const { source, body } = table;
  if (table.filled === source.key) return;
  table.filled = source.key;
  body.setAttribute("aria-label", source.caption);
  const rows = source.rows();
  const note = rows.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${rows.length} rows.` : "";
  const caption = element("caption", "", source.caption, note ? ` ${note}` : "");
  const head = element("tr", "", ...source.head.map((text) => headCell(text, "col")));
  const lines = rows.slice(0, MOST_ROWS).map((row) => element("tr", "", ...row.map((value, k) => (k < (source.named ?? 0) ? headCell(value, "row") : element("td", "", shown(value))))));
  body.replaceChildren(element("table", "gv-number-table", caption, element("thead", "", head), element("tbody", "", ...lines)));
}

function empty(table) {
  table.filled = null;
  table.body.replaceChildren();
}

function headCell(text, scope) {
  const cell = element("th", "", shown(text));
  cell.scope = scope;
  return cell;
}

function shown(value) {
  return typeof value === "number" ? number(value, 4) : value;
}

// The source of a gradient field: a row for each grid point, from the lower left corner on.
export function fieldNumbers(caption, frame, halfWidth) {
  const delta = frame.difference ? "Δ" : "";
  const cell = (2 * halfWidth) / (frame.points - 1);
  const middle = (frame.points - 1) / 2;
  return {
    key: `${caption}|${frame.index}|${frame.x}|${frame.y}|${frame.loss[0]}|${frame.u[0]}`,
    caption,
    head: ["Δx₁", "Δx₂", `${delta}∂J/∂x₁`, `${delta}∂J/∂x₂`, `|${delta}∇J|`, `${delta}J`, frame.difference ? "equal?" : "zero?"],
    named: 2,
    rows: () => Array.from(frame.u, (u, k) => [
      cell * ((k % frame.points) - middle), cell * (Math.floor(k / frame.points) - middle),
      ...partsAt(frame, k), Math.hypot(u, frame.v[k]), frame.loss[k], zeroWords(frame, k, look.zero_words),
    ]),
  };
}
