// Numbers in a line, each with its name.

import { element } from "../page/dom.js";

export function factElement([name, value]) {
  return element("span", "gv-fact", element("b", "", name), ` ${value}`);
}

// What a screen reader says of the line.
export function spokenOf(line) {
  return [...line.children].map((fact) => fact.textContent).join(", ");
}
