// The cosines between the gradients of all minibatches: of the pair from its arrows, of larger parts from the server,
// each asked for once.

import { hasDirections } from "../pure/axes.js";
import { cosineOf } from "../pure/spread.js";
import { tensorName, tensorOf, tensorWith } from "../pure/tensors.js";
import { AskedOnce } from "./askedonce.js";
import { drawsMasks, minibatchSize, page } from "./state.js";

const asked = new AskedOnce(200);

// {order, value(a, b), key, part, error} of what the view wants; `order` is empty and `error` null while it is on its
// way. `onKnown` is called when it is there.
export function cosinesOf(plan, spread, spreadKey, onKnown) {
  const part = partOf(page.view, plan);
  if (!part) {
    const arrows = new Map(spread.arrows.map((arrow) => [arrow.minibatch, arrow]));
    return { order: spread.order, value: (a, b) => cosineOf(arrows.get(a), arrows.get(b)), key: spreadKey, name: hasDirections(plan) ? "this plane" : "this pair", error: null };
  }
  if (part.error) return { order: [], value: () => null, key: part.error, name: part.label, error: part.error };
  const address = addressOf("cosines", plan, { part: part.part });
  const { answer, error } = asked.of(address, onKnown);
  return { order: answer ? answer.order : [], value: (a, b) => answer.cosine[a][b], key: address, name: part.label, error };
}

// A part of the model, as {part: its name in the address, label}, or {label, error: why there is none}; null for the pair
// itself.
export function partOf({ part }, { x, y, network }) {
  if (part === "pair" || !network) return null;
  if (part === "model") return { part: "model", label: "whole model" };
  if (hasDirections({ x, y })) return { label: part, error: "directions are of no one layer" };
  const { layer, label } = tensorOf(x, network);
  const short = label.replace(/^hidden /, "");
  if (part === "layer") return { part: network.layers.find(({ value }) => value === layer)?.part ?? layer, label: short };
  const bias = tensorWith(layer, "bias", network);
  return bias ? { part: bias, label: `biases of ${short}` } : { part: tensorName(x), label: tensorName(x) };
}

/** Of a question about all minibatches of the checkpoint on show. @param {string} kind @param {{run: string}} plan @param {Record<string, any>} more */
export function addressOf(kind, { run: name }, more) {
  const { view, runs } = page;
  const query = { ...more, minibatch_size: minibatchSize(name), mode: view.mode };
  if (view.mode === "train" && drawsMasks(name)) Object.assign(query, { masks: view.masks, seed: view.seed });
  return `api/v1/${kind}/${name}/${view.epoch}?${new URLSearchParams(query)}#${runs[name]?.stamp}`;
}
