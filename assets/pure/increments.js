// The field of a minibatch that follows at once as rows go and come: float64 sums of the rows' own fields (float32), so that a
// swap costs two sums over the grid's points and never a pass over the rows. gradviz/landscape/per_row/increments.py does
// the same.

/** @typedef {{u: Float32Array, v: Float32Array}} RowField a row's own field on the grid */

export class Increments {
  /** @type {Set<number>} */
  #rows = new Set();
  #u;
  #v;

  /** Without rows. @param {number} size points of the grid */
  constructor(size) {
    this.#u = new Float64Array(size);
    this.#v = new Float64Array(size);
  }

  /** Points of the grid. */
  get size() {
    return this.#u.length;
  }

  /** The numbers of the rows, in the order in which they came. */
  get rows() {
    return [...this.#rows];
  }

  /** @param {number} row @param {RowField} field */
  add(row, field) {
    if (this.#rows.has(row)) throw new Error(`Row ${row} is in the minibatch already.`);
    this.#rows.add(row);
    this.#sum(field, 1);
  }

  /** @param {number} row @param {RowField} field the one that was added */
  remove(row, field) {
    if (!this.#rows.delete(row)) throw new Error(`Row ${row} is not in the minibatch.`);
    this.#sum(field, -1);
  }

  /** Brings it to other rows by what differs; false, and nothing is changed, where a field that this takes is not at hand. @param {number[]} rows @param {(row: number) => RowField | undefined} fieldOf */
  goTo(rows, fieldOf) {
    const wanted = new Set(rows);
    const [out, into] = [this.rows.filter((row) => !wanted.has(row)), rows.filter((row) => !this.#rows.has(row))];
    if ([...out, ...into].some((row) => !fieldOf(row))) return false;
    for (const row of out) this.remove(row, fieldOf(row));
    for (const row of into) this.add(row, fieldOf(row));
    return true;
  }

  /** The mean over the rows: the minibatch's field. @returns {RowField} */
  mean() {
    const count = this.#rows.size;
    if (!count) throw new Error("A mean needs at least one row.");
    return { u: Float32Array.from(this.#u, (sum) => sum / count), v: Float32Array.from(this.#v, (sum) => sum / count) };
  }

  #sum({ u, v }, sign) {
    if (u.length !== this.#u.length || v.length !== this.#v.length) throw new Error(`A field of ${u.length} points is no part of one of ${this.#u.length}.`);
    for (let k = 0; k < u.length; k++) {
      this.#u[k] += sign * u[k];
      this.#v[k] += sign * v[k];
    }
  }
}
