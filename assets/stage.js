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
    document.body.dataset.empty = !gv.runs.state.known || Object.keys(page.runs).length ? "no" : "yes";
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
    const many = gv.explain.numMinibatches(page, variant);
    if (many && stack && !page.away) gv.shelf.load(stack, page.view.minibatch, Array.from({ length: many }, (_, k) => k), arrivals);
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
    const styles = gv.scales.stylesOf(page.view, active.map(({ plan }) => ({ shown: frameOf(plan), all: plan.epochs.frames })));
    active.forEach((panel, k) => {
      const frame = frameOf(panel.plan);
      if (frame && needsPaint(panel, frame, styles[k])) gv.panels.paint(panel, frame, styles[k]);
      gv.panels.say(panel, gv.explain.wordsOf(page, panel.plan, frame));
    });
    gv.losscurves.mark(page.view.epoch);
  }

  function needsPaint(panel, frame, style) {
    const look = JSON.stringify([style, gv.colours.scheme(), panel.plan.x, panel.plan.y]);
    if (panel.frame === frame && panel.look === look) return false;
    panel.look = look;
    return true;
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
    const many = Math.max(0, ...shownVariants().map((variant) => gv.explain.numMinibatches(page, variant)));
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
