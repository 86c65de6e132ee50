// What each row of a minibatch does to its gradient, in the words of a table.

import { number, signed } from "./formats.js";

/**
 * @typedef {{row: number, share: number | null, length: number | null, resultant_change: number | null, turn: number | null, length_change: number | null}} RowInfluence
 * @typedef {{row: number, other: number, product: number, cosine: number}} Opposing
 * @typedef {{resultant: number | null, num_minibatches: number, length: number, is_recomputed: boolean, sentence: string, rows: RowInfluence[], opposing: Opposing[]}} Influence
 * @typedef {"row" | "share" | "resultant_change" | "turn" | "length_change"} Column
 */

/** The columns: what each is called, and what that means. @type {{key: Column, name: string, words: string}[]} */
export const COLUMNS = [
  { key: "row", name: "row", words: "Its number in the run." },
  { key: "share", name: "share", words: "Its part of the minibatch's gradient, along that: shares sum to 100 %, and a negative one works against it." },
  { key: "resultant_change", name: "R", words: "By how much R over the minibatches changes if the row is left out." },
  { key: "turn", name: "turn", words: "By how many degrees the minibatch's gradient turns if the row is left out." },
  { key: "length_change", name: "length", words: "By what part of its length the minibatch's gradient becomes longer if the row is left out." },
];

/** The largest size first, rows by their numbers; what is not defined comes last. @param {RowInfluence[]} rows @param {Column} key @param {boolean} isReversed */
export function sortedRows(rows, key, isReversed = false) {
  const value = (row) => (key === "row" ? -row.row : Math.abs(row[key]));
  const order = (a, b) => (value(b) - value(a)) * (isReversed ? -1 : 1) || a.row - b.row;
  return [...rows.filter((row) => row[key] !== null).sort(order), ...rows.filter((row) => row[key] === null)];
}

/** A cell's text. @param {RowInfluence} row @param {Column} key @param {boolean} isPlane whether turns have a sign: by two parameters alone */
export function cellText(row, key, isPlane = true) {
  const value = row[key];
  if (value === null) return "–";
  if (key === "row") return `${value}`;
  const plus = value > 0 && (key !== "turn" || isPlane) ? "+" : "";
  if (key === "share") return `${plus}${number(100 * value, 3)} %`;
  if (key === "turn") return `${plus}${signed(value.toFixed(Math.abs(value) < 10 ? 2 : 1))}°`;
  if (key === "length_change") return `${plus}${signed((100 * value).toFixed(Math.abs(value) < 0.1 ? 2 : 1))} %`;
  return `${plus}${number(value, 2)}`;
}

/** "R of 50 minibatches: 0.314. Exact, from …". @param {Influence} told */
export function influenceSentence({ resultant, num_minibatches: count, sentence }) {
  return `${resultant === null ? "R is not defined: fewer than two minibatches have a gradient." : `R of ${count} minibatches: ${number(resultant)}.`} ${sentence}`;
}

/** What the table is of: its shares are of another gradient than those of the list. @param {string} label of the part, such as "by the whole model" */
export function captionWords(label) {
  return `If the row is left out. Shares: of the gradient ${label}.`;
}

/** ", cosine −0.98". @param {number} cosine */
export function cosineWords(cosine) {
  return `, cosine ${number(cosine, 2)}`;
}
