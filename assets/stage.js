// The page's conductor: from what is chosen and what is trained to what each panel shows. Holds the page's only state.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const page = {
    view: null, // all choices, as gradviz/dashboard/permalink.py names them; epoch and minibatch are what is shown
    live: true, // the newest epoch is followed
    runs: {},
    training: { state: "unknown", progress: [] },
    away: false,
    over: "epochs", // which slider moves the pictures now
    panels: [0, 1, 2].map((slot) => gv.panels.create(slot)),
    notices: [],
  };
  let epochs = null; // scrubbers
  let minibatches = null;

  // ---- what is chosen -------------------------------------------------------------------------------------------

  // A view from the address, with what had to be said about it.
  function open({ view, notices }) {
    page.live = view.epoch === null;
    page.notices = notices;
    page.view = { ...view, epoch: view.epoch ?? page.view?.epoch ?? 0 };
    makeScrubbers();
    gv.notices.show(notices);
    follow();
    refresh();
  }

  // The controls' choices; `isStep` when a user has made one.
  function choose(choices) {
    page.view = { ...page.view, ...choices };
    refresh();
    remember(true);
  }

  function remember(isStep) {
    const view = { ...page.view, epoch: page.live ? null : page.view.epoch };
    const run = page.runs[view.variant];
    for (const [side, [x, y]] of run ? Object.entries(gv.parameters.suggestedPairs(run)) : [])
      if (view[`x_${side}`] === x && view[`y_${side}`] === y) view[`x_${side}`] = view[`y_${side}`] = null;
    gv.address.write(view, isStep);
  }

  // ---- what is trained ------------------------------------------------------------------------------------------

  function runsChanged({ runs, training }) {
    const before = page.runs;
    for (const [variant, run] of Object.entries(runs)) {
      const old = before[variant];
      if (old && (old.stamp !== run.stamp || old.epochs.some((epoch) => !run.epochs.includes(epoch)))) gv.shelf.forget(variant);
    }
    Object.assign(page, { runs, training });
    gv.status.show(page);
    const first = !Object.keys(before).length && Object.keys(runs).length;
    if (first && page.view && !page.view.x_a) {
      // The view was opened before there was a run to fit it to.
      window.dash_clientside.set_props("address", { data: gv.address.current() });
      return;
    }
    if (!page.view) return;
    follow();
    refresh();
  }

  function connectionChanged(away) {
    page.away = away;
    gv.status.show(page);
    if (!away && page.view) refresh();
  }

  // Epochs of the variants on show, ascending.
  function shownEpochs() {
    const all = new Set(shownVariants().flatMap((variant) => page.runs[variant]?.epochs ?? []));
    return [...all].sort((a, b) => a - b);
  }

  function shownVariants() {
    const { view, variant, compared } = page.view;
    return view === "compare" ? Object.keys(gv.look.variant_labels).filter((name) => compared.includes(name)) : [variant];
  }

  // The newest epoch of all that are on show, so that pictures side by side are of one epoch.
  function follow() {
    const newest = Math.min(...shownVariants().map((variant) => page.runs[variant]?.epochs.at(-1) ?? Infinity));
    if (page.live && Number.isFinite(newest) && !epochs?.busy) page.view.epoch = newest;
  }

  // ---- what the panels show -------------------------------------------------------------------------------------

  function plans() {
    const { view } = page;
    if (view.view === "training" || !view.x_a) return [];
    if (view.view === "compare") return shownVariants().map((variant) => planOf(variant, view.x_a, view.y_a));
    return [planOf(view.variant, view.x_a, view.y_a), planOf(view.variant, view.x_b, view.y_b)];
  }

  function planOf(variant, x, y) {
    const { view } = page;
    const common = {
      variant, x, y, minibatch_size: view.minibatch_size, mode: view.mode, half_width: view.half_width, points: view.points,
    };
    if (view.mode === "train" && variant === "dropout") Object.assign(common, { masks: view.masks, seed: view.seed });
    return {
      variant, x, y,
      epochs: gv.shelf.open({ ...common, minibatch: view.minibatch }, "epochs"),
      minibatches: page.over === "minibatches" ? gv.shelf.open({ ...common, epoch: view.epoch }, "minibatches") : null,
    };
  }

  // Brings everything in line with the state: slots, stacks, sliders, curves, pictures.
  function refresh() {
    const { view } = page;
    const planned = plans();
    document.body.dataset.view = view.view;
    document.body.dataset.panels = planned.length;
    document.body.dataset.masks = view.mode === "train" && shownVariants().includes("dropout") ? "on" : "off";
    document.body.dataset.empty = Object.keys(page.runs).length ? "no" : "yes";
    page.panels.forEach((panel, slot) => {
      panel.plan = planned[slot] ?? null;
      document.getElementById(`panel-${slot}`).hidden = !panel.plan;
    });
    setSliders();
    gv.shelf.keepLoadingOnly(planned.flatMap((plan) => [plan.epochs, plan.minibatches]));
    for (const plan of planned) loadEpochs(plan);
    if (page.over === "minibatches") for (const plan of planned) loadMinibatches(plan);
    draw();
    commit();
    gv.losscurves.show(page, shownVariants());
    showParameters();
  }

  // The layer buttons and the names say which parameters are on show.
  function showParameters() {
    const { view } = page;
    const run = page.runs[view.variant];
    if (run?.epochs.includes(view.epoch)) gv.parameters.learnActivity(view.variant, view.epoch, () => gv.chooser.show(page.view, run));
    gv.chooser.show(view, run);
    if (!run) return;
    const data = [...run.hidden.keys(), "output"].map((layer) => ({ value: `${layer}`, label: `${layer}` }));
    for (const side of ["a", "b"]) {
      const [a, b] = [view[`x_${side}`], view[`y_${side}`]].map(gv.parameters.layerOf);
      window.dash_clientside.set_props(`layer-${side}`, { data, value: a === b ? a : "" });
    }
  }

  const arrivals = {
    onFrame(stack, frame) {
      const wanted = stack.over === "epochs" ? page.view.epoch : page.view.minibatch;
      const isFirst = frame.index === wanted && page.panels.some(({ plan }) => plan && (plan.epochs === stack || plan.minibatches === stack));
      if (isFirst) draw(), commitSoon();
    },
    onEnd(stack) {
      if (!page.panels.some(({ plan }) => plan?.epochs === stack || plan?.minibatches === stack)) return;
      if (stack.over === "epochs") {
        const panel = page.panels.find(({ plan }) => plan?.epochs === stack);
        loadEpochs(panel.plan); // what was trained meanwhile
      }
      draw(), commitSoon();
    },
  };

  function loadEpochs({ variant, epochs: stack }) {
    const run = page.runs[variant];
    if (run && !page.away) gv.shelf.load(stack, page.view.epoch, run.epochs, arrivals);
  }

  function loadMinibatches({ variant, minibatches: stack }) {
    const many = numMinibatches(variant);
    if (many && stack && !page.away) gv.shelf.load(stack, page.view.minibatch, Array.from({ length: many }, (_, k) => k), arrivals);
  }

  function numMinibatches(variant) {
    return page.runs[variant]?.minibatches[page.view.minibatch_size] ?? 0;
  }

  function frameOf(plan) {
    const fromMinibatches = plan.minibatches?.frames.get(page.view.minibatch);
    if (page.over === "minibatches" && fromMinibatches) return fromMinibatches;
    const fromEpochs = plan.epochs.frames.get(page.view.epoch);
    return plan.epochs.selection.minibatch === page.view.minibatch ? fromEpochs : undefined;
  }

  // Paints every panel that has its frame, and says in the others why they have not.
  function draw() {
    const active = page.panels.filter((panel) => panel.plan);
    const styles = stylesOf(active.map((panel) => panel.plan));
    active.forEach((panel, k) => {
      const frame = frameOf(panel.plan);
      if (frame && needsPaint(panel, frame, styles[k])) gv.panels.paint(panel, frame, styles[k]);
      gv.panels.say(panel, wordsOf(panel, frame));
    });
    gv.losscurves.mark(page.view.epoch);
  }

  // One scale for all regularizers, one for each of two layers.
  function stylesOf(planned) {
    const { half_width: halfWidth, length, under, view } = page.view;
    const shared = view === "compare" ? scaleOf(planned) : null;
    gv.scalebar.show(shared);
    return planned.map((plan) => ({ halfWidth, length, under, sharesScale: Boolean(shared), scale: shared ?? scaleOf([plan]) }));
  }

  // Colours tell sizes over all epochs that are in memory, or of what is on show; lengths tell them within what is on
  // show, where they are easier to see.
  function scaleOf(planned) {
    const shown = gv.arrows.scaleOf(planned.map(frameOf).filter(Boolean));
    if (page.view.range === "frame") return shown;
    return { ...gv.arrows.scaleOf(planned.flatMap((plan) => [...plan.epochs.frames.values()])), longest: shown.longest };
  }

  function needsPaint(panel, frame, style) {
    const look = JSON.stringify([style, gv.colours.scheme(), panel.plan.x, panel.plan.y]);
    if (panel.frame === frame && panel.look === look) return false;
    panel.look = look;
    return true;
  }

  function wordsOf(panel, frame) {
    const { plan } = panel;
    const title = titleOf(plan);
    if (frame) return { title, facts: gv.words.caption(plan, frame), veil: zeroVeil(plan, frame) };
    const missing = whyMissing(plan);
    return { title, facts: null, veil: { key: `${missing.state}|${missing.text}`, ...missing } };
  }

  function titleOf(plan) {
    const { view, epoch, minibatch, minibatch_size: size, mode, masks } = page.view;
    const random = mode === "train" && plan.variant === "dropout" ? `, random masks (${masks})` : "";
    const where = `epoch ${epoch} · minibatch ${minibatch} (${size} rows) · ${mode} mode${random}`;
    return [view === "compare" ? gv.look.variant_labels[plan.variant] : gv.words.pairTitle(plan.x, plan.y), where];
  }

  function whyMissing(plan) {
    const run = page.runs[plan.variant];
    const { epoch, minibatch } = page.view;
    const failed = plan.epochs.error ?? plan.minibatches?.error ?? plan.epochs.failed.get(epoch) ?? plan.minibatches?.failed.get(minibatch);
    if (!run) return { state: "away", text: `${gv.look.variant_labels[plan.variant]} is not trained yet.` };
    if (failed) return { state: "error", text: failed };
    const broken = run.broken.find(({ file }) => file.startsWith(`epoch-${String(epoch).padStart(4, "0")}`));
    if (broken) return { state: "error", text: `${broken.file} is broken and left out: ${broken.reason}` };
    if (!run.epochs.length) return { state: "away", text: "Its first checkpoint is on its way." };
    if (!run.epochs.includes(epoch)) return { state: "away", text: `${gv.look.variant_labels[plan.variant]} is at epoch ${run.epochs.at(-1)} so far.` };
    if (page.away) return { state: "away", text: "The server is away: the picture comes when it is back." };
    return { state: "loading", text: "Computing" };
  }

  // All arrows are zero: says why, and offers what is not.
  function zeroVeil(plan, frame) {
    const reason = gv.words.reasonOfAllZero(frame);
    if (!reason) return null;
    const text = gv.zeroMessages[reason];
    const actions = reason === 1 ? otherParameters(plan) : [];
    return { state: "zero", key: `zero|${reason}|${plan.x}|${plan.y}`, text, actions };
  }

  function otherParameters(plan) {
    const side = plan.x === page.view.x_b && plan.y === page.view.y_b && page.view.view === "explore" ? "b" : "a";
    const renamed = (tensor) => (name) => name.replace(/\.linear\.(bias|weight)\[(\d+).*\]/, `.norm.${tensor}[$2]`);
    const show = (tensor) => () => choose({ [`x_${side}`]: renamed(tensor)(plan.x), [`y_${side}`]: renamed(tensor)(plan.y) });
    return [
      ["Show β", show("bias")],
      ["Show γ", show("weight")],
      ["Use eval mode", () => window.dash_clientside.set_props("mode", { value: "eval" })],
    ];
  }

  // ---- sliders --------------------------------------------------------------------------------------------------

  function makeScrubbers() {
    if (epochs) return;
    epochs = gv.scrubber.create(document.getElementById("scrubber"), {
      name: "epoch",
      label: "Epoch",
      onMove: moveToEpoch,
      onRelease: () => (commit(), remember(false)),
      onIntent: () => {},
      ready: (epoch) => page.panels.every(({ plan }) => !plan || plan.epochs.frames.has(epoch) || !plan.epochs.loading),
    });
    minibatches = gv.scrubber.create(document.getElementById("minibatch-scrubber"), {
      name: "minibatch",
      label: "Minibatch, counted from 0",
      onMove: moveToMinibatch,
      onRelease: releaseMinibatch,
      onIntent: prepareMinibatches,
      ready: () => true,
      playable: false,
    });
    gv.status.addLiveButton(document.querySelector("#scrubber .gv-transport"), () => {
      page.live = !page.live;
      follow();
      refresh();
      remember(false);
    });
  }

  function setSliders() {
    const there = shownEpochs();
    const planned = Math.max(0, ...shownVariants().map((variant) => page.runs[variant]?.planned_epochs ?? 0));
    if (there.length) epochs.setRange(there[0], there.at(-1));
    if (!epochs.busy) {
      if (there.length) page.view.epoch = Math.max(there[0], Math.min(there.at(-1), page.view.epoch));
      epochs.set(page.view.epoch);
    }
    document.body.style.setProperty("--gv-trained", planned ? (there.at(-1) ?? 0) / planned : 1);
    document.body.dataset.live = page.live ? "on" : "off";
    gv.status.setLive(page.live, page.training.state === "running");
    const many = Math.max(0, ...shownVariants().map(numMinibatches));
    if (many) {
      page.view.minibatch = Math.min(page.view.minibatch, many - 1);
      minibatches.setRange(0, many - 1);
    }
    if (!minibatches.busy) minibatches.set(page.view.minibatch);
  }

  function moveToEpoch(epoch) {
    if (page.over === "minibatches") backToEpochs();
    page.view.epoch = epoch;
    page.live = page.live && epoch === shownEpochs().at(-1);
    gv.status.setLive(page.live, page.training.state === "running");
    draw();
  }

  function goToEpoch(epoch) {
    const there = shownEpochs();
    if (!there.length || page.view.epoch === epoch) return;
    epochs.set(Math.max(there[0], Math.min(there.at(-1), epoch)));
    moveToEpoch(epochs.value);
    commitSoon();
    remember(false);
  }

  function prepareMinibatches() {
    if (page.over === "minibatches" || !page.view) return;
    page.over = "minibatches";
    for (const panel of page.panels) if (panel.plan) panel.plan = planOf(panel.plan.variant, panel.plan.x, panel.plan.y);
    for (const { plan } of page.panels) if (plan) loadMinibatches(plan);
  }

  function moveToMinibatch(minibatch) {
    prepareMinibatches();
    page.view.minibatch = minibatch;
    draw();
  }

  // The minibatch is chosen: the epochs of this one are fetched, beginning with what is already on show.
  function releaseMinibatch() {
    commit();
    const chosen = page.panels.map(({ plan }) => plan && frameOf(plan));
    refresh();
    page.panels.forEach(({ plan }, slot) => {
      const frame = chosen[slot];
      if (plan && frame && !plan.epochs.frames.has(page.view.epoch)) gv.shelf.put(plan.epochs, { ...frame, index: page.view.epoch });
    });
    remember(true);
  }

  function backToEpochs() {
    page.over = "epochs";
    for (const panel of page.panels) if (panel.plan) panel.plan.minibatches = null;
  }

  // ---- Plotly ---------------------------------------------------------------------------------------------------

  let soon = null;

  function commit() {
    clearTimeout(soon);
    soon = null;
    for (const panel of page.panels) if (panel.plan && panel.frame) gv.panels.commit(panel);
  }

  // After the hand has let go, and once for several frames that arrive together.
  function commitSoon() {
    clearTimeout(soon);
    soon = setTimeout(() => (epochs.busy || minibatches.busy ? null : commit()), 60);
  }

  function redraw() {
    if (!page.view) return;
    draw();
    commit();
    gv.losscurves.show(page, shownVariants(), true);
  }

  // The scheme of the page has changed: pictures are drawn again in its colours.
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });

  // Keys that work wherever nothing else wants them.
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || !epochs || !page.view || page.view.view === "training") return;
    if (target.closest?.("input, select, textarea, button, [role=dialog], [contenteditable]")) return;
    const there = shownEpochs();
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: there[0] - epochs.value, End: there.at(-1) - epochs.value };
    if (event.key in steps) epochs.step(steps[event.key]);
    else if (event.key === " ") epochs.toggle();
    else return;
    event.preventDefault();
  });

  gv.stage = { open, choose, runsChanged, connectionChanged, goToEpoch, redraw, page };
})();
