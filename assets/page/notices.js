// Notices: one line each at the top of the pictures, until what they are about is over or they are closed.

import { button, element } from "./dom.js";

const MOST = 4;

// Says `sentences` in place of what was said about the same before; none: it is over.
export function showNotices(sentences, about = "") {
  const host = document.getElementById("notices");
  if (about) for (const notice of /** @type {HTMLElement[]} */ ([...host.children])) if (notice.dataset.about === about && !sentences.includes(textOf(notice))) notice.remove();
  for (const sentence of sentences) {
    if ([...host.children].some((notice) => textOf(notice) === sentence)) continue;
    const notice = element("div", "gv-notice", element("span", "", sentence));
    notice.dataset.about = about;
    const close = button("×", () => notice.remove(), "gv-close");
    close.setAttribute("aria-label", "Close");
    notice.append(close);
    host.append(notice);
  }
  while (host.children.length > MOST) host.firstChild.remove();
}

function textOf(notice) {
  return notice.firstChild.textContent;
}
