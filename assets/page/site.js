// Whether the page is a published site of static files (gradviz/publish), and what it says of what is not in it.

import { element } from "./dom.js";

/**
 * @typedef {object} Site
 * @property {Record<string, [string, string][]>} pairs of parameters, by run
 * @property {string[]} modes of the models
 * @property {string[]} masks of its pictures in train mode
 * @property {string[]} views
 * @property {string[]} lacks what is not in it, in words
 */

/** @type {Site | null} */
export const site = /** @type {any} */ (globalThis).gradvizSite ?? null;

const NEEDS_SERVER = "Not in this site: what gradviz computes or makes on request, where the runs are.";
const GROUPS = ["For print, the whole plane", "With a slider", "Numbers", "The same numbers again", "The same numbers and surfaces again"];

/** Greys out what a site cannot make of the dialog of exports, and says so. @param {HTMLElement} dialog */
export function greyExports(dialog) {
  for (const group of dialog.querySelectorAll("fieldset")) {
    if (!GROUPS.includes(group.querySelector("legend")?.textContent ?? "")) continue;
    group.disabled = true;
    group.title = NEEDS_SERVER;
  }
  dialog.firstElementChild?.after(element("p", "gv-sub gv-site-note", NEEDS_SERVER));
}
