// The literature's measures of all minibatches at a checkpoint, as a table in the Minibatches view: asked for while it is
// open, those of the gradients first, because curvature takes longer.

import { number } from "../pure/formats.js";
import { AskedOnce } from "../page/askedonce.js";
import { addressOf, partOf } from "../page/cosines.js";
import { element, fill } from "../page/dom.js";
import { page } from "../page/state.js";

/**
 * @typedef {{name: string, paper: string, unit: string, sentence: string, value: number | null, low: number | null, high: number | null, reason: string | null}} Measure
 */

const KINDS = ["gradients", "curvature"];
const asked = new AskedOnce(100);

/** Of the part whose cosines the matrix shows, or of the whole model where that is a pair. @param {any} plan @param {() => void} onKnown */
export function showMeasures(plan, onKnown) {
  const details = /** @type {HTMLDetailsElement} */ (document.getElementById("spread-measures"));
  details.ontoggle ??= onKnown;
  if (!details.open) return;
  const part = partOf(page.view, plan);
  const { part: name, label, error } = part ?? { part: "model", label: "whole model", error: null };
  const told = error ? [] : KINDS.map((which) => asked.of(addressOf("measures", plan, { part: name, which }), onKnown));
  const states = told.map(({ answer, error: refusal }) => (answer ? answer.measures : refusal ?? "computing"));
  fill("measures-table", JSON.stringify([label, error, states]), element("p", "", error ? `${label}: ${error}` : `Of all minibatches, ${label}:`),
    ...(error ? [] : [tableOf(states)]));
}

/** @param {(Measure[] | string)[]} states */
function tableOf(states) {
  const heads = ["measure", "value, 95 % interval"].map((text) => Object.assign(element("th", "", text), { scope: "col" }));
  return element("table", "gv-table", element("caption", "gv-hidden", "Measures of the minibatches' gradients"),
    element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...states.flatMap(rowsOf)));
}

/** @param {Measure[] | string} state */
function rowsOf(state, which) {
  if (typeof state !== "string") return state.map(rowOf);
  return [element("tr", "", Object.assign(element("th", "", KINDS[which]), { scope: "row" }), element("td", "", state))];
}

/** @param {Measure} measure */
function rowOf({ name, paper, unit, sentence, value, low, high, reason }) {
  const head = element("th", "", element("span", "", name), element("p", "gv-measure-words", `${sentence} ${paper}.`));
  head.scope = "row";
  if (value === null) return element("tr", "", head, element("td", "gv-measure-words", reason ?? ""));
  const interval = low === null ? "" : `${number(low, 3)} to ${high === null ? "∞" : number(high, 3)}`;
  return element("tr", "", head, element("td", "", `${number(value, 3)} ${unit}`.trim(), element("p", "gv-measure-words", interval)));
}
