// The curves over the epochs, under the losses and on their axis: R, mean cosine, roughness and sign balance, a strip
// each, with what they are at the chosen epoch in words and, behind them, in a table.

import { apart } from "../pure/apart.js";
import { hasDirections } from "../pure/axes.js";
import { number, signed } from "../pure/formats.js";
import { seedsWords, spreadOfSeeds } from "../pure/groups.js";
import { look } from "../pure/look.js";
import { courseLines, drawnLines, isCourseOpen, loadCourse } from "../page/course.js";
import { closest, element } from "../page/dom.js";
import { dragAlong } from "../page/drag.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { goToEpoch, settle } from "../page/sliders.js";
import { hasTargets, page, shownRuns } from "../page/state.js";
import { curvesRight } from "./curvenames.js";
import { helpCard } from "./help.js";
import { endOfEpochs } from "./losscurves.js";
import { showNumbers } from "./numbers.js";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 56; // as the margins of the loss curves in figure.js
const NAME = 12; // pixels of a name at the end of a line
const HEIGHT = 32;
const PAD = 4;
const MOST_DOTS = 120;
const MOVE = "Click or drag along the curves to go to an epoch.";
const none = (point) => (point.num_zero >= point.num_minibatches - 1 ? look.zero_words : "–");
const STRIPS = [
  { name: "agreement R", column: "agreement_r", read: (point) => point.resultant, range: [0, 1], absent: none, help: "How far the minibatches' gradients at the checkpoint agree in direction, without unit: 1 if all point the same way, about 1/√K for K random directions. The band is the 95 % interval." },
  { name: "mean cosine", column: "mean_cosine", read: (point) => point.cosine, range: [-1, 1], absent: none, help: "The mean over pairs of minibatches of the cosine between their gradients, from −1 to 1, with its 95 % interval: 0 if they are at right angles." },
  { name: "angle of neighbours", column: "angle_degrees", unit: "°", read: (point) => of(point.angle), range: null, absent: () => "no two arrows", help: "How rough the picture is: the mean angle between neighbouring arrows, in degrees. 0° is a straight field, random directions differ by 90°." },
  { name: "sign balance |2s − 1|", column: "sign_balance", read: (point) => of(point.balance), range: [0, 1], absent: () => "–", isOfTargets: true, help: "s is the share of rows predicted below their target, so this is 0 where half of them are and 1 where all or none are. The sign of a row's residual is the sign of its gradient under an L1 loss." },
];

let strips = null; // {svg, words, row} of each
let mark = null;
let note = null;
let drawn = "";
let shownAt = null;

// Signs are balanced, or not, where rows lie below or above a target.
function stripsNow() {
  return STRIPS.filter(({ isOfTargets }) => !isOfTargets || shownRuns().some(hasTargets));
}

function of(value) {
  return value === null || value === undefined ? null : { value, low: null, high: null };
}

// What a strip tells of a point, as {value, low, high}: of one run with its interval, of several seeds with their spread.
function found(strip, point) {
  if (!point || point.error) return null;
  return point.seeds ? spreadOfSeeds(point.seeds.map((one) => found(strip, one)?.value)) : strip.read(point);
}

export function showCourse() {
  drawCourse();
  loadCourse(drawCourse);
}

function drawCourse() {
  if (!page.view) return;
  const host = document.getElementById("course");
  const isOpen = isCourseOpen();
  if (host.hidden === isOpen) host.hidden = !isOpen;
  if (!isOpen) return tell([]);
  if (!strips) make(host);
  const lines = drawnLines();
  const wanted = stripsNow();
  STRIPS.forEach((strip, k) => (strips[k].row.hidden = !wanted.includes(strip)));
  const key = JSON.stringify([lines.map(({ key: one, points }) => [one, points.size]), host.clientWidth, curvesRight(), scheme(), lastEpoch()]);
  if (key === drawn) return markCourse(page.view.epoch);
  drawn = key;
  STRIPS.forEach((strip, k) => draw(strips[k].svg, strip, lines, host.clientWidth));
  tell(courseLines());
  table(lines);
  shownAt = null;
  markCourse(page.view.epoch);
}

function make(host) {
  strips = STRIPS.map(({ name, help }) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true");
    const words = element("div", "gv-course-words");
    return { svg, words, row: element("div", "gv-course-strip", words, svg, element("div", "gv-curves-help", helpCard(`Help: ${name}`, [`${name}: ${help}`, MOVE]))), name };
  });
  mark = element("div", "gv-course-mark");
  const numbers = element("div", "gv-course-numbers");
  numbers.id = "course-numbers";
  note = element("div", "gv-course-note");
  host.replaceChildren(...strips.map(({ row }) => row), mark, note, numbers);
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", `Curves over the epochs: ${STRIPS.map(({ name }) => name).join(", ")}`);
  listen(host);
  new ResizeObserver(() => page.view && showCourse()).observe(host);
}

function lastEpoch() {
  return endOfEpochs(shownRuns());
}

function xOf(epoch, width) {
  return LEFT + (epoch / lastEpoch()) * Math.max(1, width - LEFT - curvesRight());
}

// ---- drawing --------------------------------------------------------------------------------------------------

function draw(svg, strip, lines, width) {
  const palette = paletteNow();
  const range = strip.range ?? rangeOf(strip, lines);
  const y = (value) => PAD + (1 - (value - range[0]) / (range[1] - range[0])) * (HEIGHT - 2 * PAD);
  for (const [name, value] of [["width", width], ["height", HEIGHT]]) svg.setAttribute(name, value);
  const parts = [];
  for (const value of range[0] < 0 ? [...range, 0] : range) {
    parts.push(shape("line", { x1: LEFT, x2: width - curvesRight(), y1: y(value), y2: y(value), stroke: palette.grid }));
    if (value === 0 && range[0] < 0) continue;
    const label = shape("text", { x: LEFT - 6, y: y(value) + (value === range[1] ? 7 : 2), "text-anchor": "end", fill: palette.faint });
    label.textContent = `${number(value, 2).replace(/\.0$/, "")}${strip.unit ?? ""}`;
    parts.push(label);
  }
  for (const line of lines) parts.push(...drawLine(line, strip, (epoch) => xOf(epoch, width), y));
  svg.replaceChildren(...parts, ...namesOf(lines, strip, y, width));
}

// Each line's name at its right end, moved apart where two would lie over each other; a line alone needs none.
function namesOf(lines, strip, y, width) {
  const ends = lines.map((line) => ({ line, value: [...line.epochs].reverse().map((epoch) => found(strip, line.points.get(epoch))).find(Boolean)?.value }))
    .filter(({ value }) => value !== undefined);
  if (lines.length < 2) return [];
  const places = apart(ends.map(({ value }) => y(value)), NAME, [1, HEIGHT + NAME / 2]);
  const x = width - curvesRight() + 6;
  return ends.flatMap(({ line }, k) => {
    if (places[k] === null) return [];
    const dash = line.dashed ? { "stroke-dasharray": "4 3" } : {};
    const name = shape("text", { x: x + 20, y: places[k] + 4, fill: paletteNow().faint });
    name.textContent = line.side.trim() || line.name;
    return [shape("line", { x1: x, x2: x + 16, y1: places[k], y2: places[k], stroke: line.colour, "stroke-width": 1.6, ...dash }), name];
  });
}

// The angle's: from 0 to the next round number above all.
function rangeOf(strip, lines) {
  const values = lines.flatMap(({ points }) => [...points.values()].map((point) => found(strip, point)?.value ?? 0));
  const most = Math.max(0.01, ...values);
  const decade = 10 ** Math.floor(Math.log10(most));
  return [0, Math.min(180, decade * [1, 2, 5, 10].find((step) => step * decade >= most))];
}

function drawLine(line, strip, x, y) {
  const { colour } = line;
  const stretches = stretchesOf(line, strip);
  const parts = [];
  for (const stretch of stretches) {
    const banded = stretch.filter(({ low, high }) => low !== null && high !== null);
    if (banded.length > 1) {
      const edge = [...banded.map(({ epoch, high }) => `${x(epoch)},${y(high)}`), ...banded.reverse().map(({ epoch, low }) => `${x(epoch)},${y(low)}`)];
      parts.push(shape("polygon", { points: edge.join(" "), fill: colour, "fill-opacity": 0.16 }));
    }
    const path = stretch.map(({ epoch, value }) => `${x(epoch)},${y(value)}`).join(" ");
    const dash = line.dashed ? { "stroke-dasharray": "4 3" } : {};
    parts.push(shape("polyline", { points: path, fill: "none", stroke: colour, "stroke-width": 1.6, ...dash }));
    if (line.epochs.length <= MOST_DOTS) parts.push(...stretch.map(({ epoch, value }) => shape("circle", { cx: x(epoch), cy: y(value), r: 1.8, fill: colour })));
  }
  return parts;
}

// Neighbouring epochs that have a value: a line does not run over what is not known.
function stretchesOf({ epochs, points }, strip) {
  const stretches = [[]];
  for (const epoch of epochs) {
    const point = found(strip, points.get(epoch));
    if (point) stretches.at(-1).push({ epoch, low: null, high: null, ...point });
    else if (stretches.at(-1).length) stretches.push([]);
  }
  return stretches.filter((stretch) => stretch.length);
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// ---- words ----------------------------------------------------------------------------------------------------

// How far it is.
function tell(lines) {
  if (!note) return;
  const all = lines.reduce((sum, { epochs }) => sum + epochs.length, 0);
  const points = lines.flatMap((line) => line.epochs.map((epoch) => line.points.get(epoch)).filter(Boolean));
  const failed = points.find(({ error }) => error);
  const without = page.plans.some(hasDirections) ? "No curves along directions: each checkpoint has a plane of its own." : "";
  const said = failed ? failed.error : points.length < all ? `measuring, ${points.length} of ${all}` : without;
  if (note.textContent !== said) note.textContent = note.title = said;
}

// Marks the chosen epoch and says what the curves are there: for each step of a slider.
export function markCourse(epoch) {
  if (!strips || !isCourseOpen()) return;
  const at = `${epoch}|${drawn}`;
  if (shownAt === at) return;
  shownAt = at;
  mark.style.transform = `translateX(${xOf(epoch, document.getElementById("course").clientWidth)}px)`;
  const lines = drawnLines();
  STRIPS.forEach((strip, k) => {
    const told = lines.map((line) => {
      const swatch = element("i", `gv-line${line.dashed ? " gv-course-dashed" : ""}`);
      swatch.style.color = line.colour;
      return element("span", "", swatch, `${line.side}${textOf(strip, line.points.get(epoch))}`);
    });
    strips[k].words.replaceChildren(element("b", "", strip.name), ...told);
    strips[k].words.title = [...strips[k].words.children].map(({ textContent }) => textContent).join(", "); // where it is narrow they end in dots
  });
}

function textOf(strip, point) {
  if (!point) return "not measured yet";
  if (point.error) return "not measured";
  const told = found(strip, point);
  if (!told) return point.seeds ? "–" : strip.absent(point);
  const written = (value) => text(value, strip.unit);
  const interval = told.low === null || told.high === null ? "" : ` [${written(told.low)}, ${written(told.high)}]`;
  return `${written(told.value)}${strip.unit ?? ""}${point.seeds ? ` ${seedsWords(told, written)}` : interval}`;
}

function text(value, unit) {
  return unit ? number(value, 3) : signed(value.toFixed(2).replace("-0.00", "0.00"));
}

function table(lines) {
  const named = lines.length > 1;
  const seeds = lines.some(({ run }) => !run) ? " Of n seeds: their mean, [smallest, largest]." : "";
  const caption = `${lines.map(({ name, selection: { x, y } }) => `${name}: ${x}, ${y}`).join("; ")}. R and cosine of the minibatches' arrows at the centre, [95 % interval]; the angle is between neighbouring arrows of the picture.${seeds}`;
  const size = lines.map(({ key, points }) => `${key} ${points.size}`).join();
  showNumbers("course-numbers", {
    key: size,
    caption,
    named: 2,
    head: ["epoch", named ? "of" : "picture", ...stripsNow().map(({ name }) => name), ...(shownRuns().some(hasTargets) ? ["s"] : []), "minibatches"],
    rows: () => lines.flatMap((line) => line.epochs.filter((epoch) => line.points.has(epoch)).map((epoch) => rowOf(line, epoch))),
  });
}

function rowOf(line, epoch) {
  const point = line.points.get(epoch);
  const rest = point.error ? [point.error, ""] : restOf(point);
  return [`${epoch}`, line.name, ...stripsNow().map((strip) => textOf(strip, point)), ...rest];
}

/** The curves as a table, the first row its head; what is not measured yet is left out. @returns {(string | number | null)[][]} */
export function courseRows() {
  const head = stripsNow().flatMap(({ column }) => [column, `${column}_low`, `${column}_high`]);
  const rows = drawnLines().flatMap(({ name, epochs, points, selection: { x, y } }) => epochs.filter((epoch) => points.has(epoch)).map((epoch) => {
    const point = points.get(epoch);
    const numbers = stripsNow().flatMap((strip) => {
      const told = found(strip, point);
      return [told?.value ?? null, told?.low ?? null, told?.high ?? null];
    });
    return [name, x, y, epoch, ...numbers, point.seeds ? "smallest, largest" : "95 % interval", point.seeds?.length ?? 1];
  }));
  return [["of", "x", "y", "epoch", ...head, "low_high", "seeds"], ...rows];
}

function restOf(point) {
  const measured = (point.seeds ?? [point]).filter(({ error }) => !error);
  const share = spreadOfSeeds(measured.map(({ share_below: below }) => below?.value));
  return [...(shownRuns().some(hasTargets) ? [share ? text(share.value) : "–"] : []), `${measured[0]?.num_minibatches ?? ""}`];
}

// ---- pointer --------------------------------------------------------------------------------------------------

function listen(host) {
  const go = ({ clientX }) => {
    const { left, width } = host.getBoundingClientRect();
    goToEpoch(Math.max(0, Math.round(((clientX - left - LEFT) / (width - LEFT - curvesRight())) * lastEpoch())));
  };
  dragAlong(host, { wants: (event) => !closest(event, ".gv-numbers, .gv-help"), go, onEnd: settle });
}
