// Buttons that open a dialog about what is on show: one that is pressed before the page knows that opens as soon as it does.

import { isViewAsked } from "./address.js";
import { closest } from "./dom.js";
import { page } from "./state.js";

let pressed = null; // what is opened then

document.addEventListener("click", () => (pressed = null), true); // who presses something else wants that

// `open` is given what the button says under `name`, as in data-pick="a".
export function onPress(name, open) {
  document.addEventListener("click", (event) => {
    const said = closest(event, `[data-${name}]`)?.dataset[name];
    if (said === undefined) return;
    pressed = () => open(said);
    openPressed();
  });
}

export function openPressed() {
  if (!page.view || !page.areRunsKnown || isViewAsked()) return;
  const open = pressed;
  pressed = null;
  open?.();
}
