// The rows of a minibatch as a list: what each is, its prediction and target, whether both units are active, its direction and share.
// One of them is in the order of Tab; arrow keys go to the others.

import { leastRows, lineOf, shareWords, turnBetween, verdictOf, widthsOf } from "../pure/rowlist.js";
import { element } from "../page/dom.js";

/** @import { Arrow, Row, RowImage } from "../pure/rowlist.js" */

const MOST_AT_FIRST = 200;

/**
 * @typedef {object} Acts what a list asks for
 * @property {(row: number | null) => void} hover
 * @property {(row: number) => void} select
 * @property {((row: number) => void) | null} takeOut null where that is not possible
 */

export class RowTable {
  /** @type {Map<number, HTMLElement>} */
  #items = new Map();
  #isWhole = false;
  #canGo = true; // rows from the minibatch
  #hasTakenOut = false; // and the focus is on the next one, which nobody has pointed at
  #acts;

  /** @param {Acts} acts */
  constructor(acts) {
    this.#acts = acts;
    this.element = element("ol", "gv-rowlist");
    this.element.addEventListener("pointermove", (event) => this.#point(event)); // a list that moves under the pointer points at nothing
    this.element.addEventListener("pointerleave", () => acts.hover(null));
    this.element.addEventListener("focusin", (event) => event.target instanceof Element && event.target.matches(":focus-visible") && !this.#hasTakenOut && this.#point(event));
    this.element.addEventListener("focusout", () => acts.hover(null));
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {Row[]} rows in their order @param {{has_classes: boolean, coupled: boolean}} told @param {Arrow | null} mean the minibatch's arrow */
  show(rows, told, mean) {
    const focused = rowOf(document.activeElement);
    const shown = this.#isWhole ? rows : rows.slice(0, MOST_AT_FIRST);
    this.#canGo = this.#acts.takeOut !== null && rows.length > leastRows(told);
    const look = { told, mean, largest: largestOf(rows), widths: widthsOf(shown) };
    this.#items = new Map(shown.map((row) => [row.row, itemOf(row, look, this.#canGo)]));
    const rest = rows.length - shown.length;
    this.element.replaceChildren(...this.#items.values(), ...(rest ? [this.#more(rest, [rows, told, mean])] : []));
    const first = this.#items.get(focused) ?? this.element.firstElementChild;
    first?.querySelector("button")?.setAttribute("tabindex", "0");
    if (this.#items.has(focused)) first.querySelector("button").focus({ preventScroll: true });
    this.#hasTakenOut = false;
  }

  /** Without rows, until those of another minibatch are known. */
  clear() {
    this.#items = new Map();
    this.element.replaceChildren();
  }

  #more(rest, shown) {
    const made = element("button", "gv-button", `Show the other ${rest}`);
    made.type = "button";
    made.addEventListener("click", () => {
      this.#isWhole = true;
      this.show(shown[0], shown[1], shown[2]);
    });
    return element("li", "gv-row-more", made);
  }

  /** @param {{hovered: number | null, selected: number | null}} marks */
  mark({ hovered, selected }) {
    for (const [row, item] of this.#items) {
      if (item.classList.contains("gv-hovered") !== (row === hovered)) item.classList.toggle("gv-hovered");
      const button = item.firstElementChild;
      const pressed = `${row === selected}`;
      if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    }
  }

  /** Brings a row into sight. @param {number} row */
  reveal(row) {
    this.#items.get(row)?.scrollIntoView({ block: "nearest" });
  }

  #point(event) {
    const row = rowOf(event.target);
    if (row !== null) this.#acts.hover(event.target.closest(".gv-row-out") ? null : row); // who takes rows out looks at the rest
  }

  #click(event) {
    const row = rowOf(event.target);
    if (row === null) return;
    if (event.target.closest(".gv-row-out")) this.#takeOut(row);
    else this.#acts.select(row);
  }

  #takeOut(row) {
    const item = this.#items.get(row);
    const next = item.nextElementSibling ?? item.previousElementSibling;
    this.#hasTakenOut = true;
    next?.querySelector("button")?.focus({ preventScroll: true });
    this.#acts.hover(null);
    this.#acts.takeOut?.(row);
  }

  #key(event) {
    const item = event.target.closest("li");
    const steps = { ArrowDown: item?.nextElementSibling, ArrowUp: item?.previousElementSibling, Home: this.element.firstElementChild, End: this.element.lastElementChild };
    const row = rowOf(event.target);
    if (event.key in steps) go(item, steps[event.key]);
    else if (event.key === "Delete" && row !== null && this.#canGo) this.#takeOut(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function go(from, to) {
  const button = to?.querySelector("button");
  if (!button) return;
  from.querySelector("button").setAttribute("tabindex", "-1");
  button.setAttribute("tabindex", "0");
  button.focus();
}

function rowOf(target) {
  const item = target instanceof Element ? /** @type {HTMLElement} */ (target.closest("li[data-row]")) : null;
  return item ? Number(item.dataset.row) : null;
}

/** @param {Row[]} rows */
export function largestOf(rows) {
  return Math.max(...rows.map(({ share }) => Math.abs(share ?? 0)), 1e-12);
}

function itemOf(row, look, canGo) {
  const main = element("button", "gv-rowline", ...cellsOf(row, look));
  main.type = "button";
  main.tabIndex = -1;
  main.setAttribute("aria-pressed", "false");
  const item = element("li", row.share < 0 ? "gv-against" : "", main, canGo ? outButton(row) : null);
  item.dataset.row = row.row;
  return item;
}

function outButton({ row }) {
  const out = element("button", "gv-row-out", "×");
  Object.assign(out, { type: "button", tabIndex: -1, title: "Take this row out (Delete)" });
  out.setAttribute("aria-label", `Take row ${row} out`);
  return out;
}

/** What a row's line shows. @param {Row} row @param {{told: {has_classes: boolean}, mean: Arrow | null, largest: number, widths: number[]}} look `largest` share of all */
export function cellsOf(row, { told, mean, largest, widths }) {
  return [
    arrowOf(row, mean),
    element("span", "gv-row-number", element("span", "gv-hidden", "row "), `${row.row}`),
    element("span", "gv-row-verdict", verdictOf(row, told), belowOf(row, told)),
    activeOf(row),
    shareOf(row, largest),
    row.image ? imageOf(row.image) : null,
    element("span", "gv-row-text", lineOf(row, widths)),
  ];
}

function belowOf({ below }, { has_classes: hasClasses }) {
  return below === null || hasClasses ? null : element("span", "gv-hidden", below ? ", below target" : ", above target");
}

function arrowOf(row, mean) {
  const made = element("span", "gv-row-arrow");
  if (row.u === null || !Math.hypot(row.u, row.v)) return element("span", "gv-row-arrow gv-no-arrow", element("span", "gv-hidden", row.u === null ? "" : "no arrow, "));
  made.style.setProperty("--turn", `${(-Math.atan2(row.v, row.u) * 180) / Math.PI}deg`);
  const turn = mean ? turnBetween(mean, { u: row.u, v: row.v }) : null;
  if (turn !== null) made.append(element("span", "gv-hidden", `${Math.round(Math.abs(turn))} degrees from the minibatch's arrow, `));
  return made;
}

const UNITS = ["x₁", "x₂"];

function activeOf({ active }) {
  const known = active.some((one) => one !== null);
  const words = active.map((one, k) => (one === null ? null : `${UNITS[k]} ${one ? "on" : "off"}`)).filter(Boolean).join(", ");
  const made = element("span", "gv-row-active", ...(known ? active.map((one) => element("i", one === null ? "gv-unknown" : one ? "gv-on" : "")) : []), known ? element("span", "gv-hidden", `, units: ${words}`) : null);
  if (known) made.title = `Units: ${words}`;
  return made;
}

function shareOf({ share }, largest) {
  if (share === null) return element("span", "gv-row-share");
  const bar = element("i", share < 0 ? "gv-against" : "");
  bar.style.width = `${(50 * Math.abs(share)) / largest}%`;
  return element("span", "gv-row-share", element("span", "gv-row-bar", bar), element("span", "gv-row-percent", element("span", "gv-hidden", ", share "), shareWords(share)));
}

/** @param {RowImage} image */
export function imageOf({ width, height, channels, pixels }) {
  const canvas = element("canvas", "gv-row-image");
  Object.assign(canvas, { width, height });
  canvas.setAttribute("aria-hidden", "true");
  const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const data = new ImageData(width, height);
  for (let k = 0; k < width * height; k++) {
    for (let c = 0; c < 3; c++) data.data[4 * k + c] = bytes[channels * k + (channels === 3 ? c : 0)];
    data.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}
