// The conductor of a page that stands alone (gradviz/dashboard/standalone.py): pictures and a slider over their frames.
(function () {
  const gv = window.gradviz;
  const { element } = gv.words;
  const told = JSON.parse(document.getElementById("told").textContent);
  const step = told.over === "epochs" ? "epoch" : "minibatch";
  const config = { displaylogo: false, displayModeBar: false, doubleClick: "reset", responsive: true };
  gv.look = told.look;
  document.body.dataset.view = told.view.view;
  document.body.dataset.masks = told.panels.some(({ request }) => request.mode === "train" && request.variant === "dropout") ? "on" : "off";

  let index = told.first;
  let tokens = 0;
  const panels = told.panels.map(create);

  function create({ request, frames }, slot) {
    const decoded = frames.map(decode).map((frame) => [frame.index, frame]);
    const parts = Object.fromEntries(["title", "graph", "canvas", "veil", "caption"].map((name) => [name, element(name === "canvas" ? "canvas" : "div", `gv-${name}`)]));
    for (const name of ["title", "caption", "veil"]) parts[name].id = `${name}-${slot}`;
    const picture = element("div", "gv-picture", parts.graph, parts.canvas, parts.veil);
    const section = element("section", "gv-panel", parts.title, picture, parts.caption);
    section.setAttribute("aria-label", `Picture ${slot + 1}`);
    document.getElementById("panels").append(section);
    return { slot, request, frames: new Map(decoded), section, ...parts };
  }

  function decode(text) {
    return gv.frames.decodeFrame(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  }

  // Paints every picture at once; Plotly follows with `commit`.
  function draw() {
    const shown = panels.map(({ frames }) => ({ shown: frames.get(index), all: frames }));
    const styles = gv.scales.stylesOf(told.view, shown).map((style, k) => ({ ...style, halfWidth: panels[k].request.half_width }));
    panels.forEach((panel, k) => {
      const frame = panel.frames.get(index);
      Object.assign(panel, { frame, style: styles[k], token: ++tokens });
      gv.paint.paint(panel.canvas, panel.graph, frame, styles[k]);
      say(panel);
    });
  }

  function say({ slot, request, frame }) {
    const at = { ...request, [step]: index };
    const random = at.mode === "train" && at.variant === "dropout" ? `, random masks (${at.masks})` : "";
    const label = gv.look.variant_labels[at.variant];
    const compared = told.view.view === "compare";
    const title = compared ? label : gv.words.pairTitle(at.x, at.y);
    const where = `${compared ? "" : `${label} · `}epoch ${at.epoch} · minibatch ${at.minibatch} (${at.minibatch_size} rows) · ${at.mode} mode${random}${told.view.direction === "descent" ? " · −∇J" : ""}`;
    gv.words.fill(`title-${slot}`, where, element("h2", "", title), element("span", "gv-sub", where));
    const facts = gv.words.caption(at, frame);
    gv.words.fill(`caption-${slot}`, JSON.stringify(facts), ...facts.map(([name, value]) => element("span", "gv-fact", element("b", "", name), ` ${value}`)));
    const reason = gv.words.reasonOfAllZero(frame);
    gv.words.fill(`veil-${slot}`, `${reason}`, reason ? element("div", "gv-card", element("p", "", told.zero_messages[reason])) : null);
  }

  // Brings Plotly up to date with what is painted.
  async function commit() {
    await Promise.all(panels.map(async ({ ...panel }, slot) => {
      const box = panel.canvas.getBoundingClientRect();
      const side = Math.max(120, Math.min(box.width - 130, box.height - 52));
      const names = { x: panel.request.x, y: panel.request.y };
      const { data, layout } = gv.figure.landscape(panel.frame, { ...panel.style, side }, names, panel.token);
      await window.Plotly.react(panel.graph, data, layout, config);
      if (panels[slot].token !== panel.token) return; // the slider has moved on
      gv.paint.clear(panel.canvas);
      panel.section.dataset.state = gv.words.reasonOfAllZero(panel.frame) ? "zero" : "ready";
      panel.section.dataset.index = panel.frame.index;
    }));
  }

  const indices = [...panels[0].frames.keys()];
  const slider = gv.scrubber.create(document.getElementById("scrubber"), {
    name: step,
    label: step === "epoch" ? "Epoch" : "Minibatch, counted from 0",
    told: (place) => indices[place],
    onMove: (place) => ((index = indices[place]), draw()),
    onRelease: commit,
    onIntent: () => {},
    ready: () => true,
  });

  slider.setRange(0, indices.length - 1);
  slider.set(indices.indexOf(index));
  draw();
  commit();
})();
