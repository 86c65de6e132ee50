// What Dash calls (see gradviz/dashboard/callbacks): thin, and without state of their own.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  const none = () => window.dash_clientside.no_update;

  // In the order of CONTROLS in gradviz/dashboard/callbacks/opening.py.
  const FIELDS = [
    "view", "variant", "compared", "minibatch_size", "part", "mode", "masks", "seed", "half_width", "points", "under",
    "length", "range", "direction", "scales", "minus", "show", "curves",
  ];
  const AS_TEXT = ["minibatch_size", "points"]; // controls whose values are texts

  // Number inputs tell what is typed after a pause, and then, of two addresses within it, the first one's value again.
  const NUMBERS = { seed: "seed", half_width: "half-width" }; // field -> component
  const ECHO_MS = 1000;
  let openedAt = -Infinity;

  // The page begins: constants are here, the address is read, the runs are asked for.
  function readAddress({ look, keys, zero_messages: zeroMessages, exports }) {
    Object.assign(gv, { look, keys, zeroMessages });
    gv.exporting.offer(exports);
    gv.runs.ask();
    return gv.address.current();
  }

  function setControls(opened) {
    openedAt = performance.now();
    gv.stage.open(opened);
    return FIELDS.map((name) => (AS_TEXT.includes(name) ? `${opened.view[name]}` : opened.view[name]));
  }

  // A value that nobody has typed: the input is given the view's again.
  function isEcho(name, value) {
    const view = gv.page.view;
    const id = NUMBERS[name];
    if (performance.now() - openedAt > ECHO_MS || !view || value === view[name] || document.activeElement?.id === id) return false;
    window.dash_clientside.set_props(id, { value: view[name] });
    return true;
  }

  function choose(...values) {
    const opened = values.pop();
    if (!opened) return none();
    const choices = Object.fromEntries(FIELDS.map((name, k) => [name, AS_TEXT.includes(name) ? Number(values[k]) : values[k]]));
    for (const name of Object.keys(NUMBERS)) if (!Number.isFinite(choices[name]) || isEcho(name, choices[name])) delete choices[name];
    for (const [name, value] of Object.entries(choices)) if (value === null || value === undefined) delete choices[name];
    if (choices.compared && !choices.compared.length) delete choices.compared;
    gv.stage.choose(choices);
    return choices;
  }

  // A layer's button shows its first two biases, unless a pair of that layer is on show.
  function pickLayer(layer, id) {
    const { view, runs } = gv.stage.page;
    const run = view && runs[view.variant];
    const side = id.slice(-1);
    const [x, y] = [`x_${side}`, `y_${side}`];
    if (!layer || !run || (gv.parameters.layerOf(view[x]) === layer && gv.parameters.layerOf(view[y]) === layer)) return;
    const [first, second] = gv.parameters.defaultPair(layer, run);
    gv.stage.choose({ [x]: first, [y]: second });
  }

  function toggleControls(opened, navbar) {
    return { ...navbar, collapsed: { mobile: !opened } };
  }

  // The buttons of the training view; returns whether the question before deleting is open.
  async function train() {
    const [trigger] = window.dash_clientside.callback_context.triggered.map(({ prop_id: id }) => id.split(".")[0]);
    if (trigger === "train-again") return gv.training.askToStartAgain(), true;
    if (trigger === "train-start") await gv.training.act({ action: "start" });
    if (trigger === "train-stop") await gv.training.act({ action: "stop" });
    if (trigger === "confirm-yes") await gv.training.confirm();
    return false;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.gradviz = { readAddress, setControls, choose, pickLayer, toggleControls, train };
})();
