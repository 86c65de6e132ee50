// The cosines between the gradients of all minibatches: of the pair from its arrows, of larger parts from the server,
// each asked for once.

import { layerOf } from "../pure/parameters.js";
import { patience } from "../pure/patience.js";
import { cosineOf } from "../pure/spread.js";
import { isOutcome, jsonFrom, Refused } from "./api.js";
import { isScrubbing } from "./sliders.js";
import { page } from "./state.js";

const MOST_KEPT = 200;
const answers = new Map(); // address -> {cosine: rows or null, error: sentence or null}

// {order, value(a, b), key, part, error} of what the view wants; `order` is empty and `error` null while it is on its
// way. `onKnown` is called when it is there.
export function cosinesOf(plan, spread, spreadKey, onKnown) {
  const part = partOf(page.view, plan);
  if (!part) {
    const arrows = new Map(spread.arrows.map((arrow) => [arrow.minibatch, arrow]));
    return { order: spread.order, value: (a, b) => cosineOf(arrows.get(a), arrows.get(b)), key: spreadKey, name: "this pair", error: null };
  }
  const address = addressOf(plan, part);
  const { cosine, order, error } = answerOf(address, onKnown);
  return { order: cosine ? order : [], value: (a, b) => cosine[a][b], key: address, name: nameOf(part), error };
}

// The name of a part of the model; null for the pair itself.
function partOf({ part }, { x }) {
  const layer = layerOf(x);
  const name = layer === "output" ? "output" : `hidden.${layer}`;
  return { biases: layer === "output" ? "output.bias" : `${name}.linear.bias`, layer: name, model: "model" }[part] ?? null;
}

function nameOf(part) {
  if (part === "model") return "whole model";
  const layer = part.startsWith("output") ? "output layer" : `layer ${part.split(".")[1]}`;
  return part.endsWith("bias") ? `biases of ${layer}` : layer;
}

function addressOf({ variant }, part) {
  const { view, runs } = page;
  const query = { part, minibatch_size: view.minibatch_size, mode: view.mode };
  if (view.mode === "train" && variant === "dropout") Object.assign(query, { masks: view.masks, seed: view.seed });
  return `api/v1/cosines/${variant}/${view.epoch}?${new URLSearchParams(query)}#${runs[variant]?.stamp}`;
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
