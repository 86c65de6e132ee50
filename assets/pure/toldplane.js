// What a picture says of a plane along directions: the titles of its axes, and how much of the gradient it holds.

import { axisWords, isDirection } from "./axes.js";
import { percentOf } from "./formats.js";
import { look } from "./look.js";

/**
 * @typedef {{text: string, meaning: string, unit: string, notes: string[], length: number, part: number}} AxisFacts as in
 *   gradviz/landscape/directions/told.py
 * @typedef {{x: AxisFacts, y: AxisFacts, gram: number[], gradient_share: number | null, statistics?: string}} PlaneFacts
 */

const WHOLE = 0.9995; // a part that is written as 1.00 is all

/** Whole sentences about a frame's plane; none of two parameters. @param {PlaneFacts | null | undefined} plane @param {boolean} [isShort] without what concerns one axis */
export function planeSentences(plane, isShort = false) {
  if (!plane) return [];
  if (isShort) return [unitSentence(plane), shareSentence(plane), plane.statistics].filter(Boolean);
  return [unitSentence(plane), shareSentence(plane), acrossSentence(plane.y), ...plane.x.notes, ...plane.y.notes, plane.statistics].filter(Boolean);
}

/** How much of the gradient lies in a plane. @param {{gradient_share: number | null}} plane @param {string} where */
export function shareSentence({ gradient_share: share }, where = "○") {
  if (share === null) return `The gradient at ${where} is ${look.zero_words} in all parameters.`;
  const isLittle = share < look.little_share;
  const told = `This plane holds ${isLittle ? "only " : ""}${percentOf(share)} of the gradient's length at ${where}`;
  return isLittle ? `${told}: its arrows say little about where training goes.` : `${told}.`;
}

/** How much of a direction lies across the other, where that is not all; else "". @param {AxisFacts} told */
export function acrossSentence({ text, part }) {
  return part < WHOLE ? `Of ${axisWords(text)}, ${percentOf(part)} lies across x₁: x₂ is that part.` : "";
}

/** The title of an axis, in a line: words, or where they have no room the name; what 1 is, the caption says. `told` is missing while nothing is known of the plane. @param {string} name @param {AxisFacts | undefined} told @param {number} letters of a line @param {string} [short] a parameter's short name */
export function axisTitle(name, told, letters = 60, short = name) {
  if (!told && !isDirection(name)) return `Δ ${short}`;
  return [`along ${axisWords(name)}`, `along ${name}`].find((title) => title.length <= letters) ?? name;
}

/** What 1 means along both axes, as a sentence. @param {{x: AxisFacts, y: AxisFacts}} plane */
export function unitSentence({ x, y }) {
  return `x₁ = 1 is ${unitOf(x)}, x₂ = 1 ${unitOf(y)}.`;
}

/** What 1 means along an axis, in few words. @param {AxisFacts} told */
export function unitOf({ unit, meaning }) {
  return (unit || meaning).replace(/^as long as x$/, "as long as on x₁");
}

/** Of what the numbers of a gradient are derivatives. @param {{plane?: PlaneFacts | null}} frame */
export function perUnit({ plane }) {
  return plane ? "per unit of the axes" : "per unit of parameter";
}
