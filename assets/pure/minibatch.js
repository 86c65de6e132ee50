// What is told of a minibatch beside its gradient: the share of its rows predicted below target, or the facts of a study,
// which are printed without being known here.

import { number, percent, signed } from "./formats.js";

/**
 * @typedef {{name: string, value: number, unit: string, sentence: string}} Fact (gradviz/experiment/facts.py)
 * @typedef {{share_below: number | null, num_rows: number, facts?: Fact[]}} Told of a frame, or what stands for one
 */

/** Whole sentences; `underWhat`: of which masks the share is. @param {Told} frame @param {string} underWhat @returns {string[]} */
export function minibatchSentences({ share_below: below, num_rows: rows, facts = [] }, underWhat = "") {
  if (below !== null) return [`${percent(below)} of ${rowsWords(rows)} ${rows === 1 ? "is" : "are"} predicted below target${underWhat}.`];
  return facts.map((fact) => `${fact.sentence || factWords(fact)}.`);
}

/** The same as short lines. @param {Told} frame @returns {string[]} */
export function minibatchLines({ share_below: below, num_rows: rows, facts = [] }) {
  if (below !== null) return [`${percent(below)} of ${rowsWords(rows)} predicted below target`];
  return [rowsWords(rows), ...facts.map(factWords)];
}

function rowsWords(count) {
  return `${count} row${count === 1 ? "" : "s"}`;
}

/** "accuracy = 0.906". @param {Fact} fact */
export function factWords({ name, value, unit }) {
  return `${factName(name)} = ${factValue(value, unit)}`;
}

/** A fact's name as people write it. @param {string} name */
export function factName(name) {
  return name.replaceAll("_", " ");
}

/** @param {number} value @param {string} unit */
export function factValue(value, unit) {
  const text = Number.isInteger(value) && Math.abs(value) < 1e6 ? signed(`${value}`) : number(value);
  return unit ? `${text} ${unit}` : text;
}

/** The facts that all of several minibatches have, with their means. @param {Told[]} minibatches @returns {Fact[]} */
export function meanFacts(minibatches) {
  const [first] = minibatches;
  const all = (first?.facts ?? []).map((fact) => ({ fact, values: minibatches.map(({ facts = [] }) => facts.find(({ name }) => name === fact.name)?.value) }));
  return all.filter(({ values }) => values.every((value) => value !== undefined))
    .map(({ fact, values }) => ({ ...fact, sentence: "", value: values.reduce((sum, value) => sum + value, 0) / values.length }));
}

/** What J is, where it is known: of the studies' own losses it is not. @param {Told} frame */
export function lossUnit({ share_below: below }) {
  return below === null ? "" : " (mean |error|)";
}
