// A few lines at the pointer, or at what the keyboard has gone to; screen readers are told the same.

import { element } from "../page/dom.js";

// Shows `lines` beside a point of `host` (CSS pixels from its corner), within the window.
export function showTip(host, [x, y], lines) {
  const tip = document.getElementById("tip");
  tip.replaceChildren(...lines.map((line, k) => element(k ? "span" : "b", "", line)));
  tip.hidden = false;
  const box = host.getBoundingClientRect();
  const [width, height] = [tip.offsetWidth, tip.offsetHeight];
  const left = box.left + x + 14 + width > window.innerWidth ? box.left + x - 14 - width : box.left + x + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(window.innerHeight - height - 4, box.top + y + 10))}px`;
}

export function hideTip() {
  document.getElementById("tip").hidden = true;
}
