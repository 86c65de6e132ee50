// How the numbers on show are had again: as lines for a shell or as Python, to copy.

import { jsonOf, post } from "../page/api.js";
import { button, element } from "../page/dom.js";

const FORMS = { command_lines: "Command line", python: "Python" };

// Fills `host` with the choice of form, the text and a button; `requests` are of the landscapes on show, `ground` is what
// becomes of their loss.
export function showRecipe(host, requests, ground) {
  const text = element("textarea", "gv-recipe");
  Object.assign(text, { readOnly: true, rows: 5, spellcheck: false, wrap: "off", value: "…" });
  text.setAttribute("aria-label", "Command line");
  const said = element("span", "gv-said");
  said.setAttribute("role", "status");
  const copy = button("Copy", () => copied(text, said), "gv-button gv-copy");
  copy.disabled = true;
  let recipe = null;
  const tabs = Object.entries(FORMS).map(([form, name]) => {
    const tab = button(name, () => choose(form), "gv-button gv-tab");
    tab.dataset.form = form;
    return tab;
  });

  function choose(form) {
    for (const tab of tabs) tab.setAttribute("aria-pressed", tab.dataset.form === form);
    text.setAttribute("aria-label", FORMS[form]);
    text.value = recipe?.[form] ?? "…";
    said.textContent = "";
  }

  host.replaceChildren(element("div", "gv-tabs", ...tabs, said, copy), text);
  choose("command_lines");
  post("api/v1/recipes", { panels: requests, ...ground }).then(jsonOf).then(
    (told) => {
      recipe = told;
      copy.disabled = false;
      choose(tabs.find((tab) => tab.getAttribute("aria-pressed") === "true").dataset.form);
    },
    (error) => (text.value = error.message),
  );
}

// Where the page may not write to the clipboard, the text is selected for the visitor to copy.
export async function copied(text, said) {
  try {
    await navigator.clipboard.writeText(text.value);
    said.textContent = "Copied.";
  } catch {
    text.focus();
    text.select();
    said.textContent = "Selected: copy it with Ctrl+C.";
  }
}
