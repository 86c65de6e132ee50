// What the Minibatches view says in words and numbers: its title, the plain line, the lines of an arrow, the table.

import { cosineStrength, meanCosine } from "../pure/cosines.js";
import { number, percent, signed } from "../pure/formats.js";
import { look } from "../pure/look.js";
import { factName, factValue, minibatchLines } from "../pure/minibatch.js";
import { pairName } from "../pure/parameters.js";
import { roughnessOf } from "../pure/roughness.js";
import { commonReason, cosineOf, spreadSentence, strengthWords } from "../pure/spread.js";
import { reasonOfAllZero, zeroSentence } from "../pure/zero.js";
import { element, fill } from "../page/dom.js";
import { paletteNow } from "../page/scheme.js";
import { hasSizes, numMinibatches } from "../page/state.js";
import { panelWords } from "./explain.js";

const DEGREES = 180 / Math.PI;

export function showSpreadWords(page, plan, spread, stack, cosines) {
  const many = numMinibatches(plan.run);
  const line = lineOf(page, plan, spread, stack, many);
  const title = titleOf(page, plan, many);
  const notes = notesOf(page, plan, spread, stack);
  fill("spread-words", JSON.stringify([title, line, notes]),
    element("h2", "", title[0]), element("span", "gv-sub", title[1]), element("p", "gv-spread-line", line),
    ...notes.map((note) => element("p", "gv-spread-note", note)));
  for (const [id, name] of [["rose", "Rose of the gradients"], ["matrix", "Cosines between the gradients"], ["minis-canvas", "Small multiples"]])
    document.getElementById(id).setAttribute("aria-label", `${name}: ${line}`);
  const key = document.getElementById("rose-key");
  key.textContent = `mean direction, ${strengthWords(spread.resultant.length)}`;
  key.parentElement.style.visibility = spread.live.length ? "visible" : "hidden";
  showPart(cosines);
  const stops = paletteNow().cosine.map(([at, colour]) => `${colour} ${100 * at}%`);
  document.getElementById("cosine-bar").style.background = `linear-gradient(to right, ${stops.join(",")})`;
  latest = { spread, frames: stack.frames, cosines, key: stack.key, soFar: isWhole(stack, many) ? null : line };
  showTable();
}

// Whether no more come. What is not being loaded may have been broken off, and be loaded on in a moment.
function isWhole({ error, frames, failed }, many) {
  return Boolean(error) || frames.size + failed.size >= many;
}

// Of what the matrix is, and how far its directions agree.
function showPart(cosines) {
  const length = cosineStrength(cosines);
  const state = cosines.error ?? (length === null ? (cosines.order.length ? "all are zero" : "computing") : strengthWords(length));
  const note = document.getElementById("matrix-note");
  note.textContent = note.title = `${cosines.name}: ${state}`;
}

function titleOf(page, plan, many) {
  const { epoch, minibatch_size: rows, mode } = page.view;
  const where = [plan.label, `epoch ${epoch}`, `${mode} mode`, pairName(plan.x, plan.y, plan.network)].filter(Boolean).join(" · ");
  return [hasSizes(plan.run) ? `${many} minibatches of ${rows} rows` : `${many} minibatches, recorded with the run`, where];
}

function lineOf(page, plan, spread, stack, many) {
  const there = spread.arrows.length;
  if (stack.error) return stack.error;
  if (!there) return panelWords(plan, undefined).veil.text;
  if (!isWhole(stack, many)) return `Computing: ${there} of ${many} minibatches so far.`;
  const missing = many - there ? ` ${many - there} of ${many} could not be computed.` : "";
  return spreadSentence(spread) + missing;
}

// Why gradients are zero, whose unit is dead, and what of the spread is the masks'.
function notesOf(page, plan, spread, stack) {
  const notes = [];
  const reason = commonReason(spread.arrows);
  const shown = page.view.rows ? undefined : stack.frames.get(page.view.minibatch);
  // The large picture says it where all of its own arrows are zero.
  if (reason && !(shown && reasonOfAllZero(shown) === reason)) notes.push(zeroSentence({ plane: shown?.plane }, reason));
  notes.push(...deadNotes(spread));
  if (plan.isRandom)
    notes.push(`The masks are random (${page.view.masks}, seed ${page.view.seed}): minibatches and masks make the spread together.`);
  return notes;
}

// Said where the arrows show it: with dropout masks drawn anew, a unit that is dead without them may wake.
function deadNotes({ arrows, live }) {
  const said = (symbol, other, isDead, component) =>
    live.length && arrows.every(isDead) && live.every(component)
      ? [`The unit of ${symbol} is inactive on every row of all ${arrows.length} minibatches: every arrow lies along ${other}.`] : [];
  return [
    ...said("x₁", "x₂", ({ xDead }) => xDead, ({ u }) => u === 0),
    ...said("x₂", "x₁", ({ yDead }) => yDead, ({ v }) => v === 0),
  ];
}

// Of one arrow: its minibatch, components, size, angle to the mean, sign balance.
export function arrowLines(arrow, minibatch) {
  if (!arrow) return [`minibatch ${minibatch}`, "not computed yet"];
  const rows = minibatchLines(arrow);
  if (arrow.isZero) return [`minibatch ${minibatch}`, `gradient: ${look.zero_words}`, ...rows];
  return [
    `minibatch ${minibatch}`, `∂J/∂x₁ = ${number(arrow.u, 4)}`, `∂J/∂x₂ = ${number(arrow.v, 4)}`, `|∇J| = ${number(arrow.size, 4)}`,
    `${angle(arrow)} from the mean direction`, ...rows,
  ];
}

export function pairLines(a, b, cosine) {
  const head = `minibatches ${a} and ${b}`;
  if (cosine === null) return [head, "no angle: a gradient is zero"];
  return [head, `cosine ${number(cosine, 3)}`, `${Math.round(DEGREES * Math.acos(Math.max(-1, Math.min(1, cosine))))}° apart`];
}

function angle({ fromMean }) {
  return signed(`${Math.round(DEGREES * fromMean)}°`);
}

const HEAD = ["minibatch", "∂J/∂x₁", "∂J/∂x₂", "|∇J|", "angle to the mean direction"];
let latest = null; // {spread, frames, cosines, key, soFar: how many are there, while not all are} on show
let table = null; // the one in the table

// The numbers behind the pictures, made when they are looked at.
function showTable() {
  const details = /** @type {HTMLDetailsElement} */ (document.getElementById("spread-numbers"));
  details.ontoggle ??= showTable;
  if (!details.open || table === latest) return;
  table = latest;
  const rows = latest.spread.arrows.map((arrow) => {
    const name = element("th", "", `${arrow.minibatch}`);
    name.scope = "row";
    const vector = arrow.isZero ? ["0", "0", look.zero_words, "–"] : [number(arrow.u, 5), number(arrow.v, 5), number(arrow.size, 5), angle(arrow)];
    return element("tr", "", name, ...[...vector, ...toldOf(latest.spread).map(([, cell]) => cell(arrow))].map((text) => element("td", "", text)));
  });
  const heads = [...HEAD, ...toldOf(latest.spread).map(([head]) => head)].map((text) => Object.assign(element("th", "", text), { scope: "col" }));
  const made = element("table", "gv-table", element("caption", "gv-hidden", "Gradients of the minibatches at the checkpoint"),
    element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...rows));
  const host = document.getElementById("spread-table");
  host.dataset.of = latest.soFar ? "" : latest.key;
  host.replaceChildren(element("ul", "gv-spread-sums", ...sums(latest).map((text) => element("li", "", text))), made);
}

// What is told of the rows of each minibatch: [head of a column, its cell of an arrow].
function toldOf({ below, facts }) {
  if (below !== null) return [["rows predicted below target", (arrow) => percent(arrow.share_below)]];
  return facts.map(({ name }) => [factName(name), (arrow) => {
    const { value, unit } = arrow.facts.find((fact) => fact.name === name);
    return factValue(value, unit);
  }]);
}

// The statistics of all minibatches at once, to the digits of the evidence view.
function sums({ spread, frames, cosines, soFar }) {
  if (soFar) return [soFar];
  const pairs = spread.live.flatMap((a, k) => spread.live.slice(k + 1).map((b) => cosineOf(a, b)));
  const opposite = pairs.filter((cosine) => cosine < 0).length;
  const roughness = roughnessOf(frames);
  const mean = meanCosine(cosines);
  return [
    spread.live.length ? `R of the arrows: ${number(spread.resultant.length)}` : null,
    pairs.length ? `opposite pairs: ${Math.round((100 * opposite) / pairs.length)} % of ${pairs.length}` : null,
    roughness ? `neighbouring arrows differ by ${number(roughness.angle)}° (mean over the first ${roughness.of} fields)` : null,
    mean === null ? null : `${cosines.name}: R ${number(cosineStrength(cosines))}, mean cosine of pairs ${number(mean)}`,
  ].filter(Boolean);
}
