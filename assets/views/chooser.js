// Choosing the two axes of a picture by name: suggestions of parameters and directions, a check against the model's shapes,
// and what is known of the unit.

import { axisWords, isDirection } from "../pure/axes.js";
import { suggestedDirections } from "../pure/directions.js";
import { percent } from "../pure/formats.js";
import { mistakeIn, suggestions } from "../pure/parameters.js";
import { shortName } from "../pure/shortnames.js";
import { rowsOf, shareOf } from "../page/activities.js";
import { conductor } from "../page/conductor.js";
import { element } from "../page/dom.js";
import { showNotices } from "../page/notices.js";
import { site } from "../page/site.js";
import { checkpointNow, page } from "../page/state.js";

const FIELDS = ["x_a", "y_a", "x_b", "y_b"];
const made = new Map(); // field -> {input, list, note}
let isNoted = false;

function create(field) {
  const host = document.getElementById(`chooser-${field}`);
  const list = element("datalist");
  list.id = `suggestions-${field}`;
  const input = element("input", "gv-name");
  Object.assign(input, { type: "text", spellcheck: false, autocomplete: "off", readOnly: site !== null });
  input.setAttribute("list", list.id);
  input.setAttribute("aria-label", host.dataset.label);
  const note = element("span", "gv-note");
  host.replaceChildren(element("span", "gv-symbol", host.dataset.symbol), input, note, list);
  input.addEventListener("focus", () => {
    if (!input.classList.contains("gv-mistake")) input.value = page.view?.[field] ?? "";
    input.select();
    suggest(field);
  });
  input.addEventListener("input", () => suggest(field));
  input.addEventListener("change", () => choose(field));
  input.addEventListener("blur", () => page.view && showName(field));
  made.set(field, { input, list, note });
}

function choose(field) {
  const { input } = made.get(field);
  const { view, runs } = page;
  const name = input.value.replace(/\s/g, "");
  const run = runs[view.run];
  if (!run || run.cannot) return;
  const mistake = mistakeIn(name, run) || twice(field, name);
  input.classList.toggle("gv-mistake", Boolean(mistake));
  showNotices(mistake ? [mistake] : [], "parameters");
  if (mistake) return;
  if (name !== view[field]) conductor.choose({ [field]: name });
}

// Short, but in full while it is typed, and on hover.
function showName(field) {
  const { input } = made.get(field);
  if (input.classList.contains("gv-mistake")) return;
  const name = page.view[field] ?? "";
  input.title = name;
  input.value = document.activeElement === input ? name : name && shortName(name, page.runs[page.view.run]);
}

function twice(field, name) {
  const other = (field[0] === "x" ? "y" : "x") + field.slice(1);
  return page.view[other] === name ? `${name} is the other parameter already: a plane needs two.` : null;
}

function suggest(field) {
  const { input, list } = made.get(field);
  const { view, runs } = page;
  const run = runs[view.run];
  if (!run) return;
  const parameters = suggestions(input.value, view[field], run).map((name) => {
    const share = shareOf(name, run);
    const option = new Option("", name);
    const isKnown = share !== undefined && isOfOne(view);
    option.label = `${shortName(name, run)}${isKnown ? (share === 0 ? ", dead" : `, active ${percent(share)}`) : ""}`;
    return option;
  });
  const where = checkpointNow();
  const directions = where && !where.run.cannot ? suggestedDirections(input.value, view[field], where).map(directionOption) : [];
  list.replaceChildren(...(isDirection(view[field]) ? [...directions, ...parameters] : [...parameters, ...directions]));
}

function directionOption(text) {
  const option = new Option("", text);
  option.label = axisWords(text);
  return option;
}

// Side by side, a unit that is dead in one model may be alive in the next: each picture's own words say it.
function isOfOne({ view }) {
  return view !== "compare";
}

// Brings the fields in line with the view.
export function showChoosers(view, run) {
  for (const field of FIELDS) {
    if (!made.has(field)) create(field);
    const { input } = made.get(field);
    if (document.activeElement !== input || !input.value) {
      input.classList.remove("gv-mistake");
      showName(field);
    }
    if (run && document.activeElement === input) suggest(field);
  }
}

// What is known of the units at the epoch on show.
export function noteActivities(view, run) {
  for (const [field, { note: badge }] of made) {
    const share = run && view[field] && isOfOne(view) ? shareOf(view[field], run) : undefined;
    isNoted ||= share !== undefined;
    badge.textContent = share === undefined ? "" : share === 0 ? "dead" : percent(share);
    badge.title = share === undefined ? "" : `${share === 0 ? "inactive on all of the" : "share of the"} ${rowsOf(run)} training rows looked at${share === 0 ? "" : " on which this unit is active"}`;
    badge.classList.toggle("gv-dead", share === 0);
  }
}

// The epoch moves: what is known of the units at another one goes, until the hand has let go.
export function blankActivities() {
  if (!isNoted) return;
  isNoted = false;
  for (const { note } of made.values()) note.textContent = "";
}
