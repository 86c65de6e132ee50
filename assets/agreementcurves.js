// The curves of the minibatches' agreement over the epochs, under the losses: R, cosine and sign balance from the server,
// one epoch after the other once the pictures are there; roughness from the pictures' own fields.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const FILLER = "output.bias"; // the smallest part: one must be named beside the pair
  const MOST_KEPT = 2000;
  const answers = new Map(); // address -> {R, cosine, balance, of} or {error}
  let asking = null; // {address, controller} under way
  let drawn = "";
  let isComplete = false; // all that the curves on show are made of is known
  let table = "";

  function show(page) {
    const { view } = page;
    const isOn = view.view === "explore" && view.curves === "agreement";
    document.body.dataset.curves = isOn ? "agreement" : "off";
    const plan = isOn ? page.panels[0].plan : null;
    const epochs = plan && page.runs[plan.variant] ? page.runs[plan.variant].epochs : [];
    const wanted = [...epochs].sort((a, b) => Math.abs(a - view.epoch) - Math.abs(b - view.epoch)).map((epoch) => addressOf(page, plan, epoch));
    if (asking && !wanted.includes(asking.address)) asking.controller.abort();
    if (!epochs.length) return;
    draw(page, plan, epochs);
    const isBusy = page.away || gv.sliders.busy || page.panels.some(({ plan: one }) => one && (one.epochs.loading || one.minibatches?.loading));
    const next = wanted.find((address) => !answers.has(address));
    isComplete = !next && epochs.every((epoch) => plan.epochs.frames.has(epoch));
    if (next && !asking && !isBusy) ask(page, next);
  }

  function addressOf({ view, runs }, { variant, x, y }, epoch) {
    const query = { variant, epoch, minibatch_size: view.minibatch_size, mode: view.mode, parts: FILLER, pair: `${x};${y}` };
    if (view.mode === "train" && variant === "dropout") Object.assign(query, { masks: view.masks, seed: view.seed });
    return `api/v1/agreement?${new URLSearchParams(query)}#${runs[variant].stamp}`;
  }

  async function ask(page, address) {
    const controller = new AbortController();
    asking = { address, controller };
    try {
      const answer = await fetch(address.split("#")[0], { signal: controller.signal });
      const told = await answer.json();
      if (answers.size >= MOST_KEPT) answers.delete(answers.keys().next().value);
      answers.set(address, answer.ok ? of(told) : { error: told.error });
    } catch (error) {
      if (error.name !== "AbortError") gv.runs.lost();
    } finally {
      asking = null;
    }
    show(page);
  }

  function of({ parts, share_below: below, num_minibatches: of }) {
    const pair = parts.find(({ part }) => part !== FILLER) ?? parts.at(-1);
    return { R: pair.resultant?.value ?? null, cosine: pair.cosine?.value ?? null, balance: Math.abs(2 * below.value - 1), of };
  }

  const LINES = [
    ["R", "R", "solid", "y"],
    ["cosine", "mean cosine of pairs", "dash", "y"],
    ["balance", "sign balance |2s − 1|", "dot", "y"],
    ["angle", "angle between neighbours", "solid", "y2"],
  ];

  function draw(page, plan, epochs) {
    const rows = epochs.map((epoch) => {
      const known = answers.get(addressOf(page, plan, epoch));
      const frame = plan.epochs.frames.get(epoch);
      return { epoch, R: null, cosine: null, balance: null, of: null, ...known, angle: frame ? gv.roughness.neighbourAngle(frame) : null };
    });
    const failed = rows.find(({ error }) => error)?.error;
    const there = rows.filter(({ of }) => of !== null).length;
    const lastEpoch = Math.max(1, ...Object.values(page.runs).map((run) => run.planned_epochs));
    const key = JSON.stringify([rows, lastEpoch, gv.colours.scheme(), plan.variant]);
    if (key === drawn) return;
    drawn = key;
    window.dash_clientside.set_props("agreement", { figure: figureOf(rows, plan.variant, lastEpoch, key) });
    legend(page, plan, failed ?? (there < epochs.length ? `${there} of ${epochs.length} epochs` : ""));
    table = { rows, plan };
    showTable();
  }

  function figureOf(rows, variant, lastEpoch, key) {
    const palette = gv.colours.palette();
    const { losses } = gv.figure;
    const { layout } = losses({}, [], lastEpoch);
    const axis = { fixedrange: true, gridcolor: palette.grid, zeroline: false };
    const data = LINES.map(([name, label, dash, yaxis]) => ({
      type: "scatter", mode: "lines+markers", name: label, yaxis, connectgaps: false,
      x: rows.map(({ epoch }) => epoch), y: rows.map((row) => row[name]),
      line: { color: name === "balance" ? palette.faint : palette.variants[variant], dash, width: 1.6 },
      marker: { color: name === "balance" ? palette.faint : palette.variants[variant], size: 3 },
      hovertemplate: name === "angle" ? "%{y:.3g}°" : "%{y:.3g}",
    }));
    return {
      data,
      layout: {
        ...layout,
        meta: { lastEpoch, key },
        xaxis: { ...layout.xaxis, anchor: "y2" },
        yaxis: { ...axis, domain: [0.42, 1], range: [-1.05, 1.05], tickvals: [-1, 0, 1], title: { text: "agree", standoff: 4 } },
        yaxis2: { ...axis, domain: [0, 0.34], rangemode: "tozero", nticks: 3, ticksuffix: "°", title: { text: "rough", standoff: 4 } },
      },
    };
  }

  function legend(page, plan, state) {
    const { element, fill } = gv.words;
    const pair = gv.words.pairTitle(plan.x, plan.y);
    const lines = LINES.map(([name, label, dash]) => {
      const line = element("i", { solid: "gv-line", dash: "gv-line gv-dashed", dot: "gv-line gv-dotted" }[dash]);
      return element("span", "", name === "angle" ? null : line, name === "angle" ? `below: ${label}` : label);
    });
    const title = `${pair}, ${plan.x} and ${plan.y}`;
    fill("agreement-legend", JSON.stringify([title, state, page.view.mode]), element("span", "gv-chosen", title), ...lines, element("span", "", state));
  }

  const HEAD = ["epoch", "R", "mean cosine of pairs", "sign balance |2s − 1|", "angle between neighbours"];

  // The numbers behind the curves, made when they are looked at.
  function showTable() {
    const details = document.getElementById("agreement-numbers");
    details.ontoggle ??= showTable;
    if (!details.open || !table) return;
    const { element, number } = gv.words;
    const cell = (value, unit = "") => element("td", "", value === null ? "–" : `${number(value)}${unit}`);
    const rows = table.rows.map(({ epoch, R, cosine, balance, angle }) => {
      const name = Object.assign(element("th", "", `${epoch}`), { scope: "row" });
      return element("tr", "", name, cell(R), cell(cosine), cell(balance), cell(angle, "°"));
    });
    const heads = HEAD.map((text) => Object.assign(element("th", "", text), { scope: "col" }));
    const made = element("table", "gv-table", element("caption", "gv-hidden", "Agreement and roughness over the epochs"),
      element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...rows));
    document.getElementById("agreement-table").replaceChildren(made);
  }

  gv.agreementcurves = { show, state: () => ({ isComplete, key: drawn }) };
})();
