// What is known of parameters: their names by the model's shapes, and on what share of rows a unit is active.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const MOST = 60;
  const activities = new Map(); // variant -> {at: which checkpoint, layers: shares per hidden layer or null}
  let failures = 0; // in a row

  // [{name, share}] that fit what is written; without a search, the first parameters around the present choice.
  function suggestions(search, value, run) {
    const typed = search.replace(/\s/g, "");
    const names = new Set(!typed || typed === value ? aroundChoice(value, run) : matching(typed, run));
    return [...names].slice(0, MOST).map((name) => ({ name, share: shareOf(name, run) }));
  }

  function aroundChoice(value, run) {
    const layer = (value || "").split(".").slice(0, 2).join(".");
    const tensors = Object.keys(run.shapes);
    const near = tensors.filter((tensor) => tensor.startsWith(`${layer}.`));
    const far = tensors.filter((tensor) => !near.includes(tensor));
    return [...near.flatMap((tensor) => first(tensor, run, 10)), ...far.flatMap((tensor) => first(tensor, run, 2))];
  }

  function matching(typed, run) {
    const [wanted, index] = typed.split("[");
    const tensors = Object.keys(run.shapes).filter((tensor) => tensor.includes(wanted));
    if (index === undefined) return tensors.flatMap((tensor) => first(tensor, run, 12));
    const given = index.replace("]", "").split(",").filter(Boolean).map(Number);
    return tensors.flatMap((tensor) => completions(tensor, run.shapes[tensor], given));
  }

  function first(tensor, run, most) {
    return completions(tensor, run.shapes[tensor], []).slice(0, most);
  }

  // tensor[i] or tensor[i,j] for the indices that begin as given and lie within the shape.
  function completions(tensor, shape, given) {
    if (given.some((index, axis) => !Number.isInteger(index) || index >= shape[axis])) return [];
    if (given.length === shape.length && shape.length === 2) return [`${tensor}[${given}]`];
    if (shape.length === 2) return counting(shape[given.length], 12).map((n) => `${tensor}[${given.length ? [given[0], n] : [n, 0]}]`);
    const found = counting(shape[0], shape[0]).filter((n) => !given.length || `${n}`.startsWith(`${given[0]}`));
    return found.slice(0, 12).map((n) => `${tensor}[${n}]`);
  }

  function counting(length, most) {
    return Array.from({ length: Math.min(length, most) }, (_, n) => n);
  }

  // One sentence if there is no such parameter in the model, else null.
  function mistakeIn(name, run) {
    const match = /^([\w.]+)\[(\d+)(?:,(\d+))?\]$/.exec(name);
    if (!match) return `"${name}" is not the name of a parameter: write it as hidden.1.linear.bias[0] or hidden.2.linear.weight[3,17].`;
    const shape = run.shapes[match[1]];
    if (!shape) return `This model has no ${match[1]}: it has ${Object.keys(run.shapes).join(", ")}.`;
    const given = [match[2], match[3]].filter((text) => text !== undefined).map(Number);
    if (given.length !== shape.length) return `${match[1]} takes ${shape.length === 2 ? "two indices, [unit,input]" : "one index, [unit]"}.`;
    const outside = given.findIndex((index, axis) => index >= shape[axis]);
    return outside < 0 ? null : `${name} is out of range: ${match[1]} takes [${shape.map((size) => `0–${size - 1}`).join(", ")}].`;
  }

  // Share of training rows on which the unit of a hidden parameter is active at the epoch on show; undefined if that is
  // not known.
  function shareOf(name, run) {
    const match = /^hidden\.(\d+)\.\w+\.\w+\[(\d+)/.exec(name);
    const known = activities.get(run.variant);
    return match && known?.at === checkpointOf(run, gv.page.view.epoch) ? known.layers?.[match[1]]?.[match[2]] : undefined;
  }

  // How many training rows that share is of.
  function rowsOf(run) {
    return activities.get(run.variant)?.rows ?? "";
  }

  function checkpointOf({ variant, stamp }, epoch) {
    return `${variant}/${epoch}#${stamp}`;
  }

  // Learns the activities of a checkpoint; `onKnown` when there is something new to say, or to ask again.
  async function learnActivity(run, epoch, onKnown) {
    const at = checkpointOf(run, epoch);
    const before = activities.get(run.variant);
    if (before?.at === at) return;
    const asked = { at, layers: null, rows: null };
    activities.set(run.variant, asked);
    try {
      const { layers, num_rows: rows } = await gv.answers.told(`api/v1/activity/${run.variant}/${epoch}`);
      Object.assign(asked, { layers, rows });
      failures = 0;
    } catch (error) {
      if (!gv.answers.isAnswer(error)) throw error;
      if (error instanceof gv.answers.Refused) return;
      if (error instanceof gv.answers.Lost) gv.runs.doubt();
      setTimeout(() => {
        if (activities.get(run.variant) === asked) activities.delete(run.variant);
        onKnown();
      }, gv.answers.patience(++failures, error.seconds));
      return;
    }
    if (activities.get(run.variant) === asked) onKnown();
  }

  // Whether the model has β and γ.
  function hasNorm(run) {
    return Boolean(run) && Object.keys(run.shapes).some((tensor) => tensor.includes(".norm."));
  }

  function layerOf(name) {
    const match = /^hidden\.(\d+)\./.exec(name || "");
    return match ? match[1] : "output";
  }

  // The first two biases of a layer; of the output, which has one, the bias and the first weight.
  function defaultPair(layer, run) {
    const tensor = layer === "output" ? "output" : `hidden.${layer}.linear`;
    const shape = run.shapes[`${tensor}.bias`];
    return [`${tensor}.bias[0]`, shape && shape[0] > 1 ? `${tensor}.bias[1]` : `${tensor}.weight[0,0]`];
  }

  // What is shown without a choice: the first two biases of the last two hidden layers (permalink.py says the same).
  function suggestedPairs(run) {
    const last = run.hidden.length - 1;
    return { a: defaultPair(`${Math.max(0, last - 1)}`, run), b: defaultPair(`${last}`, run) };
  }

  gv.parameters = { suggestedPairs, suggestions, mistakeIn, shareOf, rowsOf, learnActivity, hasNorm, layerOf, defaultPair };
})();
