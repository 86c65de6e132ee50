// What the page says of the training and of itself: the header's line, the training view, the empty page, notices.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const WORDS = {
    running: "Training", stopped: "Training stopped", finished: "Trained", failed: "Training failed", empty: "Nothing trained yet",
    unknown: "Loading",
  };
  let live = null;

  function show(page) {
    const { element, fill } = gv.words;
    const state = page.away ? "away" : page.training.state;
    const words = page.away ? "Reconnecting…" : WORDS[state];
    const fraction = progressOf(page.training.progress);
    const text = state === "running" && fraction ? `${words} · ${fraction}` : words;
    const broken = Object.values(page.runs).flatMap((run) => run.broken.map(({ file, reason }) => ({ run: run.variant, file, reason })));
    fill("status", text + broken.length, element("span", `gv-dot gv-${state}`), element("span", "gv-status-text", text),
      broken.length ? brokenNote(broken) : null);
    showTraining(page);
    showEmpty(page);
    setButtons(page);
  }

  function progressOf(progress) {
    if (!progress.length) return "";
    const done = progress.reduce((sum, run) => sum + (run.epoch ?? 0), 0);
    const all = progress.reduce((sum, run) => sum + run.epochs, 0);
    return `${done} of ${all} epochs`;
  }

  function brokenNote(broken) {
    const { element } = gv.words;
    const note = element("details", "gv-broken", element("summary", "", `${broken.length} broken ${broken.length > 1 ? "files" : "file"} left out`));
    note.append(element("ul", "", ...broken.map(({ run, file, reason }) => element("li", "", `${run}/${file}: ${reason}`))));
    return note;
  }

  function showTraining(page) {
    const { element, fill, number } = gv.words;
    const head = ["regularizer", "epochs", "", "train loss J", "test loss J", "test R²", "seconds an epoch"];
    const rows = page.training.progress.map(({ variant, epoch, epochs }) => {
      const metrics = page.runs[variant]?.metrics ?? { epoch: [] };
      const last = metrics.epoch.length - 1;
      const cell = (column, digits) => (last >= 0 && metrics[column][last] !== null ? number(metrics[column][last], digits) : "–");
      const bar = element("progress", "gv-progress");
      Object.assign(bar, { max: epochs, value: epoch ?? 0 });
      bar.setAttribute("aria-label", `Epochs of ${variant}`);
      const name = element("th", "", element("i", "gv-swatch"), gv.look.variant_labels[variant]);
      name.scope = "row";
      name.firstChild.style.background = gv.colours.palette().variants[variant];
      return element("tr", "", name,
        ...[`${epoch ?? 0} of ${epochs}`, bar, cell("train_loss"), cell("test_loss"), cell("test_r2", 4), cell("wall_seconds", 2)].map((value) => element("td", "", value)));
    });
    const table = element("table", "gv-table", element("thead", "", element("tr", "", ...head.map((text) => element("th", "", text)))), element("tbody", "", ...rows));
    const message = element("p", "gv-message", page.training.message ?? "");
    const run = Object.values(page.runs)[0];
    const setup = run ? element("p", "gv-setup", setupOf(run)) : null;
    fill("training", JSON.stringify([page.training, gv.colours.scheme(), Object.values(page.runs).map((r) => r.metrics.epoch.length)]),
      message, rows.length ? table : null, setup);
  }

  function setupOf(run) {
    const layers = [675, ...run.hidden, 1].join(" → ");
    return `${layers}, ${run.rows} rows of ${run.data}, minibatch ${run.batch_size}, Adam ${run.learning_rate}, output scale ${run.output_scale}, dropout ${run.dropout}, batch norm ${run.norm_placement} the activation, seed ${run.seed}.`;
  }

  function showEmpty(page) {
    const { element, button, fill } = gv.words;
    const isEmpty = Object.values(page.runs).every((run) => !run.epochs.length) && page.training.state !== "unknown";
    if (!isEmpty) return fill("empty", "");
    if (page.training.state === "running")
      return fill("empty", "starting", element("div", "gv-invitation", element("h2", "", "The training is starting"),
        element("p", "", "The first landscapes appear here with the first checkpoint, the network's initialisation, within seconds.")));
    const text = "Three variants of one network are trained, with a checkpoint an epoch; the gradients of each can then be looked at while the training goes on.";
    const refusal = page.training.read_only ? element("p", "", "This server only shows what is there: train with `gradviz train`.") : null;
    fill("empty", `empty${page.training.state}${page.training.message}`, element("div", "gv-invitation",
      element("h2", "", "No checkpoint yet"),
      element("p", "", text),
      page.training.state === "failed" ? element("p", "gv-error", page.training.message) : null,
      refusal ?? button("Start training", () => act("start"), "gv-button gv-primary")));
  }

  function setButtons({ training }) {
    const running = training.state === "running";
    const off = training.read_only || training.state === "unknown";
    const states = { "train-start": off || running || training.state === "finished", "train-stop": off || !running, "train-again": off || training.state === "empty" };
    for (const [id, disabled] of Object.entries(states)) window.dash_clientside.set_props(id, { disabled });
  }

  async function act(action) {
    const refusal = await gv.runs.train(action);
    if (refusal) gv.notices.show([refusal]);
  }

  function addLiveButton(host, onToggle) {
    const legend = gv.words.element("div", "gv-legend");
    legend.id = "legend";
    live = gv.words.button("follow", onToggle, "gv-live");
    live.title = "Show the newest epoch as soon as it is trained";
    host.append(legend, live);
  }

  function setLive(on, running) {
    live.setAttribute("aria-pressed", on);
    live.hidden = !running;
    live.dataset.running = running;
  }

  gv.status = { show, act, addLiveButton, setLive };
})();
