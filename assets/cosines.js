// The cosines between the gradients of all minibatches: of the pair from its arrows, of larger parts from the server,
// each asked for once.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const MOST_KEPT = 200;
  const answers = new Map(); // address -> {cosine: rows or null, error: sentence or null}

  // {order, value(a, b), key, part, error} of what the view wants; `order` is empty and `error` null while it is on its
  // way. `onKnown` is called when it is there.
  function of(page, plan, spread, spreadKey, onKnown) {
    const part = partOf(page.view, plan);
    if (!part) {
      const arrows = new Map(spread.arrows.map((arrow) => [arrow.minibatch, arrow]));
      return { order: spread.order, value: (a, b) => gv.spread.cosine(arrows.get(a), arrows.get(b)), key: spreadKey, name: "this pair", error: null };
    }
    const address = addressOf(page, plan, part);
    const { cosine, order, error } = answerOf(address, page, onKnown);
    return { order: cosine ? order : [], value: (a, b) => cosine[a][b], key: address, name: nameOf(part), error };
  }

  // The name of a part of the model; null for the pair itself.
  function partOf({ part }, { x }) {
    const layer = gv.parameters.layerOf(x);
    const name = layer === "output" ? "output" : `hidden.${layer}`;
    return { biases: layer === "output" ? "output.bias" : `${name}.linear.bias`, layer: name, model: "model" }[part] ?? null;
  }

  function nameOf(part) {
    if (part === "model") return "whole model";
    const layer = part.startsWith("output") ? "output layer" : `layer ${part.split(".")[1]}`;
    return part.endsWith("bias") ? `biases of ${layer}` : layer;
  }

  function addressOf({ view, runs }, { variant }, part) {
    const query = { part, minibatch_size: view.minibatch_size, mode: view.mode };
    if (view.mode === "train" && variant === "dropout") Object.assign(query, { masks: view.masks, seed: view.seed });
    return `api/v1/cosines/${variant}/${view.epoch}?${new URLSearchParams(query)}#${runs[variant]?.stamp}`;
  }

  function answerOf(address, page, onKnown) {
    if (!answers.has(address)) {
      if (page.away || gv.sliders.scrubbing) return { cosine: null, error: null };
      if (answers.size >= MOST_KEPT) answers.delete(answers.keys().next().value);
      answers.set(address, { cosine: null, error: null, failures: 0 });
    }
    const known = answers.get(address);
    const isWanted = !known.cosine && !known.isFinal && !known.isAsked && !page.away && performance.now() >= (known.notBefore ?? 0);
    if (isWanted && !gv.sliders.scrubbing) ask(address, known, onKnown);
    return known;
  }

  // What is not there yet is asked for again, as long as it is wanted; a refusal stays.
  async function ask(address, known, onKnown) {
    known.isAsked = true;
    try {
      const { cosine, order } = await gv.answers.told(address.split("#")[0]);
      Object.assign(known, { cosine, order, error: null });
    } catch (error) {
      if (!gv.answers.isAnswer(error)) throw error;
      if (error instanceof gv.answers.Lost) gv.runs.doubt();
      known.error = error.message;
      known.isFinal = error instanceof gv.answers.Refused;
      const wait = gv.answers.patience(++known.failures, error.seconds);
      known.notBefore = performance.now() + wait;
      if (!known.isFinal) setTimeout(onKnown, wait);
    } finally {
      known.isAsked = false;
    }
    onKnown();
  }

  // R of those that have a direction: R² is the mean of all their cosines, each with itself among them.
  function strength({ order, value }) {
    const live = order.filter((k) => value(k, k) !== null);
    const sum = live.reduce((total, a) => total + live.reduce((row, b) => row + value(a, b), 0), 0);
    return live.length ? Math.sqrt(Math.max(0, sum)) / live.length : null;
  }

  // Mean cosine of all pairs of those that have a direction; null with fewer than two.
  function meanOf({ order, value }) {
    const live = order.filter((k) => value(k, k) !== null);
    const pairs = live.flatMap((a, k) => live.slice(k + 1).map((b) => value(a, b)));
    return pairs.length ? pairs.reduce((sum, cosine) => sum + cosine, 0) / pairs.length : null;
  }

  gv.cosines = { of, strength, meanOf };
})();
