// What a panel says of itself: what it shows, why it shows nothing, and what to look at where all arrows are zero.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  // Title, sentences and veil of a panel; `frame` is undefined while it has none.
  function wordsOf(page, plan, frame) {
    const title = titleOf(page, plan);
    if (frame) return { title, sentences: gv.plain.sentencesOf(page, plan, frame), veil: zeroVeil(page, plan, frame) };
    const missing = whyMissing(page, plan);
    return { title, sentences: [], veil: { key: `${missing.state}|${missing.text}|${plan.x}|${plan.y}|${page.view.view}`, ...missing } };
  }

  function titleOf(page, plan) {
    const { view, epoch, minibatch, minibatch_size: size, mode, masks, direction } = page.view;
    const random = mode === "train" && plan.variant === "dropout" ? `, random masks (${masks})` : "";
    const where = `epoch ${epoch} · minibatch ${minibatch} (${size} rows) · ${mode} mode${random}${direction === "descent" ? " · −∇J" : ""}`;
    if (view === "minibatches") return [`Minibatch ${minibatch}`, where.replace(`minibatch ${minibatch} (${size} rows) · `, "")];
    if (view !== "compare") return [gv.words.pairTitle(plan.x, plan.y), where];
    const label = gv.look.variant_labels[plan.variant];
    return plan.minus ? [`${label} − ${gv.look.variant_labels[plan.minus.variant]}`, `difference Δ∇J · ${where}`] : [label, where];
  }

  function whyMissing(page, plan) {
    if (plan.minus && gv.pictures.ownFrame(plan)) return whyMissing(page, plan.minus);
    const run = page.runs[plan.variant];
    const { epoch, minibatch } = page.view;
    if (!run && !gv.runs.state.known) return page.away ? awayVeil(page) : { state: "loading", text: "Loading" };
    const unreadable = page.unreadableRun(plan.variant);
    if (unreadable) return { state: "error", text: `This run cannot be read: ${unreadable.file}: ${unreadable.reason}` };
    if (!run) return { state: "away", text: `${gv.look.variant_labels[plan.variant]} is not trained yet.` };
    if (plan.lacking) return { state: "error", text: plan.lacking, actions: [["Show biases", () => showBiases(page, plan)]] };
    const stack = [plan.epochs, plan.minibatches].find((one) => one?.error);
    if (stack) return { state: "error", text: stack.error, actions: stack.canRetry ? [["Try again", () => gv.shelf.retry(stack)]] : [] };
    const failed = plan.epochs.failed.get(epoch) ?? plan.minibatches?.failed.get(minibatch);
    if (failed) return { state: "error", text: failed };
    const broken = run.broken.find(({ file }) => file.startsWith(`epoch-${String(epoch).padStart(4, "0")}`));
    if (broken) return { state: "error", text: `${broken.file} is broken and left out: ${broken.reason}` };
    if (!run.epochs.length) return { state: "away", text: "Its first checkpoint is on its way." };
    if (!run.epochs.includes(epoch)) return { state: "away", text: `${gv.look.variant_labels[plan.variant]} is at epoch ${run.epochs.at(-1)} so far.` };
    if (page.away) return awayVeil(page);
    const later = plan.epochs.later ?? plan.minibatches?.later;
    return later ? { state: "away", text: later } : { state: "loading", text: "Computing" };
  }

  function awayVeil({ away }) {
    return { state: "away", text: `${away} The picture appears when the server answers again.` };
  }

  function sideOf({ view }, plan) {
    return plan.x === view.x_b && plan.y === view.y_b && view.view === "explore" ? "b" : "a";
  }

  // Another model has no such parameter: the same units' biases, which every model has, or the first two of the layer.
  function showBiases(page, plan) {
    const side = sideOf(page, plan);
    const runs = page.shownVariants().flatMap((variant) => page.runs[variant] ?? []);
    const bias = (name) => name.replace(/\.norm\.(bias|weight)\[(\d+)\]/, ".linear.bias[$2]");
    const pair = [bias(plan.x), bias(plan.y)];
    const isShared = pair.every((name) => runs.every((run) => !gv.parameters.mistakeIn(name, run))) && pair[0] !== pair[1];
    const [x, y] = isShared ? pair : gv.parameters.suggestedPairs(page.runs[plan.variant])[side];
    gv.stage.choose({ [`x_${side}`]: x, [`y_${side}`]: y });
  }

  // All arrows are zero: says why, and offers what is not.
  function zeroVeil(page, plan, frame) {
    if (frame.difference?.equal === frame.u.length)
      return { state: "zero", key: "equal", text: "The two fields are equal up to round-off: there is no difference to draw." };
    if (frame.difference) return null;
    const reason = gv.words.reasonOfAllZero(frame);
    if (!reason) return null;
    const text = frame.zero_words ?? gv.zeroMessages[reason];
    const actions = reason === 1 ? otherParameters(page, plan) : [];
    return { state: "zero", key: `zero|${reason}|${plan.x}|${plan.y}|${page.view.view}|${page.shownVariants()}`, text, actions };
  }

  function otherParameters(page, plan) {
    const side = sideOf(page, plan);
    const renamed = (tensor) => (name) => name.replace(/\.linear\.(bias|weight)\[(\d+).*\]/, `.norm.${tensor}[$2]`);
    // Side by side with models that have no β, it is shown where this one is alone.
    const isAlone = page.shownVariants().every((variant) => gv.parameters.hasNorm(page.runs[variant]));
    const where = isAlone ? "" : " in Explore";
    const show = (tensor) => () => {
      const there = isAlone ? {} : { view: "explore", variant: plan.variant };
      gv.stage.choose({ ...there, [`x_${side}`]: renamed(tensor)(plan.x), [`y_${side}`]: renamed(tensor)(plan.y) });
      for (const [id, value] of Object.entries(there)) window.dash_clientside.set_props(id, { value });
    };
    return [
      [`Show β${where}`, show("bias")],
      [`Show γ${where}`, show("weight")],
      ["Use eval mode", () => window.dash_clientside.set_props("mode", { value: "eval" })],
    ];
  }

  // How many minibatches of the chosen size a run has.
  function numMinibatches(page, variant) {
    return page.runs[variant]?.minibatches[page.view.minibatch_size] ?? 0;
  }

  gv.explain = { wordsOf, numMinibatches };
})();
