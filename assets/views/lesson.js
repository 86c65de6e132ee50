// The player of lessons, beside the pictures: each step is a view, a text, and perhaps a question before the reveal.

import { searchOf } from "../pure/fields.js";
import { holds, unmetSentence } from "../pure/lessonnumbers.js";
import { doneValue, isDone, resolved } from "../pure/lessonwords.js";
import { goTo, isViewAsked, viewFields } from "../page/address.js";
import { AskedOnce } from "../page/askedonce.js";
import { conductor } from "../page/conductor.js";
import { closest } from "../page/dom.js";
import { plans, wholeFrame } from "../page/plans.js";
import { site } from "../page/site.js";
import { labelOf, page } from "../page/state.js";
import { listCard, messageCard, stepCard } from "./lessonpanel.js";
import { allFrames, numberAt, runWords } from "./lessonsource.js";

/** @import { Card } from "./lessonpanel.js" */

const NO_VIEW = "This step’s picture is not in this site: it takes a server that computes. Its text goes on.";
const lessons = new AskedOnce(30);
const activities = new AskedOnce(60);
/** What the reader has answered, by "KEY/STEP". @type {Map<string, number>} */
const answers = new Map();
/** The steps whose request the reader has followed. @type {Set<string>} */
const followed = new Set();

let isList = false; // the list is on show, not a step
let isPending = false; // the address names a step alone: its view is still to be shown
let coming = ""; // whose own picture is asked for
/** What the page made of a step's own picture: it drops what its view does not use. */
let home = { key: "", search: "" };
let wantsFocus = false;
let shown = ""; // what the card is of
/** @type {Card | null} */
let card = null;
let looked = { key: "", lacks: "" }; // which step's picture was found, or what it lacks
/** What became of a step's conditions: null until its numbers are known. @type {{key: string, unmet: string[] | null}} */
let verdict = { key: "", unmet: null };

export const player = { opened, show, openList };

// ---- where to -------------------------------------------------------------------------------------------------

/** A view from the address: a step alone is given its own picture, anything else is the reader's. @param {string} search */
function opened(search) {
  const keys = [...new URLSearchParams(search).keys()];
  isPending = Boolean(page.view.lesson) && keys.every((key) => ["lesson", "step", "present"].includes(key));
  if (page.view.lesson) isList = false;
  show();
}

function openList() {
  isList = wantsFocus = true;
  show();
}

function shut() {
  const wasOpen = page.view.lesson;
  isList = false;
  if (wasOpen) conductor.choose({ lesson: "", step: 1 });
  show();
  /** @type {HTMLElement} */ (document.querySelector("[data-lessons]")).focus();
}

/** @param {string} key @param {number} step */
function go(key, step) {
  isList = false;
  wantsFocus = true;
  const lesson = lessonOf(key).answer;
  const found = lesson && page.areRunsKnown ? pictureOf(lesson.steps[step - 1]) : null; // else when they are: see lookFor
  answers.delete(`${key}/${step}`);
  followed.delete(`${key}/${step}`);
  if (found?.lacks) conductor.choose({ lesson: key, step });
  else goHome(searchAt(found?.view ?? {}, key, step), `${key}/${step}`, true);
}

function goHome(search, key, isNew) {
  coming = key;
  goTo(search, isNew);
}

function searchAt(view, lesson, step) {
  const { present } = page.view; // whoever presents goes on with it
  return searchOf({ ...defaults(), ...view, present, lesson, step }, viewFields());
}

function defaults() {
  return Object.fromEntries(viewFields().map((field) => [field.name, field.default]));
}

function lessonOf(key) {
  return lessons.of(`api/v1/lessons/${key}`, show);
}

// ---- the picture of a step ------------------------------------------------------------------------------------

function pictureOf({ view: { fields, needs } }) {
  if (site && !site.views.includes(fields.view ?? "explore")) return { view: null, waits: "", lacks: NO_VIEW };
  return resolved(fields, needs, { isSite: Boolean(site), runs: page.runs, isTraining: page.training.state === "running", labelOf, defaults: defaults(), activityOf });
}

function activityOf(run, epoch) {
  if (!run.hidden) return undefined;
  const { answer, error } = activities.of(`api/v1/activity/${run.run}/${epoch}#${run.stamp}`, show);
  return answer ? answer.layers : error ? undefined : null;
}

// Goes to the step's own picture as soon as there is one; returns what it waits for, or what it lacks.
function lookFor(step, key) {
  if (looked.key === key && !isPending) return looked.lacks;
  if (isViewAsked() || !page.areRunsKnown) return "";
  const found = pictureOf(step);
  if (found.waits) return isPending ? found.waits : "";
  looked = { key, lacks: found.lacks };
  if (isPending && found.view) {
    const search = searchAt(found.view, page.view.lesson, page.view.step);
    isPending = false;
    if (search !== window.location.search) goHome(search, key, false);
  }
  isPending = false;
  return found.lacks;
}

function backToPicture() {
  const { lesson: key, step } = page.view;
  go(key, step);
}

// ---- what is on show ------------------------------------------------------------------------------------------

function show() {
  const { view } = page;
  if (!view) return;
  const isOpen = isList || Boolean(view.lesson);
  document.body.dataset.lesson = isOpen ? "on" : "off";
  const aside = document.getElementById("lesson");
  aside.hidden = !isOpen;
  if (!isOpen) return void (shown = "");
  aside.ariaBusy = "false";
  if (isList) return showList();
  const known = lessonOf(view.lesson);
  aside.ariaBusy = String(!known.answer && !known.error);
  if (known.answer) showStep(known.answer);
  else put(`${view.lesson}|${known.error}`, () => messageCard(known.error ?? "Loading the lesson", { openList, shut }));
}

function showList() {
  const { answer, error } = lessons.of("api/v1/lessons", show);
  if (!answer) return put(`list|${error}`, () => messageCard(error ?? "Loading the lessons", { openList: null, shut }));
  const absent = (needs) => needs.filter((name) => !page.runs[name]).map(labelOf);
  put(`list|${JSON.stringify(answer.lessons.map(({ needs }) => absent(needs)))}`, () => listCard(answer, absent, { go, shut }));
}

// Makes the card anew where it is of something else; a reader who was in it, or has gone on, is at its heading then.
function put(key, make) {
  if (shown === key) return;
  const aside = document.getElementById("lesson");
  const isFocused = aside.contains(document.activeElement);
  shown = key;
  card = make();
  aside.replaceChildren(...card.children);
  if (wantsFocus || isFocused) card.heading.focus({ preventScroll: true });
  wantsFocus = false;
}

function showStep(lesson) {
  const number = Math.min(page.view.step, lesson.steps.length);
  const step = lesson.steps[number - 1];
  const key = `${lesson.key}/${number}`;
  if (verdict.key !== key) verdict = { key, unmet: null };
  const { question } = step;
  put(key, () => stepCard(lesson, number, { go, openList, shut, backToPicture, answer: (choice) => answered(key, choice), doIt: () => doIt(question.done, key) }));
  const lacks = lookFor(step, key);
  if (coming === key && !isViewAsked()) {
    home = { key, search: searchNow() };
    coming = "";
  }
  const isDoneNow = !question?.done || (!isPending && (Boolean(lacks) || (!isViewAsked() && isDone(question.done, page.view, page.runs[page.view.run]))));
  if (question?.done && isDoneNow) followed.add(key);
  card.say(lacks);
  const isRevealed = !question || (question.done ? followed.has(key) : answers.has(key));
  if (isRevealed && isDoneNow && !isPending) judge(step, lacks);
  card.reveal(answers.get(key) ?? 0, isRevealed, lacks ? [] : verdict.unmet);
  const isElsewhere = !lacks && !isViewAsked() && looked.key === key && isMoved(step, key);
  card.tellNumbers((place) => numberAt(place), isElsewhere); // those of the reveal too
  card.offerPicture(isElsewhere);
  document.getElementById("lesson").ariaBusy = String(!lacks && (isPending || isViewAsked() || !arePlansOfView()));
}

function answered(key, choice) {
  answers.set(key, choice);
  show();
}

// What a step asks for, done for a reader who would rather see it; what cannot be done is counted as done.
function doIt(done, key) {
  const value = doneValue(done, page.runs[page.view.run]);
  if (value === undefined) return followed.add(key), show();
  if (done.field === "minibatch") conductor.moveOver("minibatches");
  goTo(searchOf({ ...page.view, [done.field]: value }, viewFields()), true);
}

// Whether what is on show is no longer the step's own picture.
function isMoved(step, key) {
  if (home.key === key) return home.search !== searchNow();
  const { view } = pictureOf(step);
  return Boolean(view) && searchAt(view, page.view.lesson, page.view.step) !== searchNow();
}

function searchNow() {
  return searchOf(page.view, viewFields()); // which the address follows
}

// Once all numbers are known, or those that are missing will not come. It stays then, though the reader moves on.
function judge({ shows }, lacks) {
  if (verdict.unmet || lacks || isViewAsked() || !arePlansOfView()) return;
  const values = shows.map(({ place }) => numberAt(place));
  if (values.some((value) => value === null) && !isSettled()) return;
  verdict.unmet = shows.flatMap((condition, k) =>
    values[k] !== null && holds(condition, values[k]) ? [] : [unmetSentence(condition, values[k], runWords(condition.place))]);
}

// Whether the pictures are of the view already, which changes before they do.
function arePlansOfView() {
  const meant = plans();
  return meant.length === page.plans.length && meant.every(({ epochs, minibatches }, k) => epochs === page.plans[k].epochs && minibatches === page.plans[k].minibatches);
}

// Whether all that a number is measured of is there, or will not come.
function isSettled() {
  const { show: overlays, epoch } = page.view;
  return !isViewAsked() && page.plans.every((plan) => plan.lacking || ((wholeFrame(plan) || willNotCome(plan))
    && (!plan.minibatches || allFrames(plan) || Boolean(plan.minibatches.error)) && (!overlays.includes("sampling") || plan.sampling?.told.has(epoch))));
}

function willNotCome({ epochs: stack }) {
  return Boolean(stack.error) || stack.failed.has(page.view.epoch);
}

// ---- keys and links -------------------------------------------------------------------------------------------

// As presenters' remotes and readers press them: Page Down and Page Up, which scroll a text that is longer than its place first.
document.addEventListener("keydown", (event) => {
  if (!page.view?.lesson || isList || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (document.body.dataset.present === "on" && event.key !== "Escape") return; // then the page asks by gv-step
  if (event.key === "Escape" && closest(event, "#lesson")) return shut();
  const by = { PageDown: 1, PageUp: -1 }[event.key];
  if (!by || closest(event, "input, select, textarea, [role=slider], dialog") || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  stepBy(by);
});

// In the presentation mode, which has these keys.
document.addEventListener("gv-step", (/** @type {CustomEvent} */ event) => {
  if (!page.view?.lesson || isList) return;
  event.preventDefault();
  stepBy(event.detail.by);
});

/** @param {number} by */
function stepBy(by) {
  const lesson = lessonOf(page.view.lesson).answer;
  if (!lesson || !card || card.scrolls(by)) return;
  const step = page.view.step + by;
  if (step >= 1 && step <= lesson.steps.length) go(lesson.key, step);
}

// A link to another view stays within the lesson.
document.getElementById("lesson").addEventListener("click", (event) => {
  const search = closest(event, "a")?.getAttribute("href");
  if (!search?.startsWith("?")) return;
  event.preventDefault();
  goTo(`${search}&lesson=${page.view.lesson}&step=${page.view.step}`, true);
});
