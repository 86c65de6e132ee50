// Which runs are looked at: one in Explore and Minibatches, several in Compare.

import { conductor } from "../page/conductor.js";
import { element, fill } from "../page/dom.js";
import { colourOf, drawsMasks, knownRuns, labelOf, page, runOf } from "../page/state.js";

// Brings both lists in line with the runs that there are, and with the view.
export function showRunChoice() {
  const names = knownRuns();
  const key = JSON.stringify(names.map((name) => [name, labelOf(name), colourOf(name), groupOf(name), maskedSides(name)]));
  fill("variant", key, ...optionsOf(names, "radio", ({ value }) => conductor.choose({ run: value })));
  fill("compared", key, ...optionsOf(names, "checkbox", chooseCompared));
  for (const input of inputsIn("variant")) input.checked = input.value === page.view.run;
  for (const input of inputsIn("compared")) input.checked = page.view.compared.includes(input.value);
}

// The seeds of one configuration, or what `run.json` says, or the study where there are runs of several.
function groupOf(name) {
  const run = page.runs[name];
  const studies = new Set(Object.values(page.runs).map(({ study }) => study));
  return page.groups.find(({ runs }) => runs.includes(name))?.label || run?.group || (studies.size > 1 && run ? run.study : "");
}

// A name for each run, under the name of its group where it has one.
function optionsOf(names, type, onChange) {
  const groups = new Map();
  for (const name of names) groups.set(groupOf(name), [...(groups.get(groupOf(name)) ?? []), name]);
  return [...groups].flatMap(([group, members]) => [
    group ? element("div", "gv-run-group", group) : null,
    ...members.flatMap((name) => [optionOf(name, type, onChange), ...(type === "checkbox" ? maskedSides(name).map((side) => optionOf(side, type, onChange)) : [])]),
  ]);
}

function optionOf(name, type, onChange) {
  const input = element("input");
  Object.assign(input, { type, name: type === "radio" ? "run" : "compared", value: name });
  input.addEventListener("change", () => onChange(input));
  const swatch = element("i", "gv-swatch");
  swatch.style.background = colourOf(runOf(name));
  const masks = name.split("~")[1];
  return element("label", masks ? "gv-run gv-run-masks" : "gv-run", input, swatch, element("span", "", masks ? `with ${masks} masks` : labelOf(name)));
}

// The same run under other masks than the view's, where it draws any: frozen beside fresh, and what is chosen already.
function maskedSides(name) {
  const { compared, masks, mode } = page.view;
  if (mode !== "train" || !drawsMasks(name)) return [];
  const offered = `${name}~${masks === "frozen" ? "fresh" : "frozen"}`;
  return [...new Set([offered, ...compared.filter((side) => side.includes("~") && runOf(side) === name)])];
}

// One at least stays.
function chooseCompared(input) {
  const offered = inputsIn("compared").map(({ value }) => value);
  const kept = page.view.compared.filter((side) => !offered.includes(side)); // not offered in eval mode
  const compared = [...inputsIn("compared").filter(({ checked }) => checked).map(({ value }) => value), ...kept];
  if (compared.length) conductor.choose({ compared });
  else input.checked = true;
}

function inputsIn(id) {
  return [...document.getElementById(id).querySelectorAll("input")];
}
