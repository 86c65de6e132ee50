// What Dash calls (see gradviz/dashboard/callbacks): thin, and without state of their own.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const none = () => window.dash_clientside.no_update;

  // In the order of CONTROLS in gradviz/dashboard/callbacks/opening.py.
  const FIELDS = [
    "view", "variant", "compared", "x_a", "y_a", "x_b", "y_b", "minibatch_size", "mode", "masks", "seed", "half_width",
    "points", "under", "length", "range",
  ];
  const AS_TEXT = ["minibatch_size", "points"]; // controls whose values are texts

  // The page begins: constants are here, the address is read, the runs are asked for.
  function readAddress({ look, keys, zero_messages: zeroMessages }) {
    Object.assign(gv, { look, keys, zeroMessages });
    gv.runs.ask();
    return gv.address.current();
  }

  function setControls(opened) {
    gv.stage.open(opened);
    return FIELDS.map((name) => (AS_TEXT.includes(name) ? `${opened.view[name]}` : opened.view[name]));
  }

  function choose(...values) {
    const opened = values.pop();
    if (!opened) return none();
    const choices = Object.fromEntries(FIELDS.map((name, k) => [name, AS_TEXT.includes(name) ? Number(values[k]) : values[k]]));
    for (const name of ["seed", "half_width"]) if (!Number.isFinite(choices[name])) delete choices[name];
    for (const [name, value] of Object.entries(choices)) if (value === null || value === undefined) delete choices[name];
    if (choices.compared && !choices.compared.length) delete choices.compared;
    gv.stage.choose(choices);
    showLayers();
    return choices;
  }

  // The layer buttons say where the parameters are.
  function showLayers() {
    const { view, runs } = gv.stage.page;
    const run = runs[view.variant];
    if (!run) return;
    const data = [...run.hidden.keys(), "output"].map((layer) => ({ value: `${layer}`, label: `${layer}` }));
    for (const side of ["a", "b"]) {
      const [a, b] = [view[`x_${side}`], view[`y_${side}`]].map(gv.parameters.layerOf);
      window.dash_clientside.set_props(`layer-${side}`, { data, value: a === b ? a : "" });
    }
  }

  function pickLayer(layer, x, y) {
    const { view, runs } = gv.stage.page;
    const run = view && runs[view.variant];
    const isThere = gv.parameters.layerOf(x) === layer && gv.parameters.layerOf(y) === layer;
    if (!layer || !run || isThere) return [none(), none()];
    return gv.parameters.defaultPair(layer, run);
  }

  async function suggest(search, value) {
    const { view, runs } = gv.stage.page;
    const run = view && runs[view.variant];
    if (!run) return value ? [{ value, label: value }] : [];
    await gv.parameters.learnActivity(view.variant, view.epoch);
    return gv.parameters.suggestions(search, value, run);
  }

  function toggleControls(opened, navbar) {
    return { ...navbar, collapsed: { mobile: !opened } };
  }

  // The buttons of the training view; returns whether the question before deleting is open.
  async function train() {
    const [trigger] = window.dash_clientside.callback_context.triggered.map(({ prop_id: id }) => id.split(".")[0]);
    if (trigger === "train-again") return true;
    const action = { "train-start": "start", "train-stop": "stop", "again-confirm": "start_again" }[trigger];
    if (action) await gv.status.act(action);
    return false;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.gradviz = { readAddress, setControls, choose, pickLayer, suggest, toggleControls, train };
})();
