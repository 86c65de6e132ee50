// What the server says of each tensor of a run's parameters (`tensors` of a run in gradviz/dashboard/overview.py): nothing
// of it is read from its name here.

/**
 * @typedef {{layer: string, label: string, kind: string}} Tensor `layer`: as in the run's `layers`; `label`: what people
 *   call it; `kind`: weight, bias, gamma, beta, or another part of a module.
 * @typedef {{shapes: Record<string, number[]>, tensors: Record<string, Tensor>}} Network a run, or what is told of one
 */

const UNKNOWN = /** @type {Tensor} */ ({ layer: "", label: "", kind: "weight" });

/** Of a tensor, or of one of its parameters. @param {string | null} name @param {Partial<Network> | null | undefined} run @returns {Tensor} */
export function tensorOf(name, run) {
  const tensor = tensorName(name);
  return Object.hasOwn(run?.tensors ?? {}, tensor) ? run.tensors[tensor] : UNKNOWN;
}

/** "hidden.1.linear.bias", of hidden.1.linear.bias[3]. @param {string | null} name */
export function tensorName(name) {
  return (name ?? "").split("[")[0];
}

/** The tensors of a layer, in the order of the server. @param {string} layer @param {Network} run */
export function tensorsOf(layer, run) {
  return Object.keys(run.shapes).filter((name) => tensorOf(name, run).layer === layer);
}

/** The tensor of this layer and kind that a model has; undefined if it has none. @param {string} layer @param {string} kind @param {Network} run */
export function tensorWith(layer, kind, run) {
  return tensorsOf(layer, run).find((name) => tensorOf(name, run).kind === kind);
}
