// What is asked for the curves over the epochs: a point for each epoch of each picture on show, once, after the pictures
// and never while a hand moves a slider.

import { hasDirections } from "../pure/axes.js";
import { grouped, groupsWithin } from "../pure/groups.js";
import { patience } from "../pure/patience.js";
import { jsonFrom, mayPass, Refused } from "./api.js";
import { isBusy } from "./sliders.js";
import { colourOf, groupColour, page, seedGroups } from "./state.js";

const MOST_KEPT = 60; // lines
const MOST_POINTS = 200; // of a line: of longer trainings every n-th epoch is asked for
const LATER_MS = 300;
const lines = new Map(); // key -> {points: epoch -> its answer, or {error}}, least recently used first
let asking = null;
let later = null;
let failures = 0; // in a row

// The lines of what is on show, one for each picture: {key, name, side, run, colour, dashed, epochs, points, selection}.
export function courseLines() {
  const isExplore = page.view.view === "explore";
  return page.plans.flatMap((plan, slot) => {
    const run = page.runs[plan.run];
    if (!run || run.cannot || hasDirections(plan)) return [];
    const name = isExplore ? ["left picture", "right picture"][slot] : plan.label;
    const key = `${plan.epochs.key}|${run.stamp}`;
    const side = isExplore ? ["left ", "right "][slot] : "";
    return [{ key, name, side, run: plan.run, colour: colourOf(plan.run), dashed: isExplore && slot === 1, epochs: wantedOf(run.epochs), points: pointsOf(key), selection: plan.epochs.selection }];
  });
}

// The same with one line for all seeds of a configuration: its points are {seeds: theirs}, where all have one.
export function drawnLines() {
  const single = courseLines();
  return grouped(single, groupsWithin(seedGroups(), single.map(({ run }) => run)), ({ run }) => run, joined);
}

function joined(group, seeds) {
  const [{ selection }] = seeds;
  const epochs = seeds[0].epochs.filter((epoch) => seeds.every((line) => line.epochs.includes(epoch)));
  const measured = epochs.filter((epoch) => seeds.every((line) => line.points.has(epoch)));
  const points = new Map(measured.map((epoch) => [epoch, { seeds: seeds.map((line) => line.points.get(epoch)) }]));
  const key = seeds.map((line) => line.key).join();
  return { key, name: `${group.label}, n = ${seeds.length}`, side: "", run: null, colour: groupColour(group), dashed: false, epochs, points, selection };
}

function wantedOf(epochs) {
  const step = Math.ceil(epochs.length / MOST_POINTS);
  return epochs.filter((epoch, k) => k % step === 0 || epoch === page.view.epoch);
}

function pointsOf(key) {
  const points = lines.get(key) ?? new Map();
  lines.delete(key);
  lines.set(key, points);
  if (lines.size > MOST_KEPT) lines.delete(lines.keys().next().value);
  return points;
}

export function isCourseOpen() {
  return page.view?.curves === "agreement" && ["explore", "compare"].includes(page.view.view);
}

// Pictures come first, and a hand before all.
function mustWait() {
  return isBusy() || page.plans.some((plan) => plan.epochs.loading || plan.minibatches?.loading);
}

// Asks for the next point that is wanted; calls `onNews` when it is there, and goes on.
export function loadCourse(onNews) {
  clearTimeout(later);
  if (!isCourseOpen() || page.away) return;
  const shown = courseLines();
  if (asking && !shown.some(({ key }) => key === asking.key)) asking.controller.abort();
  if (asking) return;
  const missing = shown.flatMap((line) => line.epochs.filter((epoch) => !line.points.has(epoch)).map((epoch) => ({ line, epoch })));
  if (!missing.length) return;
  if (mustWait()) return void (later = setTimeout(() => loadCourse(onNews), LATER_MS));
  const away = ({ epoch }) => Math.abs(epoch - page.view.epoch);
  ask(missing.reduce((a, b) => (away(b) < away(a) ? b : a)), onNews);
}

async function ask({ line, epoch }, onNews) {
  const mine = (asking = { key: line.key, controller: new AbortController() });
  let wait = 0;
  try {
    line.points.set(epoch, await jsonFrom(`api/v1/course?${new URLSearchParams({ ...line.selection, epoch })}`, { signal: mine.controller.signal }));
    failures = 0;
  } catch (error) {
    if (error instanceof Refused) line.points.set(epoch, { error: error.message });
    else if (mayPass(error)) wait = patience(++failures, error.seconds);
    else if (error.name !== "AbortError") throw error;
  } finally {
    asking = null;
  }
  onNews();
  if (wait) later = setTimeout(() => loadCourse(onNews), wait);
  else loadCourse(onNews);
}

