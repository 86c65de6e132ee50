// What a step of a lesson is to show, on the runs at hand: words such as "last" or "live TENSOR" become epochs and parameters.

import { percent } from "./formats.js";
import { layerOf } from "./parameters.js";
import { holds } from "./lessonnumbers.js";
import { LEAST_ACTIVE } from "./live.js";

/**
 * @typedef {{word: string, tensor: string | null}} Word
 * @typedef {Record<string, any>} Fields by the names of gradviz/dashboard/permalink.py; a value may be a Word
 * @typedef {{isSite?: boolean, runs: Record<string, any>, isTraining: boolean, labelOf: (name: string) => string, defaults: Record<string, any>,
 *   activityOf: (run: any, epoch: number) => number[][] | null | undefined}} AtHand `activityOf`: shares by hidden layer; null while it is
 *   not known, undefined where there is none
 * @typedef {{view: Record<string, any> | null, waits: string, lacks: string}} Resolved `waits`: what the step waits for; `lacks`: what these
 *   runs do not have, so that it shows its text alone
 */

const PAIRS = [["x_a", "y_a"], ["x_b", "y_b"]];

/** @param {Fields} fields @param {string | null} needs @param {AtHand} at @returns {Resolved} */
export function resolved(fields, needs, at) {
  const lack = (lacks) => ({ view: null, waits: "", lacks });
  const wait = (waits) => ({ view: null, waits, lacks: "" });
  if (needs && !at.runs[needs]) return lack(`This step is about a run called ${needs}, which is not ${at.isSite ? "in this site" : "here"}: its picture is left out.`);
  const absent = namedRuns(fields, needs).find((name) => !at.runs[name]);
  if (absent) return at.isSite ? lack(`This step needs the run ${at.labelOf(absent)}, which is not in this site: its picture is left out.`) : wait(absentSentence(absent, at));
  const runs = shownRuns(fields, at);
  if (!runs.length) return wait("This step needs a run, and there is none yet: it goes on with the first checkpoint.");
  const epoch = epochOf(fields.epoch, runs, at);
  if (typeof epoch === "string") return at.isSite ? lack(epoch) : wait(epoch);
  const view = { ...at.defaults, ...fields, epoch };
  for (const pair of PAIRS)
    for (const axis of pair) {
      if (!isWord(fields[axis])) continue;
      const before = pair.slice(0, pair.indexOf(axis)).filter((other) => isSame(fields[other], fields[axis])).length;
      const name = unitNamed(fields[axis], before, runs[0], epoch ?? runs[0].epochs.at(-1), at);
      if (name === null) return wait("Looking for units of this layer.");
      if (!name) return lack(missingUnit(fields[axis], runs[0], at));
      view[axis] = name;
    }
  return { view, waits: "", lacks: "" };
}

function isWord(value) {
  return Boolean(value?.word);
}

function isSame(a, b) {
  return isWord(a) && a.word === b.word && a.tensor === b.tensor;
}

/** The runs that a step names. @param {Fields} fields @param {string | null} needs */
function namedRuns(fields, needs) {
  const { view, run, compared, minus } = fields;
  const shown = view === "compare" ? [...(compared ?? []), ...(minus && minus !== "off" ? [minus] : [])] : [];
  return [...new Set([...(run ? [run] : []), ...shown, ...(needs ? [needs] : [])])];
}

/** Those that it shows; where the usual ones are not there, the page shows the first that it can. @param {Fields} fields @param {AtHand} at */
function shownRuns(fields, { runs, defaults }) {
  const { view, run, compared } = fields;
  const [first] = Object.values(runs).filter((one) => !one.cannot);
  if (view !== "compare") return [runs[run ?? defaults.run] ?? first].filter(Boolean);
  const found = (compared ?? defaults.compared).flatMap((name) => runs[name] ?? []);
  return found.length ? found : [first].filter(Boolean);
}

function absentSentence(name, { labelOf, isTraining }) {
  const next = isTraining ? "it goes on when its training has begun." : "train it (Training), or go on to the next step.";
  return `This step needs the run ${labelOf(name)}, which is not here yet: ${next}`;
}

// The epoch, null for the newest; a sentence where it is not there yet.
function epochOf(said, runs, at) {
  if (said === undefined || said === null) return runs.some((run) => run.epochs.length) ? null : waitingFor(runs[0], at);
  const shared = runs[0].epochs.filter((epoch) => runs.every((run) => run.epochs.includes(epoch)));
  if (!isWord(said)) return shared.includes(said) || (!at.isTraining && shared.length) ? said : waitingFor(runs[0], at, said);
  if (said.word === "first") return shared.length ? shared[0] : waitingFor(runs[0], at);
  const trained = shared.filter((epoch) => epoch > 0);
  if (!trained.length) return waitingFor(runs[0], at, 1);
  return meantEpoch(said.word, trained, runs[0]);
}

function waitingFor({ run }, { labelOf, isTraining, isSite }, epoch = 0) {
  const what = epoch === 1 ? "a trained epoch" : epoch ? `epoch ${epoch}` : "a checkpoint";
  if (isSite) return `This step needs ${what} of ${labelOf(run)}, which is not in this site: its picture is left out.`;
  return `This step needs ${what} of ${labelOf(run)}, which is not here yet: ${isTraining ? "it goes on when it is." : "continue the training (Training), or go on to the next step."}`;
}

/** Among the trained epochs of a run. @param {string} word @param {number[]} trained @param {any} run */
export function meantEpoch(word, trained, { metrics }) {
  if (word === "last") return trained.at(-1);
  const near = (value) => trained.reduce((best, epoch) => (value(epoch) < value(best) ? epoch : best));
  const shares = metrics.share_below_target;
  if (word === "middle" || !shares) return near((epoch) => Math.abs(epoch - trained.at(-1) / 2));
  const apart = (epoch) => Math.abs((shares[metrics.epoch.indexOf(epoch)] ?? NaN) - 0.5);
  const known = trained.filter((epoch) => Number.isFinite(apart(epoch)));
  if (!known.length) return trained.at(-1);
  const sign = word === "balanced" ? 1 : -1;
  return known.reduce((best, epoch) => (sign * apart(epoch) < sign * apart(best) ? epoch : best));
}

// A parameter of the unit that a word means, the first or a later one; null while that is not known, "" where there is none.
function unitNamed({ word, tensor }, before, run, epoch, { activityOf }) {
  const shape = run.shapes?.[tensor];
  if (!shape?.length) return "";
  const layers = activityOf(run, epoch);
  if (layers === null) return null;
  const active = layers?.[layerOf(tensor, run)] ?? Array.from({ length: shape[0] }, () => 1); // an output's number is always in use
  const units = active.flatMap((share, unit) => (unit < shape[0] && (word === "live" ? share >= LEAST_ACTIVE : share === 0) ? [unit] : []));
  return units.length > before ? `${tensor}[${[units[before], ...shape.slice(1).map(() => 0)]}]` : "";
}

function missingUnit({ word, tensor }, run, { labelOf }) {
  if (!run.shapes?.[tensor]) return `${labelOf(run.run)} has no ${tensor}: this step's picture is left out.`;
  return `No such unit here: ${word === "dead" ? "every unit is active on some row, or too few are not" : `too few units are active on at least ${percent(LEAST_ACTIVE)} of the rows`}, so this step's picture is left out.`;
}

/** @typedef {{field: string, operator: string, value: any, is_word: boolean}} Done */

/** Whether the reader has done what a step asks for. @param {Done} done @param {Record<string, any>} view @param {any} run */
export function isDone(done, view, run) {
  return holds({ operator: done.operator, value: JSON.stringify(namedValue(done, run)) }, JSON.stringify(view[done.field] ?? null));
}

/** A value of the field with which it is done; undefined where the page cannot know one. @param {Done} done @param {any} run */
export function doneValue(done, run) {
  const named = namedValue(done, run);
  if (done.operator === "=") return named ?? undefined;
  if (done.field === "epoch") return run?.epochs.find((epoch) => epoch !== named);
  return typeof named === "number" ? (named === 1 ? 0 : 1) : undefined;
}

function namedValue({ value, is_word: isEpoch }, run) {
  if (!isEpoch) return value;
  const trained = (run?.epochs ?? []).filter((epoch) => epoch > 0);
  if (value === "first") return run?.epochs[0] ?? 0;
  return trained.length ? meantEpoch(value, trained, run) : null;
}
