// The view for an audience: larger words and arrows, nothing beside the pictures, and keys for the next step.

import { conductor } from "../page/conductor.js";
import { button, closest, element } from "../page/dom.js";
import { stepSlider } from "../page/sliders.js";
import { isMinibatchesView, page } from "../page/state.js";

const HIGH = 0.0275; // of the window's height is the size of words, at most: of thirty-six lines one is read from the last row
const WIDE = 0.0155; // of its width, at most
const LEAST = 12; // pixels
const MOST = 34;
const PLAIN = 11; // pixels of the words in a picture that is not presented

let isFull = false; // the window was made to fill the screen by this

/** Whether the view is presented. */
export function isPresented() {
  return page.view?.present === "on";
}

/** How many times as large as plain the words of pictures are. */
export function largeNow() {
  return isPresented() ? Math.max(LEAST, Math.min(MOST, HIGH * window.innerHeight, WIDE * window.innerWidth)) / PLAIN : 1;
}

/** The button in the header, and the one that leads back. */
export function offerPresentation() {
  const opener = button("", () => present("on"), "gv-button gv-present-open");
  opener.append(element("i", "gv-present-screen"), element("span", "gv-hidden", "Present"));
  opener.title = "Present: larger words and arrows, nothing beside the pictures (P)";
  document.getElementById("present").replaceChildren(opener);
  const leave = button("Leave", () => present("off"), "gv-button gv-present-leave");
  leave.title = "Leave the presentation (Esc)";
  document.body.append(leave);
}

/** Brings the page in line with the view. */
export function showPresentation() {
  const now = isPresented() ? "on" : "off";
  if (document.body.dataset.present === now) return;
  document.body.dataset.present = now;
  if (now === "off") leaveFullScreen();
}

function present(next) {
  if (!page.view || page.view.present === next) return;
  if (next === "on") fillScreen();
  conductor.choose({ present: next });
  conductor.redraw();
}

// Where the browser lets it; the presentation does not depend on it.
async function fillScreen() {
  if (!document.fullscreenEnabled || document.fullscreenElement) return;
  try {
    await document.documentElement.requestFullscreen();
    isFull = true;
  } catch {
    isFull = false; // refused
  }
}

function leaveFullScreen() {
  if (isFull && document.fullscreenElement) document.exitFullscreen();
  isFull = false;
}

// The browser takes the Esc that ends a full screen.
document.addEventListener("fullscreenchange", () => {
  if (!isFull || document.fullscreenElement) return;
  isFull = false;
  present("off");
});

// Words follow the window's height.
window.addEventListener("resize", () => isPresented() && conductor.redraw());

// ---- keys -----------------------------------------------------------------------------------------------------

/** The next step or the last one: of whoever answers `gv-step` (a lesson that is open), else of the slider of the view. @param {number} by */
function step(by) {
  const isFree = document.dispatchEvent(new CustomEvent("gv-step", { detail: { by }, cancelable: true }));
  if (isFree) stepSlider(isMinibatchesView() ? "minibatch" : "epoch", by);
}

const KEYS = {
  PageDown: () => step(1), PageUp: () => step(-1), Escape: () => present("off"),
  ArrowDown: () => stepSlider(isMinibatchesView() ? "epoch" : "minibatch", 1), ArrowUp: () => stepSlider(isMinibatchesView() ? "epoch" : "minibatch", -1),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || !page.view) return;
  if (closest(event, "input:not([type=range]), select, textarea, details[open], [role=dialog], dialog, [contenteditable]")) return;
  if (event.key === "p" || event.key === "P") present(isPresented() ? "off" : "on");
  else if (isPresented() && KEYS[event.key] && !(event.key.startsWith("Arrow") && closest(event, "input, button, [role=group]"))) KEYS[event.key]();
  else return;
  event.preventDefault();
});
