// Names of parameters that fit what is being written, with the share of rows on which a unit is active.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const MOST = 40;
  const activities = new Map(); // "variant/epoch" -> shares per hidden layer

  // Options for a chooser: `search` is what is written in it, `value` its present choice, `run` one of /api/v1/runs.
  function suggestions(search, value, run) {
    const names = new Set(value ? [value] : []);
    const typed = (search || "").replace(/\s/g, "").split("·")[0];
    const isChoice = !typed || typed === value;
    for (const name of isChoice ? aroundChoice(value, run) : matching(typed, run)) {
      if (names.size >= MOST) break;
      names.add(name);
    }
    return [...names].map((name) => ({ value: name, label: name + note(name, run) }));
  }

  // Without a search: the first parameters of each kind in the layer of the present choice, then of the others.
  function aroundChoice(value, run) {
    const layer = (value || "").split(".").slice(0, 2).join(".");
    const tensors = Object.keys(run.shapes);
    const near = tensors.filter((tensor) => tensor.startsWith(`${layer}.`));
    const far = tensors.filter((tensor) => !near.includes(tensor));
    return [...near.flatMap((tensor) => first(tensor, run, 8)), ...far.flatMap((tensor) => first(tensor, run, 2))];
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
    if (given.some((index, axis) => !Number.isInteger(index) || index >= shape[axis]) || given.length > shape.length) return [];
    if (shape.length === 2)
      return given.length === 2
        ? [`${tensor}[${given}]`]
        : counting(shape[given.length], 12).map((n) => `${tensor}[${given.length ? [given[0], n] : [n, 0]}]`);
    const found = counting(shape[0], shape[0]).filter((n) => !given.length || `${n}`.startsWith(`${given[0]}`));
    return found.slice(0, 12).map((n) => `${tensor}[${n}]`);
  }

  function counting(length, most) {
    return Array.from({ length: Math.min(length, most) }, (_, n) => n);
  }

  function note(name, run) {
    const shares = activities.get(run.variant);
    const match = /^hidden\.(\d+)\.\w+\.\w+\[(\d+)/.exec(name);
    if (!shares || !match) return "";
    const share = (shares[match[1]] || [])[match[2]];
    if (share === undefined) return "";
    return share === 0 ? " · dead, 0 % of rows" : ` · ${gv.words.percent(share)}`;
  }

  // Activities of a checkpoint, for the notes; the last ones stay until the new ones are there.
  async function learnActivity(variant, epoch) {
    const key = `${variant}/${epoch}`;
    if (activities.get(`${variant} at`) === key) return;
    activities.set(`${variant} at`, key);
    try {
      const answer = await fetch(`api/v1/activity/${variant}/${epoch}`);
      if (answer.ok) activities.set(variant, (await answer.json()).layers);
    } catch {
      activities.delete(`${variant} at`);
    }
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

  gv.parameters = { suggestions, learnActivity, layerOf, defaultPair };
})();
