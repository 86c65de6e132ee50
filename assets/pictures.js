// The pictures: what each panel is to show, the loading of it, drawing at once on the canvas, and Plotly afterwards.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const { page } = gv;

  page.panels = [0, 1, 2].map((slot) => gv.panels.create(slot));

  // ---- plans ----------------------------------------------------------------------------------------------------

  function plans() {
    const { view } = page;
    if (["training", "evidence"].includes(view.view) || !view.x_a) return [];
    if (view.view === "minibatches") return [planOf(view.variant, view.x_a, view.y_a)];
    if (view.view === "compare") return compared(page.shownVariants().map((variant) => planOf(variant, view.x_a, view.y_a)));
    return [planOf(view.variant, view.x_a, view.y_a), planOf(view.variant, view.x_b, view.y_b)];
  }

  // Each against the reference, where one is subtracted.
  function compared(plans) {
    const reference = gv.difference.referenceOf(page, plans);
    return reference ? plans.map((one) => (one === reference ? one : { ...one, minus: reference })) : plans;
  }

  function planOf(variant, x, y) {
    const { view } = page;
    const wantsMinibatches = page.acrossMinibatches() || gv.overlays.wants(view, "spread");
    const common = {
      variant, x, y, minibatch_size: view.minibatch_size, mode: view.mode, half_width: view.half_width, points: view.points,
    };
    if (view.mode === "train" && variant === "dropout") Object.assign(common, { masks: view.masks, seed: view.seed });
    const run = page.runs[variant];
    return {
      variant, x, y,
      lacking: run ? [x, y].map((name) => gv.parameters.mistakeIn(name, run)).find(Boolean) ?? null : null, // the model has no such parameter
      epochs: gv.shelf.open({ ...common, minibatch: view.minibatch }, "epochs"),
      minibatches: wantsMinibatches ? gv.shelf.open({ ...common, epoch: view.epoch }, "minibatches") : null,
    };
  }

  // Gives each panel its plan.
  function plan() {
    const planned = plans();
    gv.paint.forgetSizes();
    document.body.dataset.panels = planned.length;
    page.panels.forEach((panel, slot) => {
      panel.plan = planned[slot] ?? null;
      document.getElementById(`panel-${slot}`).hidden = !panel.plan;
    });
  }

  // Which slider moves the pictures now.
  function moveOver(over) {
    if (page.over === over) return;
    page.over = over;
    plan();
    load();
  }

  // ---- loading --------------------------------------------------------------------------------------------------

  // What the moving slider needs, then the rest: a browser opens six connections to a server at most.
  function load() {
    const planned = page.panels.flatMap((panel) => panel.plan ?? []);
    const across = page.acrossMinibatches();
    gv.shelf.keepLoadingOnly(planned.flatMap((one) => (across ? [one.minibatches] : [one.epochs, one.minibatches])));
    for (const one of planned) loadNext(one);
  }

  function loadNext(plan) {
    if (page.away || !page.runs[plan.variant] || plan.lacking) return;
    const loadEpochs = () => gv.shelf.load(plan.epochs, page.view.epoch, page.runs[plan.variant].epochs, arrivals);
    if (page.acrossMinibatches()) {
      loadAll(plan.minibatches, plan.variant);
      if (!plan.minibatches.loading && !gv.spreadview.isOn()) loadEpochs();
    } else {
      loadEpochs();
      if (plan.minibatches && !plan.epochs.loading) loadAll(plan.minibatches, plan.variant);
    }
  }

  function loadAll(stack, variant) {
    const many = gv.explain.numMinibatches(page, variant);
    if (many && !page.away) gv.shelf.load(stack, page.view.minibatch, Array.from({ length: many }, (_, k) => k), arrivals);
  }

  // Asks for the pictures that are wanted now and not there yet ahead of all that is being loaded.
  function hurry() {
    for (const { plan } of page.panels) {
      if (!plan || page.away || plan.lacking || ownFrame(plan)) continue;
      const run = page.runs[plan.variant];
      if (page.acrossMinibatches()) gv.shelf.hurry(plan.minibatches, page.view.minibatch, arrivals);
      else if (run?.epochs.includes(page.view.epoch)) gv.shelf.hurry(plan.epochs, page.view.epoch, arrivals);
    }
  }

  const arrivals = {
    onFrame(stack, frame) {
      const wanted = stack.over === "epochs" ? page.view.epoch : page.view.minibatch;
      if (!shows(stack).length) return;
      if (frame.index === wanted) draw(), commitSoon();
      else if (gv.spreadview.isOn()) drawSoon();
    },
    onEnd(stack) {
      const panels = shows(stack);
      if (!panels.length) return;
      for (const { plan } of panels) loadNext(plan); // and what was trained meanwhile
      hurry();
      draw(), commitSoon();
    },
  };

  function shows(stack) {
    return page.panels.filter(({ plan }) => plan && (plan.epochs === stack || plan.minibatches === stack));
  }

  // What a plan shows: its own frame, or by how much that differs from the reference's.
  function frameOf(plan) {
    return plan.minus ? gv.difference.of(ownFrame(plan), ownFrame(plan.minus)) : ownFrame(plan);
  }

  function ownFrame(plan) {
    const fromMinibatches = plan.minibatches?.frames.get(page.view.minibatch);
    if (page.acrossMinibatches() && fromMinibatches) return fromMinibatches;
    const fromEpochs = plan.epochs.frames.get(page.view.epoch);
    return plan.epochs.selection.minibatch === page.view.minibatch ? fromEpochs : undefined;
  }

  // Whether the pictures of this epoch are there, or will not come. Those of all minibatches are asked for.
  function ready(epoch) {
    if (gv.spreadview.isOn()) return readyAcross(epoch);
    return page.panels.every(({ plan }) => !plan || plan.epochs.frames.has(epoch) || !plan.epochs.loading);
  }

  function readyAcross(epoch) {
    const { plan } = page.panels[0];
    if (!plan || !page.runs[plan.variant]?.epochs.includes(epoch)) return true;
    const stack = gv.shelf.open({ ...plan.minibatches.selection, epoch }, "minibatches");
    loadAll(stack, plan.variant);
    return !stack.loading;
  }

  // ---- drawing --------------------------------------------------------------------------------------------------

  // Paints every panel that has its frame, and says in the others why they have not.
  function draw() {
    const active = page.panels.filter((panel) => panel.plan);
    const styles = gv.scales.stylesOf(page.view, active.map(({ plan }) => ({ shown: frameOf(plan), all: besides(plan), isDifference: Boolean(plan.minus) })));
    active.forEach((panel, k) => {
      const frame = (panel.shown = frameOf(panel.plan));
      styles[k].strokes = gv.overlays.strokesOf(page.view, panel.plan, frame, styles[k]);
      if (frame && needsPaint(panel, frame, styles[k])) gv.panels.paint(panel, frame, styles[k]);
    });
    // Words move what stands below them: after all pictures, so that the page is laid out once.
    for (const panel of active) gv.panels.say(panel, gv.explain.wordsOf(page, panel.plan, panel.shown));
    gv.spreadview.show(styles[0]);
    gv.reading.show();
    gv.losscurves.mark(page.view.epoch);
    gv.course.mark(page.view.epoch);
  }

  // The frames whose colours a picture's are compared with.
  function besides(plan) {
    if (gv.spreadview.isOn()) return plan.minibatches.frames;
    return plan.minus ? gv.difference.all(plan.epochs.frames, plan.minus.epochs.frames) : plan.epochs.frames;
  }

  let drawing = null;

  // Once for many frames that arrive one after the other.
  function drawSoon() {
    drawing ??= setTimeout(() => ((drawing = null), draw()), 100);
  }

  function needsPaint(panel, frame, style) {
    const look = JSON.stringify([style, gv.colours.scheme(), panel.plan.x, panel.plan.y]);
    if (panel.frame === frame && panel.look === look) return false;
    panel.look = look;
    return true;
  }

  let soon = null;

  // Plotly shows what is painted.
  function commit() {
    clearTimeout(soon);
    soon = null;
    for (const panel of page.panels) if (panel.plan && panel.frame) gv.panels.commit(panel);
    followSpread();
  }

  // The spread of the minibatches belongs to one checkpoint: at another epoch it is fetched once the hand has let go.
  function followSpread() {
    const isBehind = page.panels.some((panel) => panel.plan?.minibatches && panel.plan.minibatches.selection.epoch !== page.view.epoch);
    if (!isBehind || gv.sliders.busy) return;
    plan();
    load();
  }

  // After the hand has let go, and once for several frames that arrive together.
  function commitSoon() {
    clearTimeout(soon);
    soon = setTimeout(() => (gv.sliders.busy ? null : commit()), 60);
  }

  gv.pictures = { plan, moveOver, load, hurry, frameOf, ownFrame, ready, draw, commit, commitSoon };
})();
