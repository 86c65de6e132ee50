// The pictures: what each panel is to show, the loading of it, drawing at once on the canvas, and Plotly afterwards.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const { page } = gv;

  page.panels = [0, 1, 2].map((slot) => gv.panels.create(slot));

  // ---- plans ----------------------------------------------------------------------------------------------------

  function plans() {
    const { view } = page;
    if (view.view === "training" || !view.x_a) return [];
    if (view.view === "minibatches") return [planOf(view.variant, view.x_a, view.y_a)];
    if (view.view === "compare") return page.shownVariants().map((variant) => planOf(variant, view.x_a, view.y_a));
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
      minibatches: page.acrossMinibatches() ? gv.shelf.open({ ...common, epoch: view.epoch }, "minibatches") : null,
    };
  }

  // Gives each panel its plan.
  function plan() {
    const planned = plans();
    document.body.dataset.panels = planned.length;
    page.panels.forEach((panel, slot) => {
      panel.plan = planned[slot] ?? null;
      document.getElementById(`panel-${slot}`).hidden = !panel.plan;
    });
  }

  // Which slider moves the pictures now.
  function moveOver(over) {
    page.over = over;
    for (const panel of page.panels) if (panel.plan) panel.plan = planOf(panel.plan.variant, panel.plan.x, panel.plan.y);
  }

  // ---- loading --------------------------------------------------------------------------------------------------

  function load() {
    const planned = page.panels.flatMap((panel) => panel.plan ?? []);
    gv.shelf.keepLoadingOnly(planned.flatMap((one) => [one.epochs, one.minibatches]));
    if (!gv.spreadview.isOn()) for (const one of planned) loadEpochs(one);
    if (page.acrossMinibatches()) loadMinibatches();
  }

  function loadEpochs({ variant, epochs: stack }) {
    const run = page.runs[variant];
    if (run && !page.away) gv.shelf.load(stack, page.view.epoch, run.epochs, arrivals);
  }

  function loadMinibatches() {
    for (const { plan } of page.panels) if (plan?.minibatches) loadAll(plan.minibatches, plan.variant);
  }

  function loadAll(stack, variant) {
    const many = gv.explain.numMinibatches(page, variant);
    if (many && !page.away) gv.shelf.load(stack, page.view.minibatch, Array.from({ length: many }, (_, k) => k), arrivals);
  }

  const arrivals = {
    onFrame(stack, frame) {
      const wanted = stack.over === "epochs" ? page.view.epoch : page.view.minibatch;
      if (!page.panels.some(({ plan }) => plan && (plan.epochs === stack || plan.minibatches === stack))) return;
      if (frame.index === wanted) draw(), commitSoon();
      else if (gv.spreadview.isOn()) drawSoon();
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

  function frameOf(plan) {
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
    const styles = gv.scales.stylesOf(page.view, active.map(({ plan }) => ({ shown: frameOf(plan), all: besides(plan) })));
    active.forEach((panel, k) => {
      const frame = frameOf(panel.plan);
      if (frame && needsPaint(panel, frame, styles[k])) gv.panels.paint(panel, frame, styles[k]);
      gv.panels.say(panel, gv.explain.wordsOf(page, panel.plan, frame));
    });
    gv.spreadview.show(styles[0]);
    gv.losscurves.mark(page.view.epoch);
  }

  // The frames whose colours a picture's are compared with.
  function besides(plan) {
    return gv.spreadview.isOn() ? plan.minibatches.frames : plan.epochs.frames;
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
  }

  // After the hand has let go, and once for several frames that arrive together.
  function commitSoon() {
    clearTimeout(soon);
    soon = setTimeout(() => (gv.sliders.busy ? null : commit()), 60);
  }

  gv.pictures = { plan, moveOver, load, loadMinibatches, frameOf, ready, draw, commit, commitSoon };
})();
