// The regularizer whose field is subtracted from the others, as a choice.

import { isComparable } from "../pure/difference.js";
import { look } from "../pure/look.js";
import { setProps } from "../page/dash.js";
import { page, shownVariants } from "../page/state.js";

// Offers the regularizers on show as references, where all of them have the parameters.
export function offerReferences() {
  const { minus } = page.view;
  const shown = shownVariants();
  const possible = shown.length > 1 && shown.every((variant) => isComparable(page, variant));
  const named = new Set(possible ? shown : []);
  if (minus !== "off") named.add(minus);
  const data = [{ value: "off", label: "off" }, ...[...named].map((name) => ({ value: name, label: look.variant_labels[name] ?? name }))];
  setProps("minus", { data, disabled: !possible && minus === "off" });
}
