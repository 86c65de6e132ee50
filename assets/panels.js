// One panel of the page: what it is to show, what it shows, and how the picture and the words get there.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  let tokens = 0;

  // A panel's place on the page. `plan` is {variant, x, y, lacking, epochs: stack, minibatches: stack or null, style}.
  function create(slot) {
    return { slot, plan: null, frame: null, token: 0, painted: false, committed: false, listening: null };
  }

  function graphOf(panel) {
    const graph = document.querySelector(`#graph-${panel.slot} .js-plotly-plot`);
    if (graph && graph.on && panel.listening !== graph) {
      panel.listening = graph;
      gv.paint.watch(canvasOf(panel), () => fit(panel));
      graph.on("plotly_afterplot", () => settled(panel, graph));
      gv.zoom.listen(graph);
    }
    return graph;
  }

  function canvasOf(panel) {
    return document.getElementById(`canvas-${panel.slot}`);
  }

  // Draws at once on the canvas; Plotly follows with `commit`.
  function paint(panel, frame, style) {
    panel.frame = frame;
    panel.style = style;
    panel.token = ++tokens;
    panel.painted = gv.paint.paint(canvasOf(panel), graphOf(panel), frame, style);
    panel.committed = false;
    return panel.painted;
  }

  // Brings Plotly up to date with what is painted.
  function commit(panel) {
    if (!panel.frame || panel.committed) return;
    panel.committed = true;
    const { plan, frame, style, token } = panel;
    panel.side = sideOf(panel);
    const figure = gv.figure.landscape(frame, { ...style, side: panel.side }, { x: plan.x, y: plan.y }, token);
    const show = () => {
      if (token !== panel.token) return; // something newer is painted, and is committed in its turn
      window.dash_clientside.set_props(`graph-${panel.slot}`, { figure });
      awaitGraph(panel);
    };
    const graph = graphOf(panel);
    if (showsOtherPart(graph, style.part)) goToPart(graph, style.part).then(show);
    else show();
  }

  // What is left for the plane in a picture of this size.
  function sideOf(panel) {
    const { width, height } = gv.paint.sizeOf(canvasOf(panel));
    return Math.max(120, Math.min(width - 130, height - 52));
  }

  // The picture has another size: Plotly makes the plane fit, and its colour bar is given the plane's length.
  function fit(panel) {
    if (!panel.plan || !panel.frame || Math.abs(sideOf(panel) - panel.side) < 1) return;
    panel.committed = false;
    gv.pictures.commitSoon();
  }

  function showsOtherPart(graph, part) {
    const shown = graph?._fullLayout?.meta?.part;
    return shown !== undefined && shown !== gv.zoom.nameOf(part);
  }

  // plotly.js remembers the range that an axis first had and stretches a narrower one towards it, unless it is told of
  // the new range by itself.
  function goToPart(graph, { x, y }) {
    return window.Plotly.relayout(graph, { "xaxis.range": [...x], "yaxis.range": [...y] });
  }

  // At the page's first picture, plotly.js may still be on its way.
  function awaitGraph(panel) {
    const graph = graphOf(panel);
    if (graph && graph._fullLayout) settled(panel, graph);
    else requestAnimationFrame(() => awaitGraph(panel));
  }

  // Plotly has drawn: the canvas goes, unless something newer is on it.
  function settled(panel, graph) {
    const meta = graph.layout && graph.layout.meta;
    if (!meta || meta.token !== panel.token) return;
    gv.paint.clear(canvasOf(panel));
    const section = document.getElementById(`panel-${panel.slot}`);
    section.dataset.drawn = meta.token;
    section.dataset.index = panel.frame.index;
    const title = document.getElementById(`title-${panel.slot}`).innerText.replace(/\s*\n\s*/g, ", ");
    gv.numbers.show(`numbers-${panel.slot}`, gv.numbers.ofField(title, panel.frame, panel.style.halfWidth));
  }

  function say(panel, { title, sentences, veil }) {
    const { element, fill, refill } = gv.words;
    const { slot } = panel;
    refill(`title-${slot}`, title.join("|"), element("h2", "", title[0]), element("span", "gv-sub", title[1]));
    refill(`caption-${slot}`, sentences.join(" "), element("p", "", sentences.join(" ")));
    const section = document.getElementById(`panel-${slot}`);
    section.dataset.state = veil ? veil.state : "ready";
    fill(`veil-${slot}`, veil ? veil.key : "", veil ? veilCard(veil) : null);
  }

  function veilCard({ state, text, actions = [] }) {
    const { element, button } = gv.words;
    if (state === "loading") return element("div", "gv-skeleton", element("span", "gv-hidden", text));
    const buttons = actions.map(([label, action]) => button(label, action));
    return element("div", "gv-card", element("p", "", text), buttons.length ? element("div", "gv-actions", ...buttons) : null);
  }

  gv.panels = { create, paint, commit, graphOf, say };
})();
