// The controls where the window is narrow: a sheet over the foot of the page, above which the pictures are still seen.

import { setProps } from "../page/dash.js";
import { button, element } from "../page/dom.js";
import { dragAlong } from "../page/drag.js";

const FAR = 48; // pixels down: the sheet is put away

/** Brings the page in line with whether the controls are open. @param {boolean} isOpen */
export function showSheet(isOpen) {
  document.body.dataset.sheet = isOpen ? "on" : "off";
  const handle = document.getElementById("sheet-handle");
  if (!handle.firstChild) fill(handle);
  if (isOpen) handle.querySelector("button").focus({ preventScroll: true });
}

function close() {
  setProps("burger", { opened: false });
  document.getElementById("burger").focus({ preventScroll: true });
}

function fill(handle) {
  const grip = button("", close, "gv-sheet-grip");
  grip.append(element("i"), element("span", "gv-hidden", "Close the controls"));
  handle.append(grip);
  let from = null;
  let down = 0;
  const sheet = handle.parentElement;
  dragAlong(handle, {
    go({ clientY }) {
      from ??= clientY;
      down = Math.max(0, clientY - from);
      sheet.style.translate = `0 ${down}px`;
    },
    onEnd() {
      sheet.style.translate = "";
      from = null;
      if (down > FAR) close();
      down = 0;
    },
  });
}

document.addEventListener("keydown", (event) => {
  const isOpen = document.body.dataset.sheet === "on" && document.getElementById("burger").checkVisibility();
  if (!isOpen || event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], .gv-help[open]")) return;
  close();
  event.preventDefault();
}, true);
