// What the server says of each tensor of parameters (ParameterTensor in gradviz/landscape/parameters.py): nothing of it is
// read from its name here.

/**
 * @typedef {{layer: string, label: string, kind: "weight" | "bias" | "gamma" | "beta"}} Tensor `layer`: the number of a
 *   hidden layer, or "output".
 */

/** @type {Map<string, Tensor>} */
const known = new Map();

const UNKNOWN = /** @type {Tensor} */ ({ layer: "", label: "", kind: "weight" });

/** @param {Record<string, Tensor>} told by the names of the tensors */
export function learnTensors(told) {
  for (const [name, tensor] of Object.entries(told)) known.set(name, tensor);
}

/** Of a tensor, or of one of its parameters. @param {string | null} name */
export function tensorOf(name) {
  return known.get(tensorName(name)) ?? UNKNOWN;
}

/** "hidden.1.linear.bias", of hidden.1.linear.bias[3]. */
export function tensorName(name) {
  return (name ?? "").split("[")[0];
}

/** The tensor of this layer and kind that a model has; undefined if it has none. */
export function tensorWith(layer, kind, run) {
  return Object.keys(run.shapes).find((name) => tensorOf(name).layer === layer && tensorOf(name).kind === kind);
}
