// The run whose field is subtracted from the others, as a choice.

import { isComparable } from "../pure/difference.js";
import { setProps } from "../page/dash.js";
import { labelOf, page, shownRuns } from "../page/state.js";

// Offers the runs on show as references, where all of them have the parameters.
export function offerReferences() {
  const { minus } = page.view;
  const shown = shownRuns();
  const possible = shown.length > 1 && shown.every((name) => isComparable(page, name));
  const named = new Set(possible ? shown : []);
  if (minus !== "off") named.add(minus);
  const data = [{ value: "off", label: "off" }, ...[...named].map((name) => ({ value: name, label: labelOf(name) }))];
  setProps("minus", { data, disabled: !possible && minus === "off" });
}
