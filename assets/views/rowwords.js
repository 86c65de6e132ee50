// What the panel of rows says in words: of the minibatch as a whole, and of the row that is pointed at.

import { number } from "../pure/formats.js";
import { haveArrows, lengthOf, sidesOf, turnedWords } from "../pure/rowlist.js";
import { element } from "../page/dom.js";
import { helpCard } from "./help.js";

/** @import { Row } from "../pure/rowlist.js" */

/** Of the minibatch: facts, sides, its arrow, and what is special of it. @param {any} shown as /api/v1/rows tells it @param {any} other the recorded one from which it was composed, or null */
export function wordsOfMinibatch(shown, other) {
  const { rows } = shown;
  const facts = [`${rows.length} row${rows.length > 1 ? "s" : ""}`];
  const below = rows.filter((row) => row.below).length;
  if (rows[0]?.below !== null && !shown.has_classes) facts.push(`${below} below target`);
  if (shown.has_classes) facts.push(`${rows.filter(({ prediction, target }) => prediction === target).length} right`);
  if (!haveArrows(rows)) return [element("p", "", facts.join(", ")), element("p", "gv-rows-note", shown.sentence)];
  const { along, against, none } = sidesOf(rows);
  const sides = [`${along} along the arrow`, `${against} against it`, ...(none ? [`${none} without one`] : [])];
  const turned = turnedWords(other, shown);
  const arrow = element("p", "", `|∇J| = ${number(lengthOf(shown))}`, turned ? `, ${turned}` : "");
  const said = element("p", "gv-rows-sides", element("i", "gv-along"), `${sides[0]}  `, element("i", "gv-against"), sides.slice(1).join(", "));
  if (rows[0].share === null) return [element("p", "gv-rows-note", shown.sentence), element("p", "", facts.join(", "))]; // no arrow, and no sides
  const isSpecial = shown.coupled || shown.has_masks;
  return [element("p", "", facts.join(", ")), arrow, said, isSpecial ? element("p", "gv-rows-note", shown.sentence) : null].filter(Boolean);
}

/**
 * Of a row: its fields by their names, and beside its number what the minibatch's arrow does, which is the score while one composes.
 * @param {Row} row @param {any} shown @param {any} other
 */
export function wordsOfRow(row, shown, other) {
  const isNamed = row.text !== null && typeof row.text === "object";
  const why = haveArrows(shown.rows) ? fieldlessWords(shown) : "";
  if (!isNamed && !why) return [];
  const turned = turnedWords(other, shown, true);
  const score = turned ? element("span", "gv-rows-score", `all: |∇J| = ${number(lengthOf(shown))}, ${turned}`) : null;
  return [element("p", "gv-rows-which", element("b", "", `Row ${row.row}`), score), why ? element("p", "gv-rows-note", why) : null, isNamed ? fieldList(row.text) : null].filter(Boolean);
}

// Why no field of the row is drawn.
function fieldlessWords({ coupled, has_masks: hasMasks }) {
  if (coupled) return "Batch statistics couple the rows: no field of their own.";
  return hasMasks ? "Masks belong to places: no field of its own." : "";
}

function fieldList(text) {
  return element("dl", "", ...Object.entries(text).map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value || "missing"))));
}

/** The card that explains the list. */
export function rowsHelp() {
  const lines = [
    "Each row's arrow is the gradient of its own loss at ○. The minibatch's arrow is their mean.",
    "The share says how much of that arrow is the row's: shares sum to 100 %, and rows in red work against the others.",
    "Two dots say whether the unit of x₁, and that of x₂, is active on the row.",
    "Point at a row to see its own field and its kinks. Take rows out and put others in: the arrows follow.",
  ];
  return helpCard("What the list of rows shows", lines);
}
