// The cosines between the gradients of all minibatches: of the pair from its arrows, of larger parts from the server,
// each asked for once.

import { hasDirections } from "../pure/axes.js";
import { patience } from "../pure/patience.js";
import { cosineOf } from "../pure/spread.js";
import { tensorName, tensorOf, tensorWith } from "../pure/tensors.js";
import { isOutcome, jsonFrom, Refused } from "./api.js";
import { isScrubbing } from "./sliders.js";
import { drawsMasks, minibatchSize, page } from "./state.js";

const MOST_KEPT = 200;
const answers = new Map(); // address -> {cosine: rows or null, error: sentence or null}

// {order, value(a, b), key, part, error} of what the view wants; `order` is empty and `error` null while it is on its
// way. `onKnown` is called when it is there.
export function cosinesOf(plan, spread, spreadKey, onKnown) {
  const part = partOf(page.view, plan);
  if (!part) {
    const arrows = new Map(spread.arrows.map((arrow) => [arrow.minibatch, arrow]));
    return { order: spread.order, value: (a, b) => cosineOf(arrows.get(a), arrows.get(b)), key: spreadKey, name: hasDirections(plan) ? "this plane" : "this pair", error: null };
  }
  if (part.error) return { order: [], value: () => null, key: part.error, name: part.label, error: part.error };
  const address = addressOf(plan, part.part);
  const { cosine, order, error } = answerOf(address, onKnown);
  return { order: cosine ? order : [], value: (a, b) => cosine[a][b], key: address, name: part.label, error };
}

// A part of the model, as {part: its name in the address, label}, or {label, error: why there is none}; null for the pair
// itself.
function partOf({ part }, { x, y, network }) {
  if (part === "pair" || !network) return null;
  if (part === "model") return { part: "model", label: "whole model" };
  if (hasDirections({ x, y })) return { label: part, error: "directions are of no one layer" };
  const { layer, label } = tensorOf(x, network);
  const short = label.replace(/^hidden /, "");
  if (part === "layer") return { part: network.layers.find(({ value }) => value === layer)?.part ?? layer, label: short };
  const bias = tensorWith(layer, "bias", network);
  return bias ? { part: bias, label: `biases of ${short}` } : { part: tensorName(x), label: tensorName(x) };
}

function addressOf({ run: name }, part) {
  const { view, runs } = page;
  const query = { part, minibatch_size: minibatchSize(name), mode: view.mode };
  if (view.mode === "train" && drawsMasks(name)) Object.assign(query, { masks: view.masks, seed: view.seed });
  return `api/v1/cosines/${name}/${view.epoch}?${new URLSearchParams(query)}#${runs[name]?.stamp}`;
}

function answerOf(address, onKnown) {
  if (!answers.has(address)) {
    if (page.away || isScrubbing()) return { cosine: null, error: null };
    if (answers.size >= MOST_KEPT) answers.delete(answers.keys().next().value);
    answers.set(address, { cosine: null, error: null, failures: 0 });
  }
  const known = answers.get(address);
  const isWanted = !known.cosine && !known.isFinal && !known.isAsked && !page.away && performance.now() >= (known.notBefore ?? 0);
  if (isWanted && !isScrubbing()) ask(address, known, onKnown);
  return known;
}

// What is not there yet is asked for again, as long as it is wanted; a refusal stays.
async function ask(address, known, onKnown) {
  known.isAsked = true;
  try {
    const { cosine, order } = await jsonFrom(address.split("#")[0]);
    Object.assign(known, { cosine, order, error: null });
  } catch (error) {
    if (!isOutcome(error)) throw error;
    known.error = error.message;
    if (error instanceof Refused) known.isFinal = true;
    else {
      const wait = patience(++known.failures, error.seconds);
      known.notBefore = performance.now() + wait;
      setTimeout(onKnown, wait);
    }
  } finally {
    known.isAsked = false;
  }
  onKnown();
}
