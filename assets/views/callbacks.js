// What Dash calls (see gradviz/dashboard/callbacks): thin, and without state of their own.

import { choicesOf, heldOf, valuesOf } from "../pure/fields.js";
import { begin } from "../pure/look.js";
import { addressNow, setFields, viewFields } from "../page/address.js";
import { conductor } from "../page/conductor.js";
import { setProps } from "../page/dash.js";
import { askForRuns } from "../page/runs.js";
import { page } from "../page/state.js";
import { offerExport } from "./exporting.js";
import { showLayer } from "./layers.js";
import { offerPresentation } from "./present.js";
import { showSheet } from "./sheet.js";
import { openView } from "./stage.js";
import { act, askToStartAgain, confirmAsked } from "./training.js";

const none = () => window.dash_clientside.no_update;

// Number inputs tell what is typed after a pause, and then, of two addresses within it, the first one's value again, however
// much later: what one tells that nobody has touched since the view was opened is no choice.
const touched = new Set(); // ids
for (const event of ["focusin", "input", "keydown", "pointerdown"]) {
  document.addEventListener(event, ({ target }) => {
    const input = target instanceof Element && target.closest(".mantine-NumberInput-root")?.querySelector("input");
    if (input) touched.add(input.id);
  }, true);
}

// The page begins: constants are here, the address is read, the runs are asked for.
export function readAddress({ look, costs, fields, zero_messages, exports }) {
  begin({ look, costs, zero_messages });
  setFields(fields);
  offerExport(exports);
  offerPresentation();
  askForRuns();
  return addressNow();
}

export function setControls(opened) {
  touched.clear();
  openView(opened);
  return valuesOf(opened.view, viewFields());
}

// A value that nobody has typed: the input is given the view's again.
function isEcho({ control: id, name, holds }, value) {
  const { view } = page;
  if (!view || value === view[name] || touched.has(id) || document.activeElement?.id === id) return false;
  setProps(id, { value: heldOf(view[name], holds) });
  return true;
}

export function choose(...values) {
  const opened = values.pop();
  if (!opened) return none();
  const choices = choicesOf(values, viewFields());
  for (const field of viewFields())
    if (field.holds.startsWith("typed number") && field.name in choices && isEcho(field, choices[field.name])) delete choices[field.name];
  conductor.choose(choices);
  return choices;
}

export function pickLayer(layer, id) {
  showLayer(layer, id.slice(-1));
}

export function toggleControls(opened, navbar) {
  showSheet(opened);
  return { ...navbar, collapsed: { mobile: !opened } };
}

// The buttons of the training view; returns whether the question before deleting is open.
export async function train() {
  const [trigger] = window.dash_clientside.callback_context.triggered.map(({ prop_id: id }) => id.split(".")[0]);
  if (trigger === "train-again") return askToStartAgain(), true;
  if (trigger === "train-start") await act({ action: "start" });
  if (trigger === "train-stop") await act({ action: "stop" });
  if (trigger === "confirm-yes") await confirmAsked();
  return false;
}

