// The pictures: what each panel is to show, the loading of it, drawing at once on the canvas, and Plotly afterwards.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const { page } = gv;

  page.panels = [0, 1, 2].map((slot) => gv.panels.create(slot));

  // ---- plans ----------------------------------------------------------------------------------------------------

  function plans() {
    const { view } = page;
    if (view.view === "training" || !view.x_a) return [];
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
      minibatches: page.over === "minibatches" ? gv.shelf.open({ ...common, epoch: view.epoch }, "minibatches") : null,
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
    for (const one of planned) loadEpochs(one);
    if (page.over === "minibatches") loadMinibatches();
  }

  function loadEpochs({ variant, epochs: stack }) {
    const run = page.runs[variant];
    if (run && !page.away) gv.shelf.load(stack, page.view.epoch, run.epochs, arrivals);
  }

  function loadMinibatches() {
    for (const panel of page.panels) {
      const stack = panel.plan?.minibatches;
      const many = stack ? gv.explain.numMinibatches(page, panel.plan.variant) : 0;
      if (many && !page.away) gv.shelf.load(stack, page.view.minibatch, Array.from({ length: many }, (_, k) => k), arrivals);
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

  function frameOf(plan) {
    const fromMinibatches = plan.minibatches?.frames.get(page.view.minibatch);
    if (page.over === "minibatches" && fromMinibatches) return fromMinibatches;
    const fromEpochs = plan.epochs.frames.get(page.view.epoch);
    return plan.epochs.selection.minibatch === page.view.minibatch ? fromEpochs : undefined;
  }

  // Whether the pictures of this epoch are there, or will not come.
  function ready(epoch) {
    return page.panels.every(({ plan }) => !plan || plan.epochs.frames.has(epoch) || !plan.epochs.loading);
  }

  // ---- drawing --------------------------------------------------------------------------------------------------

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
