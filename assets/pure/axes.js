// The name of an axis of a plane, as gradviz/landscape/directions/axis.py reads it: one parameter, or a direction in
// parameter space. tests/fixtures/axes.json holds both.

import { look } from "./look.js";

const MAX_SEED = 2 ** 32, MAX_EPOCH = 10_000, MAX_MINIBATCH = 1_000_000, MAX_NUMBER = 100;
const NUMBER = /^(0|[1-9][0-9]{0,9})$/;
const PREFIX = /^[^\s[\],;@:]{1,200}$/;
const RUN = /^[A-Za-z0-9_-]{1,64}$/;
const WITH_PREFIX = ["random", "random-all", "gradient", "step"];

/** What each kind takes after its colon, as [what, least, most], and how it is called. */
const KINDS = {
  random: { number: ["a seed", 0, MAX_SEED - 1], words: (value) => `random direction ${value}` },
  "random-all": { number: ["a seed", 0, MAX_SEED - 1], words: (value) => `random direction ${value} with biases and norms` },
  gradient: { number: ["`mean` or a minibatch", 0, MAX_MINIBATCH - 1], words: (value) => (value === "mean" ? "the mean gradient" : `the gradient of minibatch ${value}`) },
  step: { number: null, words: () => "the last step" },
  towards: { number: ["an epoch", 0, MAX_EPOCH - 1], words: (value) => `the way to epoch ${value.split("/")[1]} of ${value.split("/")[0]}` },
  pca: { number: ["a component", 1, MAX_NUMBER], words: (value) => `principal component ${value} of the path` },
  hessian: { number: ["an eigenvector", 1, MAX_NUMBER], words: (value) => `eigenvector ${value} of the Hessian` },
};

/** What the name of a direction is made of; null for any other text. @param {string | null | undefined} text @returns {{kind: string, value: string, prefix: string, at: boolean} | null} */
export function directionParts(text) {
  const compact = (text ?? "").replaceAll(" ", "");
  const at = compact.indexOf("@");
  const body = at < 0 ? compact : compact.slice(0, at);
  const colon = body.indexOf(":");
  const kind = colon < 0 ? body : body.slice(0, colon);
  if (!Object.hasOwn(KINDS, kind) || !(colon >= 0 || kind === "step")) return null;
  return { kind, value: colon < 0 ? "" : body.slice(colon + 1), prefix: at < 0 ? "" : compact.slice(at + 1), at: at >= 0 };
}

/** Whether this is meant as a direction: whether there is such a one, `mistakeInDirection` says. @param {string | null | undefined} text */
export function isDirection(text) {
  return directionParts(text) !== null;
}

/** Whether a plane has an axis that is no single parameter. @param {{x: string, y: string}} plane */
export function hasDirections({ x, y }) {
  return isDirection(x) || isDirection(y);
}

/** One sentence if a direction is not written as it must be, else null. @param {string} text */
export function mistakeInDirection(text) {
  const { kind, value, prefix, at } = directionParts(text);
  if (at && !PREFIX.test(prefix)) return `\`${text}\`: after \`@\` comes the beginning of parameters' names, such as hidden.1.`;
  if (at && !WITH_PREFIX.includes(kind)) return `\`${text}\`: ${kind} takes no \`@\`: it is of all parameters.`;
  if (kind === "step") return value || text.replaceAll(" ", "").startsWith("step:") ? `\`${text}\`: step takes no number: it is the step to the checkpoint.` : null;
  if (kind === "gradient" && value === "mean") return null;
  const slash = value.indexOf("/");
  if (kind === "towards" && (slash < 0 || !RUN.test(value.slice(0, slash)))) return `\`${text}\`: write towards:RUN/EPOCH, such as towards:none/30.`;
  const number = kind === "towards" ? value.slice(slash + 1) : value;
  const [what, least, most] = KINDS[kind].number;
  const isFit = NUMBER.test(number) && Number(number) >= least && Number(number) <= most;
  return isFit ? null : `\`${text}\`: ${what} must be a whole number in [${least}, ${most}], got '${number}'.`;
}

/** What an axis is called: a parameter's name, or a direction in words. @param {string} text */
export function axisWords(text) {
  const parts = directionParts(text);
  if (!parts || mistakeInDirection(text)) return text;
  return `${KINDS[parts.kind].words(parts.value)}${within(parts.prefix)}`;
}

/** How planes of two directions of one kind are called. */
const PAIRS = {
  random: (a, b, prefix) => `random directions ${a} × ${b}${within(prefix)}`,
  "random-all": (a, b, prefix) => `random directions ${a} × ${b} with biases and norms${within(prefix)}`,
  pca: (a, b) => `principal components ${a} × ${b} of the path`,
  hessian: (a, b) => `eigenvectors ${a} × ${b} of the Hessian`,
};

/** What the plane of two axes is called, at least one of them a direction: two of a kind by one name. @param {string} x @param {string} y */
export function pairWords(x, y) {
  const [a, b] = [x, y].map(directionParts);
  const name = a && b && a.kind === b.kind && a.prefix === b.prefix ? PAIRS[a.kind] : null;
  return name ? name(a.value, b.value, a.prefix) : `${axisWords(x)} × ${axisWords(y)}`;
}

function within(prefix) {
  return prefix ? ` within ${prefix}` : "";
}

/** The half width of a plane: what is chosen, or what its axes have. @param {{half_width: number | null}} view @param {string} x @param {string} y */
export function halfWidthOf({ half_width: chosen }, x, y) {
  return chosen ?? look.half_widths[hasDirections({ x, y }) ? "directions" : "parameters"];
}
