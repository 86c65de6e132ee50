// The probe: a point that a hand drags on the pictures. Where it is dropped, paths of SGD begin under several minibatches, and are
// drawn step by step.

import { probeOf, wantsOverlay } from "../pure/overlays.js";
import { number } from "../pure/formats.js";
import { notchOf, RATE_NOTCHES, rateAt, startByKey, startOf, startText, stepsOf } from "../pure/probe.js";
import { isSurface } from "../pure/surface.js";
import { conductor } from "../page/conductor.js";
import { button, element, plotIn, say } from "../page/dom.js";
import { dragAlong } from "../page/drag.js";
import { gridPoints } from "../page/points.js";
import { paletteNow } from "../page/scheme.js";
import { page } from "../page/state.js";
import { planeOf } from "./paint.js";
import { showPathWords } from "./pathwords.js";

/** @import { Start } from "../pure/probe.js" */

const REST = 300; // ms after the last key, or the last move of the rate, before paths are asked for
const LONGEST = 1800; // ms until all steps are drawn
const OF_A_STEP = 60; // ms, where they are few
const CHOICES = [10, 30, 100, 200]; // of steps

/** @type {Start | null} */
let moving = null; // the start under a hand, before it is dropped
let resting = 0; // the timer until it is
let isShown = false;
let toPlay = ""; // of which start, checkpoint and minibatch the paths are drawn step by step when they come
const playing = new Map(); // what the server says -> when its first step was drawn
const handles = new Map(); // by slot
let strip = null; // {rate, told, steps, again}
let ownRate = 0; // that the server chose for the first picture

// ---- what is on show ------------------------------------------------------------------------------------------

// Before the pictures are drawn: paths that have just come begin to be drawn.
export function beginPaths() {
  const isWanted = wantsOverlay(page.view, "probe") && page.plans.length > 0;
  if (isWanted && !isShown) toPlay = momentOf(page.view);
  isShown = isWanted;
  if (!isShown || toPlay !== momentOf(page.view)) return;
  for (const told of toldNow()) if (!told.isPlayed) play(told);
}

// After the pictures have been drawn: the point, and what the paths say.
export function showProbe() {
  for (const { slot, plan } of page.panels) {
    const told = plan && isShown ? probeOf(page.view, plan) : null;
    showPathWords(slot, told?.paths ?? []);
    if (plan) place(slot, plan);
  }
  showStrip();
}

function momentOf({ start, epoch, minibatch, rows }) {
  return `${start}|${epoch}|${minibatch}|${rows}`;
}

// What the server has said of the start on show, of each picture.
function toldNow() {
  return page.plans.map((plan) => probeOf(page.view, plan)).filter((told) => told?.paths);
}

// ---- step by step ---------------------------------------------------------------------------------------------

function play(told) {
  told.isPlayed = true;
  document.getElementById("spoken").textContent = toldNow().flatMap(({ paths }) => paths.map(({ name, line }) => `${name}: ${line}`)).join("; ");
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || isSurface(page.view)) return;
  if (!playing.size) requestAnimationFrame(goOn);
  told.drawn = 0;
  playing.set(told, performance.now());
}

function goOn(now) {
  const shown = toldNow();
  for (const [told, since] of playing) {
    const steps = stepsOf(told);
    told.drawn = Math.floor((steps * Math.max(0, now - since)) / Math.min(LONGEST, OF_A_STEP * steps));
    if (told.drawn >= steps || !shown.includes(told)) finish(told);
  }
  conductor.draw();
  if (playing.size) requestAnimationFrame(goOn);
  else conductor.commitSoon();
}

function finish(told) {
  delete told.drawn;
  playing.delete(told);
}

/** Whether paths are being drawn: what is on the canvas then is not for long. */
export function isPlaying() {
  return playing.size > 0;
}

// What is taken along has all steps.
export function finishPaths() {
  if (!playing.size) return;
  for (const told of [...playing.keys()]) finish(told);
  conductor.draw();
}

function playAgain() {
  toldNow().forEach(play);
  conductor.draw();
}

// ---- the point ------------------------------------------------------------------------------------------------

function place(slot, plan) {
  const plane = isShown && !plan.minus ? planeOf(plotIn(`graph-${slot}`)) : null;
  if (!plane && !handles.has(slot)) return;
  const handle = handles.get(slot) ?? makeHandle(slot);
  const [x, y] = startNow().map((share) => share * plan.halfWidth);
  const isThere = plane !== null && plane.holds(plane.x(x), plane.y(y));
  if (handle.hidden === isThere) handle.hidden = !isThere;
  if (!isThere) return;
  handle.style.transform = `translate(${plane.x(x)}px, ${plane.y(y)}px)`;
  handle.setAttribute("aria-label", `Start of the probe, Δx₁ ${number(x)}, Δx₂ ${number(y)}: drag it, or move it by arrow keys`);
}

function startNow() {
  return moving ?? startOf(page.view.start);
}

function makeHandle(slot) {
  const handle = button("", () => {}, "gv-probe-handle");
  handles.set(slot, handle);
  document.getElementById(`probe-${slot}`).replaceChildren(handle);
  let grip = null; // from the pointer to the point
  dragAlong(handle, {
    go(event) {
      const { halfWidth } = page.panels[slot].plan ?? {};
      const graph = plotIn(`graph-${slot}`);
      const plane = planeOf(graph);
      if (!plane || !halfWidth) return;
      const box = graph.getBoundingClientRect();
      const [across, down] = [event.clientX - box.left, event.clientY - box.top];
      const [x, y] = startNow();
      grip ??= [plane.x(x * halfWidth) - across, plane.y(y * halfWidth) - down];
      moveTo([(across + grip[0] - plane.x(0)) / plane.scaleX / halfWidth, (plane.y(0) - down - grip[1]) / plane.scaleY / halfWidth]);
    },
    onEnd() {
      grip = null;
      drop();
    },
  });
  handle.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const next = startByKey(startNow(), event.key, event.shiftKey, gridPoints());
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    moveTo(next);
    clearTimeout(resting);
    resting = setTimeout(drop, REST);
  });
  return handle;
}

// Nothing waits while it moves: the point alone follows the hand, in all pictures.
/** @param {Start} start */
function moveTo(start) {
  moving = startOf(startText(start));
  for (const { slot, plan } of page.panels) if (plan) place(slot, plan);
}

function drop() {
  clearTimeout(resting);
  if (!moving) return;
  const start = startText(moving);
  moving = null;
  if (start === page.view.start) return;
  toPlay = momentOf({ ...page.view, start });
  conductor.choose({ start });
}

// ---- rate and steps -------------------------------------------------------------------------------------------

function showStrip() {
  const host = document.getElementById("probe");
  if (host.hidden === isShown) host.hidden = !isShown;
  if (!isShown) return;
  strip ??= makeStrip(host);
  const own = toldNow()[0]?.default_rate;
  ownRate = own ?? ownRate;
  const { rate, steps } = page.view;
  const used = rate ?? ownRate;
  strip.rate.disabled = !ownRate;
  if (ownRate && document.activeElement !== strip.rate) strip.rate.value = `${notchOf(used, ownRate)}`;
  tellRate(rate);
  if (![...strip.steps.options].some(({ value }) => value === `${steps}`)) strip.steps.add(new Option(`${steps}`, `${steps}`));
  strip.steps.value = `${steps}`;
}

function tellRate(rate) {
  const isMany = page.plans.length > 1;
  const text = rate !== null ? `${rate}` : isMany ? "each picture's own" : `the picture's own${ownRate ? `, ${ownRate}` : ""}`;
  if (strip.told.textContent !== text) say(strip.told, text);
  strip.rate.setAttribute("aria-valuetext", text);
}

function makeStrip(host) {
  const rate = Object.assign(element("input", "gv-range"), { type: "range", min: -RATE_NOTCHES, max: RATE_NOTCHES, step: 1, value: 0 });
  rate.setAttribute("aria-label", "Rate of the steps; in the middle each picture has its own");
  const told = element("output", "gv-probe-rate");
  const steps = element("select", "gv-speed", ...CHOICES.map((count) => new Option(`${count}`, `${count}`)));
  steps.setAttribute("aria-label", "Steps of the paths");
  let later = 0;
  rate.addEventListener("input", () => {
    const chosen = rateAt(Number(rate.value), ownRate);
    tellRate(chosen);
    clearTimeout(later);
    later = setTimeout(() => conductor.choose({ rate: chosen }), REST);
  });
  rate.addEventListener("change", () => {
    clearTimeout(later);
    conductor.choose({ rate: rateAt(Number(rate.value), ownRate) });
  });
  steps.addEventListener("change", () => conductor.choose({ steps: Number(steps.value) }));
  const again = button("Draw again", playAgain);
  const home = button("Start at ○", () => (moveTo([0, 0]), drop()));
  host.replaceChildren(
    element("label", "gv-probe-field", element("span", "gv-row-label", "rate"), rate), told,
    element("label", "gv-probe-field", element("span", "gv-row-label", "steps"), steps), again, home,
    element("span", "gv-sub gv-hint", "Drag the ring in a picture; arrow keys move it too."),
  );
  return { rate, told, steps };
}

/** For tests: where the point is, in half widths, what the server says of each picture, and the inks of the paths. */
export function whatIsProbed() {
  if (!isShown) return null;
  return { start: startNow(), isPlaying: isPlaying(), pictures: page.plans.map((plan) => probeOf(page.view, plan) ?? null), inks: paletteNow().probe };
}
