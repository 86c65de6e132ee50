// What the dialog of exports is made of: its head, groups, rows, and buttons that make a file.

import { isOutcome } from "../page/api.js";
import { button, element } from "../page/dom.js";
import { showNotices } from "../page/notices.js";

/** The dialog's head; `of` says what is exported. @param {string} of @param {HTMLDialogElement} dialog */
export function head(of, dialog) {
  const title = element("h2", "", "Export");
  title.id = "export-title";
  const close = button("×", () => dialog.close(), "gv-close");
  close.setAttribute("aria-label", "Close");
  return element("header", "gv-dialog-head", title, element("span", "gv-sub", of), close);
}

/** A button for a kind of file; `of` says which of several. @param {string} kind @param {string} of @param {() => Promise<void>} make */
export function fileButton(kind, of, make) {
  const one = button(kind, () => saved(make));
  if (of) one.setAttribute("aria-label", `${kind} of ${of}`);
  return one;
}

export function group(name, ...children) {
  return element("fieldset", "gv-group", element("legend", "", name), ...children);
}

export function row(text, note, ...buttons) {
  return element("div", "gv-export-row", element("span", "", text), note ? element("span", "gv-sub", note) : null, element("span", "gv-actions", ...buttons));
}

/** What goes wrong with a file is a notice. @param {() => Promise<void>} action */
export async function saved(action) {
  try {
    await action();
  } catch (error) {
    if (error.name !== "AbortError") showNotices([error.message]);
    if (!(error.name === "AbortError" || isOutcome(error))) throw error;
  }
}
