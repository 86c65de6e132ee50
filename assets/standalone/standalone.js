// The conductor of a page that stands alone (gradviz/dashboard/standalone.py): pictures and a slider over their frames.
(function () {
  const gv = window.gradviz;
  const { page } = gv;
  const { element } = gv.words;
  const told = JSON.parse(document.getElementById("told").textContent);
  const step = told.over === "epochs" ? "epoch" : "minibatch";
  const config = { displaylogo: false, displayModeBar: false, doubleClick: false, responsive: true };
  const PARTS = ["title", "canvas", "veil", "zoomed", "caption"];

  let tokens = 0;
  gv.look = told.look;
  const { epoch, minibatch, mode, masks, half_width } = told.panels[0].request;
  page.view = { ...told.view, epoch, minibatch, mode, masks, half_width, [step]: told.first };
  page.panels = told.panels.map(create);
  for (const { plan, slot } of page.panels) if (told.minus !== null && slot !== told.minus) plan.minus = page.panels[told.minus].plan;
  gv.stage = { redraw: () => (draw(), commit()) };
  document.body.dataset.view = page.view.view;
  document.body.dataset.masks = told.panels.some(({ request }) => isRandom(request)) ? "on" : "off";

  function isRandom(request) {
    return request.mode === "train" && request.variant === "dropout";
  }

  function create({ request, frames, path, spreads }, slot) {
    const decoded = byIndex(frames.map(decode));
    const parts = Object.fromEntries(PARTS.map((name) => [name, element(name === "canvas" ? "canvas" : "div", `gv-${name}`)]));
    for (const name of PARTS) parts[name].id = `${name}-${slot}`;
    const graph = element("div");
    const place = element("div", "", graph);
    place.id = `graph-${slot}`;
    const picture = element("div", "gv-picture", place, parts.canvas, parts.veil, parts.zoomed);
    const section = element("section", "gv-panel", parts.title, picture, element("div", "gv-foot", parts.caption));
    section.setAttribute("aria-label", `Picture ${slot + 1}`);
    document.getElementById("panels").append(section);
    return { slot, request, plan: planOf(request, decoded, byIndex(path), spreads), frames: decoded, section, graph, canvas: parts.canvas };
  }

  // As the dashboard's pictures.js has it: the frames by epoch, of which the path is drawn, and the minibatches of each.
  function planOf(request, frames, path, spreads) {
    const { variant, x, y } = request;
    const epochs = { frames: path.size || step === "minibatch" ? path : frames, loading: null, selection: request };
    const spreadAt = Object.fromEntries(Object.entries(spreads).map(([epoch, centres]) => [epoch, byIndex(centres.map(decode))]));
    return {
      variant, x, y, epochs, minus: null,
      get minibatches() {
        const centres = spreadAt[page.view.epoch];
        return centres ? { frames: centres, loading: null, selection: { ...request, epoch: page.view.epoch } } : null;
      },
    };
  }

  function byIndex(frames) {
    return new Map(frames.map((frame) => [frame.index, frame]));
  }

  // What a picture shows at an index, or at all: its frames, or by how much they differ from the reference's.
  function framesOf({ frames, plan }) {
    return plan.minus ? gv.difference.all(frames, page.panels[told.minus].frames) : frames;
  }

  function decode(text) {
    return gv.frames.decodeFrame(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  }

  // Paints every picture at once; Plotly follows with `commit`.
  function draw() {
    const index = page.view[step];
    const shown = page.panels.map((panel) => ({ shown: framesOf(panel).get(index), all: framesOf(panel), isDifference: Boolean(panel.plan.minus) }));
    const styles = gv.scales.stylesOf(page.view, shown);
    page.panels.forEach((panel, k) => {
      const frame = shown[k].shown;
      const style = { ...styles[k], halfWidth: panel.request.half_width };
      style.strokes = gv.overlays.strokesOf(page.view, panel.plan, frame, style);
      Object.assign(panel, { frame, style, token: ++tokens });
      gv.paint.paint(panel.canvas, panel.graph, frame, style);
      say(panel);
    });
  }

  function say({ slot, request, plan, frame }) {
    const { variant, minibatch_size: size } = request;
    const label = gv.look.variant_labels[variant];
    const isCompared = page.view.view === "compare";
    const words = [`epoch ${page.view.epoch}`, `minibatch ${page.view.minibatch} (${size} rows)`, `${request.mode} mode${isRandom(request) ? `, random masks (${request.masks})` : ""}`];
    if (!isCompared) words.unshift(label);
    if (page.view.direction === "descent") words.push("−∇J");
    if (plan.minus) words.unshift("difference Δ∇J");
    if (isCompared) words.unshift(gv.words.pairTitle(plan.x, plan.y));
    const where = words.join(" · ");
    const name = plan.minus ? `${label} − ${gv.look.variant_labels[plan.minus.variant]}` : label;
    gv.words.fill(`title-${slot}`, where, element("h2", "", isCompared ? name : gv.words.pairTitle(plan.x, plan.y)), element("span", "gv-sub", where));
    const sentences = gv.plain.sentencesOf(page, plan, frame).join(" ");
    gv.words.fill(`caption-${slot}`, sentences, element("p", "", sentences));
    const veil = whyEmpty(frame);
    gv.words.fill(`veil-${slot}`, veil, veil ? element("div", "gv-card", element("p", "", veil)) : null);
  }

  function whyEmpty(frame) {
    if (frame.difference) return frame.difference.equal === frame.u.length ? "The two fields are equal up to round-off: there is no difference to draw." : "";
    const reason = gv.words.reasonOfAllZero(frame);
    return reason ? (frame.zero_words ?? told.zero_messages[reason]) : "";
  }

  // Brings Plotly up to date with what is painted.
  function commit() {
    return Promise.all(page.panels.map(commitOne));
  }

  async function commitOne(panel) {
    const { graph, canvas, section, plan, frame, style, token } = panel;
    const box = canvas.getBoundingClientRect();
    const side = Math.max(120, Math.min(box.width - 130, box.height - 52));
    const { data, layout } = gv.figure.landscape(frame, { ...style, side }, { x: plan.x, y: plan.y }, token);
    const isFirst = !graph._fullLayout;
    await window.Plotly.react(graph, data, layout, config);
    if (isFirst) gv.zoom.listen(graph);
    if (panel.token !== token) return; // the slider has moved on
    gv.paint.clear(canvas);
    section.dataset.state = whyEmpty(frame) ? "zero" : "ready";
    section.dataset.index = frame.index;
  }

  const indices = [...page.panels[0].frames.keys()];
  const slider = gv.scrubber.create(document.getElementById("scrubber"), {
    name: step,
    label: step === "epoch" ? "Epoch" : "Minibatch, counted from 0",
    names: told.over,
    told: (place) => indices[place],
    onMove: (place) => ((page.view[step] = indices[place]), draw()),
    onRelease: commit,
    onIntent: () => {},
    ready: () => true,
  });

  slider.setRange(0, indices.length - 1);
  slider.set(indices.indexOf(told.first));
  draw();
  commit();
})();
