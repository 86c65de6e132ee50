// The Paths view: replicas of the training from a checkpoint, as curves, as a table, and as paths in the plane of their ends.

import { ALONG_HEAD, aboutWords, alongRows, endRows, requestOf, sentences } from "../pure/paths.js";
import { pathsFigure } from "../pure/pathcurves.js";
import { showLesson } from "../page/bringlessons.js";
import { element, fill } from "../page/dom.js";
import { setProps } from "../page/dash.js";
import { askForPaths, leavePaths, lookAgain, paths } from "../page/paths.js";
import { paletteNow, scheme } from "../page/scheme.js";
import { page } from "../page/state.js";
import { showNumbers } from "./numbers.js";
import { clearFan, showFan } from "./pathfan.js";
import { showForm, showState } from "./pathsform.js";

let asked = ""; // the request that `paths` is about
let drawn = ""; // the result that is on show, and its colours

// Called whenever the page's state changes: begins when the view is opened or something else is chosen, ends when it is left.
export function showPaths() {
  const run = page.runs[page.view.run];
  if (page.view.view !== "paths" || !page.areRunsKnown || !run) {
    leavePaths();
    return;
  }
  const request = requestOf(page.view, run);
  const key = JSON.stringify([request, run.stamp]);
  if (key === asked) lookAgain();
  else {
    asked = key;
    askForPaths(request, show);
  }
  show();
}

function show() {
  showForm();
  showState();
  const { result, told } = paths;
  document.getElementById("paths-result").hidden = !result;
  const key = result ? `${told.key} ${scheme()}` : "";
  if (key === drawn) return;
  drawn = key;
  showLesson(); // which may tell of them
  if (!result) {
    clearFan();
    return;
  }
  const found = sentences(result);
  fill("paths-summary", key,
    element("p", "", aboutWords(result)),
    element("ul", "gv-paths-sentences", ...found.map(([name, sentence]) => element("li", "", swatch(name), element("b", "", `${name}: `), sentence))));
  fill("paths-legend", key, ...found.map(([name]) => element("span", "gv-chosen", swatch(name), name)), element("span", "", element("i", "gv-paths-own"), "the run's own path"),
    element("span", "", element("i", "gv-band"), "95 % bootstrap interval over the replicas (BCa)"));
  showFan(result);
  setProps("paths-curves", { figure: pathsFigure(result, paletteNow()) });
  fill("paths-table", key, tableOf(endRows(result)));
  showNumbers("paths-numbers", { key, caption: "Spread and agreement along the way", head: ALONG_HEAD, named: 2, rows: () => alongRows(result) });
}

function swatch(name) {
  const made = element("i", "gv-swatch");
  made.style.background = paletteNow().conditions[name];
  return made;
}

/** @param {string[][]} all the first row is the head */
function tableOf(all) {
  const [head, ...rows] = all;
  const cell = (text, k, scope) => {
    const made = element(scope || k === 0 ? "th" : "td", "", text);
    if (scope || k === 0) made.setAttribute("scope", scope || "row");
    return made;
  };
  const table = element("table", "gv-table",
    element("thead", "", element("tr", "", ...head.map((text, k) => cell(text, k, "col")))),
    element("tbody", "", ...rows.map((row) => element("tr", "", ...row.map((text, k) => cell(text, k, ""))))));
  table.setAttribute("aria-label", "The ends of the paths, by condition");
  const box = element("div", "gv-table-box", table);
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Numbers: the ends of the paths");
  return box;
}
