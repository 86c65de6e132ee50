// Zoom and pan: the part of the plane that one picture is brought to, all pictures show.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const { page } = gv;

  let part = null; // {x: [from, to], y: [from, to]} in offsets from the checkpoint; null is the whole plane
  let forWidth = null; // the half width that it belongs to

  // The part on show of a plane of this half width.
  function partOf(halfWidth) {
    if (forWidth !== halfWidth) part = null;
    forWidth = halfWidth;
    return part ?? whole(halfWidth);
  }

  function whole(halfWidth) {
    const reach = 1.1 * halfWidth;
    return { x: [-reach, reach], y: [-reach, reach] };
  }

  function listen(graph) {
    graph.on("plotly_relayout", (change) => {
      const moved = Object.keys(change).some((key) => /^[xy]axis\.range/.test(key));
      if (moved) showPart({ x: [...graph._fullLayout.xaxis.range], y: [...graph._fullLayout.yaxis.range] });
    });
    graph.on("plotly_doubleclick", reset);
  }

  function showPart(next) {
    if (!page.view || isSame(next, partOf(page.view.half_width))) return;
    part = next;
    follow();
  }

  function reset() {
    if (!part) return;
    part = null;
    follow();
  }

  // All pictures are brought there; what is drawn afterwards has it from `partOf`.
  function follow() {
    const { x, y } = partOf(page.view.half_width);
    const graphs = page.panels.flatMap(({ plan, slot }) => (plan && document.querySelector(`#graph-${slot} .js-plotly-plot`)) || []);
    const moves = graphs.filter((graph) => graph._fullLayout).map((graph) => window.Plotly.relayout(graph, { "xaxis.range": [...x], "yaxis.range": [...y] }));
    show();
    Promise.all(moves).then(gv.stage.redraw);
  }

  function nameOf(one) {
    return JSON.stringify([one.x, one.y]);
  }

  function isSame(a, b) {
    return ["x", "y"].every((axis) => a[axis].every((end, k) => Math.abs(end - b[axis][k]) < 1e-9 * Math.abs(b[axis][1] - b[axis][0])));
  }

  function show() {
    for (const { slot } of page.panels)
      gv.words.fill(`zoomed-${slot}`, part ? "zoomed" : "", part ? gv.words.button("Whole plane", reset) : null);
  }

  // A finger on a picture scrolls the page, two zoom all of it: plotly.js would take both. A tap reaches it as a click.
  document.addEventListener("touchstart", (event) => {
    if (event.target.closest?.(".gv-picture, .gv-loss")) event.stopPropagation();
  }, { capture: true, passive: true });

  // Keys that work wherever nothing else wants them: in, out, back, and along.
  function move(factor, [across, up] = [0, 0]) {
    const whither = {};
    for (const [axis, step] of [["x", across], ["y", up]]) {
      const [from, to] = partOf(page.view.half_width)[axis];
      const [middle, half] = [(from + to) / 2 + (step * (to - from)) / 10, ((to - from) / 2) * factor];
      whither[axis] = [middle - half, middle + half];
    }
    const all = whole(page.view.half_width);
    if (whither.x[1] - whither.x[0] > 0.999 * (all.x[1] - all.x[0])) reset();
    else showPart(whither);
  }

  const KEYS = {
    "+": () => move(0.5), "=": () => move(0.5), "-": () => move(2), 0: reset,
    ArrowLeft: () => move(1, [-1, 0]), ArrowRight: () => move(1, [1, 0]), ArrowUp: () => move(1, [0, 1]), ArrowDown: () => move(1, [0, -1]),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !page.view || !page.panels.some(({ plan }) => plan)) return;
    if (event.target.closest?.("input, select, textarea, button, [role=dialog], [contenteditable]")) return;
    const isArrow = event.key.startsWith("Arrow");
    if (!KEYS[event.key] || (isArrow && !event.shiftKey)) return;
    KEYS[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }, true);

  gv.zoom = { partOf, nameOf, listen, reset };
})();
