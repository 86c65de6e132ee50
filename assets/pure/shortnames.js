// Parameters by short names, as formulas have them: b₁₃₉ of hidden layer 1. Their full names, as in the state dict, are in
// addresses, files, exports, and wherever a parameter is typed.

import { axisWords, isDirection, pairWords } from "./axes.js";
import { tensorOf } from "./tensors.js";

/** @import { Network } from "./tensors.js" */

const LETTERS = { weight: "w", bias: "b", beta: "β", gamma: "γ" };
const MOST_SUBSCRIPTS = 2; // indices; of more, as of a convolution's weight, they stay in brackets

/** "b₁₃₉", "w₃,₁₇", "w[3,0,1,2]". @param {string} name @param {Partial<Network> | null | undefined} run */
export function symbolOf(name, run) {
  const [tensor, rest] = name.split("[");
  if (!run?.tensors || !Object.hasOwn(run.tensors, tensor)) return name;
  const { kind } = tensorOf(tensor, run);
  const indices = rest ? rest.replace("]", "").split(",") : [];
  if (!Object.hasOwn(LETTERS, kind) || indices.length > MOST_SUBSCRIPTS) return `${LETTERS[kind] ?? kind}${rest ? `[${rest}` : ""}`;
  return LETTERS[kind] + indices.map(subscript).join(",");
}

function subscript(digits) {
  return digits.replace(/\d/g, (digit) => String.fromCharCode(0x2080 + Number(digit)));
}

/** "b₁₃₉ of hidden layer 1"; a direction in words. @param {string} name @param {Partial<Network> | null | undefined} run */
export function shortName(name, run) {
  if (isDirection(name)) return axisWords(name);
  const { label } = tensorOf(name, run);
  return label ? `${symbolOf(name, run)} of ${label}` : name;
}

/** Both of a plane: "b₀, b₁", where `withLayer` with "of hidden layer 1"; of two layers each with its own. @param {string} x @param {string} y @param {Partial<Network> | null | undefined} run @param {boolean} [withLayer] */
export function shortPair(x, y, run, withLayer = false) {
  if (isDirection(x) || isDirection(y)) return pairWords(x, y);
  const [a, b] = [x, y].map((name) => tensorOf(name, run).label);
  if (a !== b) return `${shortName(x, run)}, ${shortName(y, run)}`;
  const symbols = `${symbolOf(x, run)}, ${symbolOf(y, run)}`;
  return withLayer && a ? `${symbols} of ${a}` : symbols;
}
