// The page's conductor: what is chosen, what is trained, and that everything on show follows both.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const { page } = gv;
  const layersShown = {}; // side -> what its buttons were last set to

  // ---- what is chosen -------------------------------------------------------------------------------------------

  // A view from the address, with what had to be said about it.
  function open({ view, notices }) {
    gv.address.isRead();
    page.live = view.epoch === null;
    page.notices = notices;
    page.view = { ...view, epoch: view.epoch ?? page.view?.epoch ?? 0 };
    gv.sliders.make();
    gv.notices.show(notices, "link");
    for (const mended of ["parameters", "picker"]) gv.notices.show([], mended);
    follow();
    refresh();
  }

  // The controls' choices. Controls that are set to what an address says tell the same again: that is no step.
  function choose(choices) {
    const isStep = Object.entries(choices).some(([name, value]) => JSON.stringify(value) !== JSON.stringify(page.view[name]));
    page.view = { ...page.view, ...choices };
    if (isStep) for (const told of ["link", "parameters", "picker"]) gv.notices.show([], told);
    refresh();
    if (isStep || gv.runs.state.known) remember(isStep);
  }

  // Writes the address; `isStep` when back should lead to what was there before.
  function remember(isStep) {
    const view = { ...page.view, epoch: page.live ? null : page.view.epoch };
    const run = page.runs[view.variant];
    for (const [side, [x, y]] of run ? Object.entries(gv.parameters.suggestedPairs(run)) : [])
      if (view[`x_${side}`] === x && view[`y_${side}`] === y) view[`x_${side}`] = view[`y_${side}`] = null;
    gv.address.write(view, isStep);
  }

  // ---- what is trained ------------------------------------------------------------------------------------------

  function runsChanged({ runs, unreadable, training }) {
    const before = page.runs;
    for (const [variant, run] of Object.entries(runs)) {
      const old = before[variant];
      if (old && (old.stamp !== run.stamp || old.epochs.some((epoch) => !run.epochs.includes(epoch)))) gv.shelf.forget(variant);
    }
    for (const variant of Object.keys(before)) if (!runs[variant]) gv.shelf.forget(variant);
    Object.assign(page, { runs, unreadable, training });
    gv.status.show(page);
    const first = !Object.keys(before).length && Object.keys(runs).length;
    if (first && page.view && !page.view.x_a) {
      // The view was opened before there was a run to fit it to.
      gv.address.read();
      return;
    }
    if (!page.view) return;
    follow();
    refresh();
  }

  // `away`: what is the matter, or "" when the server is back: then nothing waits any longer.
  function connectionChanged(away) {
    page.away = away;
    gv.status.show(page);
    if (!away) {
      gv.address.readAgain();
      gv.shelf.resumeAll();
      if (page.view) refresh();
    } else if (page.view) gv.pictures.draw(); // says it where there is no picture
  }

  // The newest epoch of all that are on show, so that pictures side by side are of one epoch.
  function follow() {
    const newest = Math.min(...page.shownVariants().map((variant) => page.runs[variant]?.epochs.at(-1) ?? Infinity));
    if (page.live && Number.isFinite(newest) && !gv.sliders.scrubbing) page.view.epoch = newest;
  }

  function toggleLive() {
    page.live = !page.live;
    follow();
    refresh();
    remember(false);
  }

  // ---- what is on show ------------------------------------------------------------------------------------------

  // Brings everything in line with the state: slots, stacks, sliders, curves, pictures.
  function refresh() {
    const { view } = page;
    document.body.dataset.view = view.view;
    document.body.dataset.masks = view.mode === "train" && page.shownVariants().includes("dropout") ? "on" : "off";
    document.body.dataset.overlays = view.show.length;
    document.body.dataset.minus = view.view === "compare" && view.minus !== "off" ? "on" : "off";
    document.body.dataset.empty = !gv.runs.state.known || Object.keys(page.runs).length ? "no" : "yes";
    gv.sliders.set();
    gv.pictures.plan();
    gv.pictures.load();
    gv.pictures.draw();
    if (!gv.sliders.busy) gv.pictures.commit(); // else when the hand lets go
    gv.losscurves.show(page, page.shownVariants());
    gv.evidence.show(page);
    gv.course.show();
    showParameters();
  }

  // The layer buttons and the names say which parameters are on show.
  function showParameters() {
    const { view } = page;
    const run = page.runs[view.variant];
    gv.chooser.show(view, run);
    showActivity();
    if (!run) return;
    gv.difference.offer(page);
    const data = [...run.hidden.keys(), "output"].map((layer) => ({ value: `${layer}`, label: `${layer}` }));
    for (const side of ["a", "b"]) {
      const [a, b] = [view[`x_${side}`], view[`y_${side}`]].map(gv.parameters.layerOf);
      const props = { data, value: a === b ? a : "" };
      // Set to the same again, it would undo a click that has not been told yet.
      if (layersShown[side] === JSON.stringify(props)) continue;
      layersShown[side] = JSON.stringify(props);
      window.dash_clientside.set_props(`layer-${side}`, props);
    }
  }

  // On what share of rows the units of these parameters are active at this epoch.
  function showActivity() {
    const { view } = page;
    const run = page.runs[view.variant];
    if (run?.epochs.includes(view.epoch)) gv.parameters.learnActivity(run, view.epoch, showActivity);
    gv.chooser.note(view, run);
  }

  function redraw() {
    if (!page.view) return;
    gv.pictures.draw();
    gv.pictures.commit();
    gv.losscurves.show(page, page.shownVariants(), true);
    gv.course.show();
  }

  // The scheme of the page has changed: pictures are drawn again in its colours.
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });

  gv.stage = { open, choose, remember, refresh, toggleLive, runsChanged, connectionChanged, redraw, showActivity, page };
})();
