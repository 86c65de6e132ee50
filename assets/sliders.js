// The two sliders, epoch and minibatch, and the keys that move them from anywhere. The minibatch has one among the
// controls and, in the view that is about minibatches, one beside the epoch's that plays.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const { page } = gv;

  let epochs = null; // scrubbers
  let minibatches = []; // two scrubbers of one value

  function make() {
    if (epochs) return;
    epochs = gv.scrubber.create(document.getElementById("scrubber"), {
      name: "epoch",
      label: "Epoch",
      onMove: moveToEpoch,
      onRelease: releaseEpoch,
      onIntent: () => {},
      ready: gv.pictures.ready,
    });
    minibatches = ["minibatch-scrubber", "minibatch-player"].map((id) => gv.scrubber.create(document.getElementById(id), {
      name: "minibatch",
      names: "minibatches",
      label: "Minibatch, counted from 0",
      onMove: moveToMinibatch,
      onRelease: releaseMinibatch,
      onIntent: prepareMinibatches,
      ready: () => true,
      playable: id === "minibatch-player",
    }));
    gv.status.addLiveButton(document.querySelector("#scrubber .gv-transport"), gv.stage.toggleLive);
  }

  // Brings ranges and values in line with the state.
  function set() {
    const there = page.shownEpochs();
    const planned = Math.max(0, ...page.shownVariants().map((variant) => page.runs[variant]?.planned_epochs ?? 0));
    if (there.length) epochs.setRange(there[0], there.at(-1));
    if (!epochs.busy) {
      if (there.length) page.view.epoch = Math.max(there[0], Math.min(there.at(-1), page.view.epoch));
      epochs.set(page.view.epoch);
    }
    document.body.style.setProperty("--gv-trained", planned ? (there.at(-1) ?? 0) / planned : 1);
    document.body.dataset.live = page.live ? "on" : "off";
    gv.status.setLive(page.live, page.training.state === "running");
    const many = Math.max(0, ...page.shownVariants().map((variant) => gv.explain.numMinibatches(page, variant)));
    if (many) {
      page.view.minibatch = Math.min(page.view.minibatch, many - 1);
      for (const one of minibatches) one.setRange(0, many - 1);
    }
    if (!minibatches.some((one) => one.busy)) for (const one of minibatches) one.set(page.view.minibatch);
  }

  function moveToEpoch(epoch) {
    page.view.epoch = epoch;
    gv.chooser.blank();
    if (gv.spreadview.isOn()) gv.pictures.plan();
    else gv.pictures.moveOver("epochs");
    page.live = page.live && epoch === page.shownEpochs().at(-1);
    gv.status.setLive(page.live, page.training.state === "running");
    gv.pictures.draw();
    gv.pictures.hurry();
  }

  function releaseEpoch() {
    gv.pictures.commit();
    if (gv.spreadview.isOn()) gv.pictures.load();
    gv.stage.showActivity();
    gv.stage.remember(false);
  }

  // Along the curves, `settle` when the pointer is let go.
  function goToEpoch(epoch) {
    const there = page.shownEpochs();
    if (!there.length || page.view.epoch === epoch) return;
    epochs.set(Math.max(there[0], Math.min(there.at(-1), epoch)));
    moveToEpoch(epochs.value);
    if (gv.spreadview.isOn()) gv.pictures.load();
    gv.pictures.commitSoon();
    gv.stage.remember(false);
  }

  function settle() {
    if (page.view) gv.stage.showActivity();
  }

  function goToMinibatch(minibatch) {
    if (page.view.minibatch === minibatch) return;
    moveToMinibatch(minibatch);
    releaseMinibatch();
  }

  function prepareMinibatches() {
    if (page.view && !page.acrossMinibatches()) gv.pictures.moveOver("minibatches");
  }

  function moveToMinibatch(minibatch) {
    prepareMinibatches();
    page.view.minibatch = minibatch;
    for (const one of minibatches) if (one.value !== minibatch) one.set(minibatch);
    gv.pictures.draw();
    gv.pictures.hurry();
  }

  // The minibatch is chosen: the epochs of this one are fetched, beginning with what is already on show.
  function releaseMinibatch() {
    gv.pictures.commit();
    const chosen = page.panels.map(({ plan }) => plan && gv.pictures.ownFrame(plan));
    gv.stage.refresh();
    page.panels.forEach(({ plan }, slot) => {
      const frame = chosen[slot];
      if (!gv.spreadview.isOn() && plan && frame && !plan.epochs.frames.has(page.view.epoch)) gv.shelf.put(plan.epochs, { ...frame, index: page.view.epoch });
    });
    gv.stage.remember(true);
  }

  // Keys that work wherever nothing else wants them.
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || !epochs || !page.view || ["training", "evidence"].includes(page.view.view)) return;
    if (event.defaultPrevented) return;
    // A slider takes its own arrows, and a choice that is made has no use for the space bar.
    const takesSpace = !target.matches?.("input[type=range], input[type=radio]:checked");
    if (target.closest?.("input, select, textarea, button, summary, [role=dialog], [contenteditable]") && (event.key !== " " || takesSpace)) return;
    const slider = gv.spreadview.isOn() ? minibatches.at(-1) : epochs;
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key in steps) slider.step(steps[event.key]);
    else if (event.key === " ") event.repeat || slider.toggle();
    else return;
    event.preventDefault();
  });

  gv.sliders = {
    make, set, goToEpoch, settle, goToMinibatch,
    get busy() {
      return Boolean(epochs?.busy || minibatches.some((one) => one.busy));
    },
    get scrubbing() {
      return Boolean(epochs?.busy);
    },
  };
})();
