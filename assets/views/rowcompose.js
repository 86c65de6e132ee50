// Composes another minibatch: rows are taken out, put in, or exchanged for each other. The rows that may come are offered by what they
// would do to the arrow, by number or text, by chance, or as those of another minibatch.

import { alongMost, haveArrows, leastRows, lengthOf, randomRows, sumOf, turnBetween, turningMost, widthsOf } from "../pure/rowlist.js";
import { rowsText } from "../pure/rows.js";
import { button, element } from "../page/dom.js";
import { allRowsOf, fieldsOfOthers, foundRows, keepFields, listOfMinibatch, listOfRows } from "../page/rows.js";
import { numMinibatches, page } from "../page/state.js";
import { cellsOf, largestOf } from "./rowtable.js";

/** @import { Row } from "../pure/rowlist.js" */

const OFFERED = 12;
const LEAST_GAIN = 0.5; // degrees
const PAUSE = 200; // ms after the last letter of what is searched for

/** @typedef {"turn" | "oppose" | "agree" | "random" | "find" | "minibatch"} Source */
/** @type {Record<Source, string>} */
const SOURCES = {
  turn: "that turn the arrow most",
  oppose: "that go against it most",
  agree: "that agree with it most",
  random: "by chance",
  find: "by number or text",
  minibatch: "of another minibatch",
};

export class RowComposer {
  #context;
  #hover;
  /** @type {Source} */
  #source = "turn";
  #isOpen = false;
  #text = "";
  #minibatch = 0;
  #chance = { of: "", rows: /** @type {number[]} */ ([]) };
  #typing = 0;
  #written = "";

  #onOpen;

  /** @param {{context: () => any, hover: (field: any) => void, onOpen: () => void}} panel */
  constructor({ context, hover, onOpen }) {
    this.#context = context();
    this.#onOpen = onOpen;
    this.#hover = hover;
    this.opener = button("Put rows in…", () => this.#toggle());
    this.opener.setAttribute("aria-expanded", "false");
    this.only = button("Only this row", () => this.#context.compose([this.#context.selected.row]));
    this.back = button("As recorded", () => this.#context.compose(null));
    this.out = button("Take out", () => this.#takeOut());
    this.offers = element("ol", "gv-offers");
    this.note = element("p", "gv-rows-note");
    this.note.setAttribute("role", "status");
    this.chooser = element("div", "gv-rows-chooser", this.#sourceChoice(), this.note, this.offers);
    this.chooser.hidden = true;
    this.element = element("div", "gv-rows-compose", this.chooser, element("div", "gv-rows-acts", this.opener, this.out, this.only, this.back));
    this.offers.addEventListener("pointerleave", () => hover(null));
  }

  /** In line with the rows, and with the row that is selected. */
  show() {
    const { selected, rows, told } = this.#context;
    const least = leastRows(told);
    this.back.hidden = !page.view.rows;
    this.only.hidden = !selected || rows.length === 1 || least > 1;
    this.out.hidden = !selected;
    this.out.disabled = rows.length <= least;
    if (selected) this.out.textContent = `Take ${selected.row} out`;
    if (this.#isOpen) this.#offer();
  }

  /** The rows that are offered. @returns {number[]} */
  get offered() {
    return this.#isOpen ? [.../** @type {NodeListOf<HTMLElement>} */ (this.offers.querySelectorAll("li"))].map(({ dataset }) => Number(dataset.offer)) : [];
  }

  #takeOut() {
    const { rows, selected, compose } = this.#context;
    compose(rows.map(({ row }) => row).filter((row) => row !== selected.row));
  }

  /** Closes the chooser; what there was in it that had the focus gives it to the opener. @param {EventTarget | null} within false is answered unless this is a part @returns {boolean} whether it was open */
  close(within = this.chooser) {
    if (!this.#isOpen || !(within instanceof Node) || !this.element.contains(within)) return false;
    const hadFocus = this.chooser.contains(document.activeElement);
    this.#toggle();
    if (hadFocus) this.opener.focus();
    return true;
  }

  #toggle() {
    this.#isOpen = !this.#isOpen;
    this.chooser.hidden = !this.#isOpen;
    this.opener.setAttribute("aria-expanded", `${this.#isOpen}`);
    this.opener.textContent = this.#isOpen ? "Done" : "Put rows in…";
    if (!this.#isOpen) return;
    this.#onOpen();
    this.#offer();
  }

  #sourceChoice() {
    const choice = element("select", "gv-rows-source", ...Object.entries(SOURCES).map(([value, text]) => Object.assign(element("option", "", text), { value })));
    choice.addEventListener("change", () => {
      this.#source = choice.value;
      this.#chance.of = "";
      this.input.hidden = !["find", "minibatch"].includes(this.#source);
      this.input.type = this.#source === "minibatch" ? "number" : "search";
      if (this.#source === "minibatch") Object.assign(this.input, { min: 0, max: numMinibatches(this.#context.plan.run) - 1 });
      this.input.value = this.#source === "minibatch" ? `${this.#minibatch}` : this.#text;
      this.input.setAttribute("aria-label", this.#source === "minibatch" ? "Minibatch" : "Number or text of a row");
      this.#offer();
    });
    this.input = Object.assign(element("input", "gv-rows-input"), { type: "search", hidden: true });
    this.input.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => this.#typed(), PAUSE);
    });
    return element("div", "gv-rows-choice", element("label", "", element("span", "", "Rows "), choice), this.input);
  }

  #typed() {
    if (this.#source === "minibatch") this.#minibatch = Math.max(0, Math.min(numMinibatches(this.#context.plan.run) - 1, Math.floor(Number(this.input.value) || 0)));
    else this.#text = this.input.value;
    this.#offer();
  }

  // Asks for the rows that may come, and writes what is known of them.
  #offer() {
    if (!this.#isOpen || !this.#context.plan || !this.#context.told) return;
    const { note, rows } = this.#offered();
    this.note.textContent = note;
    this.note.hidden = !note;
    const { selected, told } = this.#context;
    const key = JSON.stringify([rows.map(({ row }) => row), selected?.row, told.request]);
    if (key === this.#written) return;
    this.#written = key;
    const before = document.activeElement instanceof HTMLElement && this.offers.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const arrow = haveArrows(told.rows) ? sumOf(told.rows) : null;
    const look = { told, mean: arrow, largest: largestOf(told.rows), widths: widthsOf(rows) };
    this.offers.replaceChildren(...rows.map((row) => this.#item(this.#measured(row), look)));
    if (before) (/** @type {HTMLElement | null} */ (this.offers.querySelector(`[data-act="${before}"]`)) ?? this.opener).focus({ preventScroll: true });
    this.#fetchFields(rows);
  }

  // The share that a row would have of the arrow: along it, of one more row.
  #measured(row) {
    const { told } = this.#context;
    const sum = row.u !== null && haveArrows(told.rows) ? sumOf(told.rows) : null;
    const squared = sum ? lengthOf(sum) ** 2 : 0;
    return { ...row, share: squared ? (row.u * sum.u + row.v * sum.v) / squared : null };
  }

  /** @returns {{note: string, rows: Row[]}} */
  #offered() {
    const again = () => this.#offer();
    const { plan, told } = this.#context;
    const inside = new Set(told.rows.map(({ row }) => row));
    const without = (rows) => rows.filter(({ row }) => !inside.has(row));
    const waiting = { note: "Computing", rows: [] };
    if (this.#source === "find") {
      if (!this.#text.trim()) return { note: "Type a number, or a part of a row's text.", rows: [] };
      const { answer, error } = foundRows(plan, this.#text.trim(), again);
      if (!answer) return error ? { note: error, rows: [] } : waiting;
      if (!answer.rows.length) return { note: "No row has this number or text.", rows: [] };
      return this.#told(answer.rows.filter((row) => !inside.has(row)), answer.num_found > answer.rows.length ? `The first ${answer.rows.length} of ${answer.num_found}.` : "");
    }
    if (this.#source === "minibatch") {
      const { answer, error } = listOfMinibatch(plan, this.#minibatch, again);
      return answer ? { note: `Rows of minibatch ${this.#minibatch}.`, rows: without(answer.rows) } : error ? { note: error, rows: [] } : waiting;
    }
    if (this.#source === "random") {
      const of = `${plan.run}|${rowsText([...inside])}`;
      if (this.#chance.of !== of) this.#chance = { of, rows: randomRows(told.num_rows, inside, OFFERED) };
      return this.#told(this.#chance.rows, "");
    }
    const { answer, error } = allRowsOf(plan, again);
    if (!answer) return error ? { note: error, rows: [] } : waiting;
    if (!answer.is_there) return { note: answer.sentence, rows: [] };
    const sum = sumOf(told.rows);
    const best = this.#source === "turn"
      ? turningMost(answer, sum, this.#reference(), inside, this.#context.selected, OFFERED)
      : this.#source === "agree" ? alongMost(answer, sum, inside, OFFERED) : alongMost(answer, this.#reference(), inside, OFFERED, -1);
    return this.#told(best.map(({ row }) => row), this.#source === "turn" ? this.#turnWords(best, sum) : "");
  }

  // What the arrow is to be turned away from: that of the recorded minibatch.
  #reference() {
    const { recorded, told } = this.#context;
    return recorded && recorded.u !== null ? recorded : told;
  }

  #turnWords(best, sum) {
    const { selected } = this.#context;
    if (!best.length) return "There is no other row.";
    const now = Math.abs(turnBetween(this.#reference(), sum) ?? 0);
    if (best[0].value < now + LEAST_GAIN) return "No other row turns it further.";
    return `${selected ? `In the place of ${selected.row}` : "Put in"}, the first turns the arrow ${now > 0.5 ? `from ${Math.round(now)}° to` : "by"} ${Math.round(best[0].value)}°.`;
  }

  // What these rows are, in this order.
  #told(numbers, note) {
    if (!numbers.length) return { note, rows: [] };
    const { answer, error } = listOfRows(this.#context.plan, rowsText(numbers), () => this.#offer());
    if (error) return { note: error, rows: [] };
    if (!answer) return { note: "Computing", rows: [] };
    const told = new Map(answer.rows.map((row) => [row.row, row]));
    return { note, rows: numbers.flatMap((row) => told.get(row) ?? []) };
  }

  // So that the arrows follow at once when one of them is put in.
  #fetchFields(rows) {
    const { plan, told } = this.#context;
    if (!rows.length || told.coupled || told.has_masks) return;
    const { answer } = fieldsOfOthers(plan, rowsText(rows.map(({ row }) => row)), () => this.#fetchFields(rows));
    if (answer) keepFields(plan, answer.fields, told.rows.map(({ row }) => row));
    this.fields = answer?.fields ?? null;
  }

  #item(row, look) {
    const { selected, rows, compose } = this.#context;
    const numbers = rows.map((one) => one.row);
    const put = this.#act("in", "Put in", `Put row ${row.row} in`, () => compose([...numbers, row.row]));
    const swap = selected ? this.#act("for", `For ${selected.row}`, `Put row ${row.row} in the place of row ${selected.row}`, () => compose(numbers.map((one) => (one === selected.row ? row.row : one)))) : null;
    const item = element("li", row.share < 0 ? "gv-against" : "", element("div", "gv-rowline", ...cellsOf(row, look)), element("div", "gv-offer-acts", put, swap));
    for (const event of ["pointerenter", "focusin"]) item.addEventListener(event, () => this.#hover(this.fields?.get(row.row) ?? null));
    item.dataset.offer = row.row;
    return item;
  }

  #act(name, text, label, act) {
    const made = button(text, act, "gv-button gv-offer-act");
    made.dataset.act = name;
    made.setAttribute("aria-label", label);
    return made;
  }
}
