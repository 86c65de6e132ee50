// Whether the page is light or dark, and its colours.

import { look } from "../pure/look.js";

/** @returns {"dark" | "light"} */
export function scheme() {
  return document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light";
}

export function paletteNow() {
  return look.palettes[scheme()];
}

// Calls back when it has become the other.
export function watchScheme(onChange) {
  new MutationObserver(onChange).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
}
