// The two sliders, epoch and minibatch, and the keys that move them from anywhere.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const { page } = gv;

  let epochs = null; // scrubbers
  let minibatches = null;

  function make() {
    if (epochs) return;
    epochs = gv.scrubber.create(document.getElementById("scrubber"), {
      name: "epoch",
      label: "Epoch",
      onMove: moveToEpoch,
      onRelease: () => (gv.pictures.commit(), gv.stage.remember(false)),
      onIntent: () => {},
      ready: gv.pictures.ready,
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
      minibatches.setRange(0, many - 1);
    }
    if (!minibatches.busy) minibatches.set(page.view.minibatch);
  }

  function moveToEpoch(epoch) {
    if (page.over === "minibatches") gv.pictures.moveOver("epochs");
    page.view.epoch = epoch;
    page.live = page.live && epoch === page.shownEpochs().at(-1);
    gv.status.setLive(page.live, page.training.state === "running");
    gv.pictures.draw();
  }

  function goToEpoch(epoch) {
    const there = page.shownEpochs();
    if (!there.length || page.view.epoch === epoch) return;
    epochs.set(Math.max(there[0], Math.min(there.at(-1), epoch)));
    moveToEpoch(epochs.value);
    gv.pictures.commitSoon();
    gv.stage.remember(false);
  }

  function prepareMinibatches() {
    if (page.over === "minibatches" || !page.view) return;
    gv.pictures.moveOver("minibatches");
    gv.pictures.loadMinibatches();
  }

  function moveToMinibatch(minibatch) {
    prepareMinibatches();
    page.view.minibatch = minibatch;
    gv.pictures.draw();
  }

  // The minibatch is chosen: the epochs of this one are fetched, beginning with what is already on show.
  function releaseMinibatch() {
    gv.pictures.commit();
    const chosen = page.panels.map(({ plan }) => plan && gv.pictures.frameOf(plan));
    gv.stage.refresh();
    page.panels.forEach(({ plan }, slot) => {
      const frame = chosen[slot];
      if (plan && frame && !plan.epochs.frames.has(page.view.epoch)) gv.shelf.put(plan.epochs, { ...frame, index: page.view.epoch });
    });
    gv.stage.remember(true);
  }

  // Keys that work wherever nothing else wants them.
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || !epochs || !page.view || page.view.view === "training") return;
    if (target.closest?.("input, select, textarea, button, [role=dialog], [contenteditable]")) return;
    const there = page.shownEpochs();
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: there[0] - epochs.value, End: there.at(-1) - epochs.value };
    if (event.key in steps) epochs.step(steps[event.key]);
    else if (event.key === " ") epochs.toggle();
    else return;
    event.preventDefault();
  });

  gv.sliders = {
    make, set, goToEpoch,
    get busy() {
      return Boolean(epochs?.busy || minibatches?.busy);
    },
    get scrubbing() {
      return Boolean(epochs?.busy);
    },
  };
})();
