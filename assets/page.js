// What the page is about: its only state, and what follows from it alone. Loaded before all that changes it (dash loads
// the scripts in alphabetical order).
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const page = {
    view: null, // all choices, as gradviz/dashboard/permalink.py names them; epoch and minibatch are what is shown
    live: true, // the newest epoch is followed
    runs: {},
    unreadable: [], // {file, reason}: runs that are there but cannot be read
    training: { state: "unknown", progress: [] },
    away: "", // what is the matter, while the server does not answer
    over: "epochs", // which slider moves the pictures now
    panels: [], // see panels.js
    notices: [],
    shownVariants,
    shownEpochs,
    unreadableRun,
    acrossMinibatches,
  };

  function shownVariants() {
    const { view, variant, compared } = page.view;
    return view === "compare" ? Object.keys(gv.look.variant_labels).filter((name) => compared.includes(name)) : [variant];
  }

  // Epochs of the variants on show, ascending.
  function shownEpochs() {
    const all = new Set(shownVariants().flatMap((variant) => page.runs[variant]?.epochs ?? []));
    return [...all].sort((a, b) => a - b);
  }

  // Why a variant's run cannot be read, as {file, reason}; undefined if it can, or is not there.
  function unreadableRun(variant) {
    return page.unreadable.find(({ file }) => file.startsWith(`${variant}/`));
  }

  // Whether pictures come from all minibatches of the epoch on show, not from all epochs of the minibatch.
  function acrossMinibatches() {
    return page.view.view === "minibatches" || page.over === "minibatches";
  }

  gv.page = page;
})();
