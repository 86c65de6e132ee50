// The numbers of lessons, by the names that gradviz/dashboard/lesson_numbers.py knows: measured of what the page shows, never
// constants; and what conditions say of them.

import { number, percent, whole } from "./formats.js";
import { partsAt } from "./frame.js";
import { neighbourAngle } from "./roughness.js";
import { isWithin } from "./sampling.js";
import { cosineOf, spreadOf, strengthWords, turnBetween } from "./spread.js";
import { reasonOfAllZero, zeroSentence } from "./zero.js";

/**
 * What a picture knows: its frame; `frames` of all minibatches at its epoch, by minibatch, once all are there; what the server says of
 * sampling; the run's metrics; the conditions of Paths. What is not known is null.
 * @typedef {{frame: any, frames: Map<number, any> | null, sampling: any, metrics: Record<string, (number | null)[]>, conditions: Record<string, any> | null,
 *   epoch: number, minibatch: number | null, x: string, y: string}} Source
 * @typedef {{name: string, picture: number, of: string | null}} Place
 * @typedef {{place: Place, operator: "=" | "!=" | "<" | "<=" | ">" | ">=", value: number, text: string, says: string}} Condition
 */

const DEGREES = 180 / Math.PI;

const middle = ({ u }) => (u.length - 1) / 2;
const slopes = (frame) => (frame.isZero[middle(frame)] ? [0, 0] : partsAt(frame, middle(frame)));
const shareOf = (values, isMeant) => (values.length ? values.filter(isMeant).length / values.length : null);

const OF_FRAME = {
  length: (frame) => Math.hypot(...slopes(frame)),
  slope_x: (frame) => slopes(frame)[0],
  slope_y: (frame) => slopes(frame)[1],
  loss: (frame) => frame.loss[middle(frame)],
  loss_span: ({ loss }) => Math.max(...loss) - Math.min(...loss),
  largest: ({ u, v, isZero }) => Math.max(...u.map((each, k) => (isZero[k] ? 0 : Math.hypot(each, v[k])))),
  roughness: neighbourAngle,
  zero_share: ({ isZero }) => shareOf([...isZero], Boolean),
  share_below: ({ share_below: share }) => share ?? null,
  num_rows: ({ num_rows: rows }) => rows,
  active_x: ({ x_active: share }) => share ?? null,
  active_y: ({ y_active: share }) => share ?? null,
  zero_reason: (frame) => (reasonOfAllZero(frame) ? zeroSentence(frame, reasonOfAllZero(frame)) : null),
};

const OF_SPREAD = {
  R: ({ live, resultant }) => (live.length ? resultant.length : null),
  opposite: ({ live }) => shareOf(live.flatMap((a, k) => live.slice(k + 1).map((b) => cosineOf(a, b))), (cosine) => cosine < 0),
  within: ({ live, within }) => (live.length ? within / live.length : null),
  num_minibatches: ({ arrows }) => arrows.length,
  zero_minibatches: ({ arrows, live }) => arrows.length - live.length,
  share_below_all: ({ below }) => below,
  inside: ({ arrows }, { sampling }) => (sampling ? shareOf(arrows, ({ u, v }) => isWithin(sampling, [u, v])) : null),
  turn: ({ arrows }, { minibatch }) => turnOf(arrows.find((one) => one.minibatch === minibatch), arrows.find((one) => one.minibatch === 0)),
};

const OF_RUN = {
  epoch: ({ epoch }) => epoch,
  minibatch: ({ minibatch }) => minibatch,
  train_loss: (source) => metricOf(source, "train_loss"),
  test_loss: (source) => metricOf(source, "test_loss"),
  x: ({ x }) => x || null,
  y: ({ y }) => y || null,
};

const OF_PATHS = {
  ratio: ({ ratio }) => ratio.at(-1),
  cosine: ({ cosine }) => cosine.at(-1),
};

const SHARES = ["zero_share", "share_below", "active_x", "active_y", "opposite", "within", "share_below_all", "inside"];
const ANGLES = ["roughness", "turn"];

function turnOf(one, first) {
  if (!one || !first || one.isZero || first.isZero) return null;
  return DEGREES * Math.abs(turnBetween(first.angle, one.angle));
}

function metricOf({ metrics, epoch }, name) {
  return metrics[name]?.[metrics.epoch.indexOf(epoch)] ?? null;
}

/** The number at a place, or its text; null while it is not known. @param {Place} place @param {Source} source @returns {number | string | null} */
export function measured({ name, of }, source) {
  if (name in OF_RUN) return OF_RUN[name](source);
  if (name in OF_FRAME) return source.frame ? OF_FRAME[name](source.frame) : null;
  if (name in OF_SPREAD) return source.frames?.size ? OF_SPREAD[name](spreadOf(source.frames), source) : null;
  const condition = source.conditions?.[of];
  return condition ? OF_PATHS[name](condition) ?? null : null;
}

/** As it is printed, with its unit. @param {string} name @param {number | string | null} value */
export function written(name, value) {
  if (value === null || typeof value === "string") return value ?? "—";
  if (SHARES.includes(name)) return percent(value);
  if (ANGLES.includes(name) && value > 0 && value < 0.01) return "<0.01°";
  if (ANGLES.includes(name)) return `${number(value, value < 10 ? 2 : 3)}°`;
  if (name === "R") return strengthWords(value).replace(/^R [=] /, "").replace(/^R > /, ">");
  return Number.isInteger(value) ? whole(value) : number(value);
}

const HOLDS = {
  "=": (a, b) => a === b, "!=": (a, b) => a !== b, "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
};
const NEEDED = { "=": "", "!=": "other than ", "<": "less than ", "<=": "at most ", ">": "more than ", ">=": "at least " };

/** Whether a condition holds of a number. @param {{operator: string, value: any}} condition @param {any} value */
export function holds({ operator, value: other }, value) {
  return HOLDS[operator](value, other);
}

/** Where it does not hold: the number that this picture has, and which the step would need. @param {Condition} condition @param {number | string | null} value null where there is no such number @param {string} run its label, "" for the run on show */
export function unmetSentence({ place: { name }, operator, value: wanted, says }, value, run) {
  if (value === null) return `This picture does not tell ${says}${run ? ` of ${run}` : ""}, which this step is about; the lesson goes on.`;
  return `Not so in this picture: ${says}${run ? ` of ${run}` : ""} is ${written(name, value)}; what this step tells needs ${NEEDED[operator]}${written(name, wanted)}. Another run, or a longer training, may show it; the lesson goes on.`;
}
