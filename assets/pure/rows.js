// The rows of a composed minibatch by their numbers, as one text: gradviz/landscape/composed.py writes and reads the same, and
// tests/fixtures/rows.json holds both. A view, and what a picture is asked by, have that text, or none for one of the run's
// own minibatches.

/** @typedef {{minibatch: number, rows?: string | null}} Which minibatch: one of the run's own, or the rows that are chosen */

const MOST = 1024;
const MOST_LETTERS = 10 * MOST;
const FEWEST_OF_A_RANGE = 3;

/** Such as "3,17,20-24": in their order, where three or more neighbours that ascend are one range. @param {number[]} rows */
export function rowsText(rows) {
  const parts = [];
  for (let at = 0, end; at < rows.length; at = end) {
    for (end = at + 1; end < rows.length && rows[end] === rows[end - 1] + 1;) end++;
    if (end - at >= FEWEST_OF_A_RANGE) parts.push(`${rows[at]}-${rows[end - 1]}`);
    else parts.push(...rows.slice(at, end));
  }
  return parts.join(",");
}

/** The rows of a text, in their order; null if it is no list of 1 to 1024 different rows. @param {string} text @returns {number[] | null} */
export function rowsOf(text) {
  if (text.length > MOST_LETTERS) return null;
  const rows = [];
  for (const part of text.split(",")) {
    const found = /^\s*([0-9]{1,9})(?:-([0-9]{1,9}))?\s*$/.exec(part);
    if (!found) return null;
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    if (last < first || rows.length + last - first + 1 > MOST) return null;
    for (let row = first; row <= last; row++) rows.push(row);
  }
  return new Set(rows).size === rows.length ? rows : null;
}

/** How many rows are chosen. @param {string} text */
export function numChosen(text) {
  return rowsOf(text)?.length ?? 0;
}

/** "minibatch 3", or "64 chosen rows". @param {Which} which */
export function minibatchWords({ minibatch, rows }) {
  if (!rows) return `minibatch ${minibatch}`;
  const many = numChosen(rows);
  return `${many} chosen ${many === 1 ? "row" : "rows"}`;
}

/** Whether what was asked for is of the minibatch of a view. @param {Partial<Which>} asked @param {Which} view */
export function isOfMinibatch(asked, { minibatch, rows }) {
  return rows ? asked.rows === rows : !asked.rows && asked.minibatch === minibatch;
}
