// The paths that replicas of a training take from a checkpoint, as the server tells them (gradviz/dashboard/paths_answers.py):
// what is asked for, and what the numbers say in words.

import { hasDirections, pairWords } from "./axes.js";
import { number, percentOf, signed } from "./formats.js";
import { acrossSentence, axisTitle, unitSentence } from "./toldplane.js";

/** @import { AxisFacts } from "./toldplane.js" */

/**
 * @typedef {{words: string, replicas: number, spread: number[], step: number[], ratio: (number | null)[], ratio_low: (number | null)[],
 *   ratio_high: (number | null)[], cosine: (number | null)[], train_losses: number[], test_losses: number[], ways: number[][][], within: (number | null)[]}} Condition
 * @typedef {{request: any, optimizer: string, moments: string, searched: {rate: number}[], reproduces: boolean | null, steps_per_epoch: number,
 *   batch_size: number, start: {train_loss: number, test_loss: number}, steps: number[], plane: {axes: {x: AxisFacts, y: AxisFacts} | null, shares: number[]},
 *   recorded: {step: number[], way: number[][], within: number | null, train_loss: number, test_loss: number}, conditions: Record<string, Condition>}} Paths
 * @typedef {{epochs: number, before: number, num_bytes: number}} Cost
 */

const BRIDGE = 0.5; // of the largest spread, what is left at the end where it is called a bridge
const APART = 0.95;
const HIDDEN = 0.5; // of the squared length of a way: a plane that holds less hides most of it
const ROUNDING = 1e-5; // of the run's own way: float32's rounding adds up to a few millionths in an epoch

/** The request, as /api/v1/paths takes it. @param {any} view @param {any} run */
export function requestOf({ epoch, conditions, replicas, optimizer, rate_factor, x_fan: x, y_fan: y }, run) {
  return { run: run.run, epoch, replicas, conditions, optimizer, rate_factor, ...(x && y ? { x, y } : {}) };
}

/** The same as a query. @param {Record<string, unknown>} request */
export function queryOf(request) {
  return new URLSearchParams(Object.entries(request).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : `${value}`])).toString();
}

/** What the paths cost, in words. @param {Cost} cost @param {number | null} secondsAnEpoch of the run, where it is known */
export function costWords({ epochs, before, num_bytes: bytes }, secondsAnEpoch) {
  const all = epochs + before;
  const time = secondsAnEpoch === null ? "" : `, about ${duration(all * secondsAnEpoch)}`;
  const found = before ? ` (${before} of them to find where the optimizer begins)` : "";
  return `${all} epochs of training${found}${time}; ${sizeWords(bytes)} on disk meanwhile.`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.ceil(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${number(seconds / 3600, 2)} h`;
}

function sizeWords(bytes) {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${number(bytes / 1e9, 2)} GB`;
}

/** From where, for how long, with what. @param {Paths} paths */
export function aboutWords({ request, optimizer, moments, searched, reproduces, steps_per_epoch: steps, batch_size: rows }) {
  const epochs = request.epochs === 1 ? "one epoch" : `${request.epochs} epochs`;
  const said = [`${request.run}, from epoch ${request.epoch} for ${epochs} of ${steps} steps of ${rows} rows, with ${signed(optimizer)}.`];
  if (moments !== "none") said.push(`The optimizer begins with its state there, ${moments === "saved" ? "as the run has saved it" : "from training the run again"}.`);
  if (searched.length) said.push(`The rate that lowers the training loss as far as the run's own epoch did was found by trying ${searched.length}${request.rate_factor === 1 ? "" : `, and ${number(request.rate_factor)} of it is used`}.`);
  if (reproduces !== null) said.push(`The run's own minibatches lead to its next checkpoint ${reproduces ? "exactly" : "not quite: it was trained on another machine, version or number of threads"}.`);
  return said.join(" ");
}

/** What the plane of the picture is called. @param {{x?: string | null, y?: string | null}} axes */
export function planeName({ x, y }) {
  return x && y ? pairWords(x, y) : "the principal plane of their ends";
}

/** The titles of both axes, across and up; of an axis that there is not, too. @param {Paths} paths @returns {string[]} */
export function axisTitles({ plane: { axes, shares } }) {
  if (!axes) return ["first", "second"].map((which, k) => `${which} principal component: ${shares[k] ? percentOf(shares[k]) : "none"} of the ends' variance`);
  const told = hasDirections({ x: axes.x.text, y: axes.y.text });
  return [axes.x, axes.y].map((axis, k) => `${["x₁", "x₂"][k]}: ${axisTitle(axis.text, told ? axis : undefined)}`);
}

/** What is one along the axes, and how much of the ways the plane holds. @param {Paths} paths @returns {string[]} */
export function planeSentences({ plane: { axes }, recorded, conditions }) {
  const units = axes ? [unitSentence(axes), acrossSentence(axes.y), ...axes.x.notes, ...axes.y.notes] : ["Across and up, one unit: a length in the space of all parameters."];
  return [...units, withinSentence(recorded.within, Object.values(conditions).flatMap(({ within }) => within))].filter(Boolean);
}

function withinSentence(own, replicas) {
  const known = replicas.filter((share) => share !== null);
  if (!known.length && own === null) return "";
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const others = percentOf(least) === percentOf(most) ? percentOf(least) : `${percentOf(least)} to ${percentOf(most)}`;
  const parts = [own === null ? "" : `${percentOf(own)} of the run's own way`, known.length ? `${others} of those of the replicas` : ""].filter(Boolean);
  const isHidden = Math.max(own ?? 0, ...known) < HIDDEN;
  return `Of the squared length of the ways to their ends, this plane holds ${isHidden ? "only " : ""}${parts.join(", and ")}${isHidden ? ": most of each way leads out of it, and ends that lie close here may lie far apart" : ""}.`;
}

/** What each condition's numbers say, by its name. @param {Paths} paths @returns {[string, string][]} */
export function sentences(paths) {
  return Object.entries(paths.conditions).map(([name, condition]) => [name, sentenceOf(condition, paths)]);
}

function sentenceOf(condition, { steps, recorded }) {
  const replicas = `n = ${condition.replicas}`;
  if (condition.spread.every((value) => value === 0)) return `exactly the same path each time (spread 0 at all ${steps.length} points, ${replicas}).`;
  const own = recorded.step.at(-1);
  const peak = Math.max(...condition.spread);
  const [end, at] = [condition.spread.at(-1), steps[condition.spread.indexOf(peak)]];
  const of = (value) => (own > 0 ? `${number(value / own)} of the run's own way` : number(value));
  const ratio = `spread over mean step at the end ${withInterval(condition, condition.ratio.length - 1)}, ${replicas}`;
  if (peak <= ROUNDING * own) return `the same path but for what rounding makes of it: the spread is at most ${of(peak)}, ${replicas}.`;
  if (end <= BRIDGE * peak) return `a bridge: the spread rises to ${of(peak)} (step ${at} of ${steps.at(-1)}) and returns to ${of(end)}; ${ratio}.`;
  if (end < APART * peak) return `the spread rises to ${of(peak)} (step ${at} of ${steps.at(-1)}) and returns in part, to ${of(end)}; ${ratio}.`;
  return `the paths part and do not return: the spread ends at ${of(end)}${end === peak ? ", its largest" : ""}; ${ratio}.`;
}

/** The ratio at a point, with its interval where there is one. @param {Condition} condition @param {number} point */
export function withInterval({ ratio, ratio_low: low, ratio_high: high }, point) {
  if (ratio[point] === null) return "–";
  const interval = low[point] === null || high[point] === null ? "" : ` [${number(low[point])}, ${number(high[point])}]`;
  return `${number(ratio[point])}${interval}`;
}

/** The point nearest to the middle of the way. @param {Paths} paths */
export function middleOf({ steps }) {
  const far = steps.map((step) => Math.abs(step - steps.at(-1) / 2));
  return far.indexOf(Math.min(...far));
}

/** @param {number[]} values */
export function meanAndDeviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, deviation: null };
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)) };
}

/** The table of the ends, its first row the head; the first cell of a row names it. @param {Paths} paths @returns {string[][]} */
export function endRows(paths) {
  const { steps, conditions, recorded, start } = paths;
  const middle = middleOf(paths);
  const loss = (values) => {
    const { mean, deviation } = meanAndDeviation(values);
    return deviation === null ? number(mean, 4) : `${number(mean, 4)} ± ${number(deviation, 2)}`;
  };
  return [
    ["condition", "replicas", `spread / mean step, step ${steps[middle]}`, "at the end [95 %]", "cosine of steps", "training loss, mean ± sd", "test loss, mean ± sd"],
    ...Object.entries(conditions).map(([name, each]) => [
      name, `${each.replicas}`, withInterval(each, middle), withInterval(each, steps.length - 1), each.cosine.at(-1) === null ? "–" : number(each.cosine.at(-1)), loss(each.train_losses), loss(each.test_losses),
    ]),
    ["the run's own path", "1", "–", "–", "–", loss([recorded.train_loss]), loss([recorded.test_loss])],
    ["at the checkpoint", "–", "–", "–", "–", loss([start.train_loss]), loss([start.test_loss])],
  ];
}

/** Each number along the way, for a table. @param {Paths} paths @returns {(string | number)[][]} */
export function alongRows(paths) {
  return alongOf(paths).map((row) => row.map((value) => value ?? "–"));
}

function alongOf({ steps, conditions }) {
  return Object.entries(conditions).flatMap(([name, each]) => steps.map((step, k) => [
    name, step, each.ratio[k], each.ratio_low[k], each.ratio_high[k], each.spread[k], each.step[k], each.cosine[k],
  ]));
}

export const ALONG_HEAD = ["condition", "step", "spread / mean step", "95 % from", "to", "spread", "mean step", "mean cosine"];

/** The same for a file, under their names; nothing where there is no number. @param {Paths} paths @returns {(string | number | null)[][]} */
export function alongNumbers(paths) {
  return [["condition", "step", "ratio", "ratio_low", "ratio_high", "spread", "mean_step", "cosine"], ...alongOf(paths)];
}

/** The points of all ways in the plane of the picture, from the checkpoint, for a file: its columns name the axes; replicas are counted from 0. @param {Paths} paths @returns {(string | number | null)[][]} */
export function wayNumbers({ steps, plane: { axes }, recorded, conditions }) {
  const points = (condition, replica, way) => way.map(([x = 0, y = 0], k) => [condition, replica, k ? steps[k - 1] : 0, x, y]);
  const replicas = Object.entries(conditions).flatMap(([name, { ways }]) => ways.flatMap((way, replica) => points(name, replica, way)));
  return [["condition", "replica", "step", ...(axes ? [axes.x.text, axes.y.text] : ["pc_1", "pc_2"])], ...points("run", null, recorded.way), ...replicas];
}
