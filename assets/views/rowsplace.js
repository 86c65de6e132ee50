// Where the panel of rows is: of which picture, beside it over whole pictures there, or as a sheet over the page's foot.

import { isGrid } from "../page/plans.js";
import { page } from "../page/state.js";

/** The names of the panel of each picture, in the address. */
export const NAMES = ["rows", "rows-2", "rows-3"];

const LEAST_BESIDE = 320; // pixels that the panel needs beside its picture; else it is a sheet
const GOOD_BESIDE = 400;

/** The picture whose rows are open; null where none are. @returns {number | null} */
export function slotNow() {
  const slot = NAMES.indexOf(page.view?.panel ?? "off");
  return slot >= 0 && !isGrid() && page.panels[slot]?.plan ? slot : null;
}

/** Its plan. */
export function planNow() {
  const slot = slotNow();
  return slot === null ? null : page.panels[slot].plan;
}

export function host() {
  return document.getElementById("rows");
}

/** Puts the panel where it has room; a picture that a sheet would hide is scrolled above it. @param {number} slot */
export function place(slot) {
  const room = host().parentElement.getBoundingClientRect();
  const own = document.getElementById(`panel-${slot}`).getBoundingClientRect();
  const [before, after] = [own.left - room.left, room.right - own.right];
  const isSheet = Math.max(before, after) < LEAST_BESIDE;
  const isNew = document.body.dataset.beside !== "sheet";
  host().classList.toggle("gv-sheet", isSheet);
  document.body.dataset.beside = isSheet ? "sheet" : "beside";
  if (isSheet) {
    host().removeAttribute("style");
    if (isNew) showAbove(slot);
    return;
  }
  const isAfter = after >= before;
  const edges = page.panels.filter(({ plan }, other) => plan && other !== slot).map(({ slot: other }) => document.getElementById(`panel-${other}`).getBoundingClientRect());
  const widths = edges.map(({ left, right }) => (isAfter ? right - own.right : own.left - left)).filter((width) => width >= GOOD_BESIDE);
  const width = Math.min(isAfter ? after : before, ...widths);
  Object.assign(host().style, { left: `${isAfter ? own.right - room.left + 1 : own.left - room.left - width}px`, width: `${width - 1}px` });
}

function showAbove(slot) {
  const panel = document.getElementById(`panel-${slot}`);
  const first = panel.querySelector(".gv-head") ?? panel;
  /** @type {HTMLElement} */ (first).style.scrollMarginTop = "calc(var(--app-shell-header-height, 48px) + 4px)";
  first.scrollIntoView({ block: "start" });
}

new ResizeObserver(() => slotNow() !== null && place(slotNow())).observe(document.body);

/** What lies under the panel is not in the order of Tab. @param {number | null} slot null: the panel is closed */
export function cover(slot) {
  const box = slot === null || document.body.dataset.beside === "sheet" ? null : host().getBoundingClientRect();
  for (const { slot: other } of page.panels) {
    const panel = document.getElementById(`panel-${other}`);
    const own = panel.getBoundingClientRect();
    panel.inert = box !== null && other !== slot && own.left < box.right - 2 && own.right > box.left + 2;
  }
}

/** The panel is closed: its room is the page's again. */
export function leave() {
  document.body.dataset.beside = "off";
  host().removeAttribute("style");
  cover(null);
}
