// Figures for print, in the dialog of exports: how wide they are, in which colours, which panels they have; and the
// recipe, from which `gradviz figure` makes the same figure again.

import { minibatchWords } from "../pure/rows.js";
import { button, element } from "../page/dom.js";
import { partOf } from "../page/cosines.js";
import { saveFile } from "../page/download.js";
import { isMinibatchesView, numMinibatches, page } from "../page/state.js";
import { copied } from "./copyas.js";

const WIDTHS = { 3.25: "3.25 in, a column", 5.5: "5.5 in, the text", 6.75: "6.75 in, the page", "": "as on a screen" };
const COLOURS = { viridis: "Viridis", "okabe-ito": "Okabe–Ito", grey: "Greys" };
const FEW = 4; // panels beside each other, of minibatches or epochs

// The rows of the group. `make(values)` makes a file of the panels on show, `bodyOf(values)` is what that asks for;
// `over`: the values that say what gives colours their scale; `buttons`: those that wait while a file is made.
export function printRows(shown, { make, bodyOf, buttons, caption }, over) {
  const width = choice("Width", WIDTHS, shown.length > 1 ? "6.75" : "3.25");
  const colours = choice("Colours", COLOURS, "viridis");
  const panels = choice("Panels", panelChoices(shown), "");
  const titles = element("input");
  titles.type = "checkbox";
  titles.checked = true;
  const values = (kind) => ({
    kind, ...over(), colours: colours.value, titles: titles.checked, ...panelsOf(panels.value, shown),
    ...(width.value ? { width_in: Number(width.value), scheme: "light" } : {}), // what is printed lies on white paper
  });
  const files = ["pdf", "svg"].map((kind) => {
    const one = button(kind.toUpperCase(), () => make(values(kind)));
    if (kind === "svg") one.setAttribute("aria-label", "SVG for print"); // there is one of the page as it is
    return one;
  });
  const recipe = button("Recipe", () => saveRecipe(bodyOf(values("pdf"))));
  recipe.title = "A file from which `gradviz figure` makes this figure";
  buttons.push(...files);
  return [
    row("Panels", panels, element("label", "gv-titles", titles, "titles")),
    row("Width and colours", width, colours),
    row("With caption and real text", ...files, recipe),
    caption,
  ];
}

// What there is to copy beside a figure.
export function showCaption(host, text) {
  const area = element("textarea", "gv-recipe");
  Object.assign(area, { readOnly: true, rows: 4, value: text });
  area.setAttribute("aria-label", "Caption");
  const said = element("span", "gv-said");
  said.setAttribute("role", "status");
  const copy = button("Copy caption", () => copied(area, said), "gv-button gv-copy");
  host.replaceChildren(element("div", "gv-tabs", element("span", "", "Caption"), said, copy), area);
}

function row(text, ...controls) {
  return element("div", "gv-export-row", element("span", "", text), element("span", "gv-actions", ...controls));
}

function choice(name, options, chosen) {
  const made = element("select", "gv-speed", ...Object.entries(options).map(([value, text]) => new Option(text, value, value === chosen, value === chosen)));
  made.setAttribute("aria-label", `${name} of the figure`);
  return made;
}

function panelChoices(shown) {
  const isDifference = shown.some(({ plan }) => plan.minus);
  const first = shown[0].plan;
  const wide = Math.min(...shown.map(({ plan }) => (page.view.rows ? 1 : numMinibatches(plan.run))));
  const few = Math.min(FEW, wide);
  return {
    "": shown.length > 1 ? "as on show" : "this picture",
    ...(!isDifference && few > 1 ? { minibatches: `${few} minibatches in a row` } : {}),
    ...(!isDifference && epochsInRow(shown).length > 1 ? { epochs: `epochs ${epochsInRow(shown).join(", ")}` } : {}),
    ...(isMinibatchesView() && first ? { rose: "rose", matrix: "matrix of cosines", multiples: "all minibatches" } : {}),
  };
}

// Some of those that all have, evenly apart, with the first, the last and the one on show.
function epochsInRow(shown) {
  const [first, ...others] = shown.map(({ plan }) => page.runs[plan.run]?.epochs ?? []);
  const shared = first.filter((epoch) => others.every((epochs) => epochs.includes(epoch)));
  const even = Array.from({ length: FEW }, (_, k) => shared[Math.round((k * (shared.length - 1)) / (FEW - 1))]);
  const place = even.map((epoch) => Math.abs(epoch - page.view.epoch));
  const inner = place.slice(1, -1).indexOf(Math.min(...place.slice(1, -1))) + 1;
  if (shared.includes(page.view.epoch) && !even.includes(page.view.epoch)) even[inner] = page.view.epoch;
  return [...new Set(even)].sort((a, b) => a - b);
}

function panelsOf(wanted, shown) {
  if (wanted === "rose" || wanted === "multiples") return { content: wanted };
  if (wanted === "matrix") return { content: wanted, part: partOf(page.view, shown[0].plan)?.part ?? "pair" };
  const first = page.view.minibatch;
  const many = Math.min(...shown.map(({ plan }) => numMinibatches(plan.run)));
  const few = Math.min(FEW, many);
  const changes = {
    minibatches: () => Array.from({ length: few }, (_, k) => ({ minibatch: (first + k) % many })),
    epochs: () => epochsInRow(shown).map((epoch) => ({ epoch })),
  }[wanted]?.();
  if (!changes) return {};
  return { across: changes, columns: changes.length, share_scale: true };
}

function saveRecipe(body) {
  const [{ run, epoch }] = body.panels;
  const name = `${[...new Set(body.panels.map((panel) => panel.run))].length > 3 ? "figure" : run}-epoch-${epoch}-${minibatchWords(page.view).replaceAll(" ", "-")}.json`;
  saveFile(new Blob([`${JSON.stringify(body, null, 1)}\n`], { type: "application/json" }), name);
}
