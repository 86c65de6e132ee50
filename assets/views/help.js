// Help cards and folded groups of the sidebar: `details` elements that close as one expects.

import { closest, element } from "../page/dom.js";

/** The button and the card that explain something, a paragraph each line. @param {string} name @param {string[]} lines */
export function helpCard(name, lines) {
  const open = element("summary", "", "?");
  open.setAttribute("aria-label", name);
  return element("details", "gv-help", open, element("div", "gv-help-card", ...lines.map((line) => element("p", "", line))));
}

/** @param {HTMLDetailsElement} card */
function close(card) {
  card.open = false;
  card.querySelector("summary").focus();
}

document.addEventListener("keydown", (event) => {
  const card = event.key === "Escape" && closest(event, ".gv-help[open]");
  if (!(card instanceof HTMLDetailsElement)) return;
  close(card);
  event.preventDefault(); // what the card lies in stays open
});

// One card at a time, and none after a click elsewhere.
document.addEventListener("click", (event) => {
  const clicked = closest(event, ".gv-help[open]");
  const cards = /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll(".gv-help[open]"));
  for (const card of cards) if (card !== clicked) card.open = false;
});

// The event does not bubble: it is heard on its way down.
document.addEventListener("toggle", ({ target }) => {
  if (target instanceof HTMLDetailsElement && target.open && target.matches(".gv-help, .gv-fold")) target.lastElementChild.scrollIntoView({ block: "nearest" });
}, true);
