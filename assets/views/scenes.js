// The gallery of scenes: views worth opening first, as the server finds them in the runs at hand, drawn from their numbers.

import { scaleOf } from "../pure/arrows.js";
import { squaresIn } from "../pure/squares.js";
import { isOutcome, jsonFrom } from "../page/api.js";
import { button, element } from "../page/dom.js";
import { fetchFrames } from "../page/frames.js";
import { onPress } from "../page/openers.js";
import { watchScheme } from "../page/scheme.js";
import { drawMultiples } from "./multiples.js";
import { sizeOfCanvas, watchCanvas } from "./paint.js";

const ASKED = ["run", "epoch", "x", "y", "minibatch", "minibatch_size", "mode", "masks", "seed", "half_width", "points"];
let dialog = null;
let asking = null; // of what the dialog shows; null while it is closed
let drawn = []; // () => draws a thumbnail again

function open() {
  if (!dialog) create();
  if (dialog.open) return;
  asking = new AbortController();
  dialog.showModal();
  show(asking.signal);
}

function create() {
  dialog = element("dialog", "gv-dialog gv-scenes");
  dialog.setAttribute("role", "dialog"); // the page's keys look for it
  dialog.setAttribute("aria-labelledby", "scenes-title");
  dialog.addEventListener("close", () => (asking?.abort(), (asking = null), (drawn = [])));
  document.body.append(dialog);
}

// One after the other: what is found is shown at once, and nothing of it is asked for while the dialog is closed.
async function show(signal) {
  const title = element("h2", "", "Scenes");
  title.id = "scenes-title";
  const close = button("×", () => dialog.close(), "gv-close");
  close.setAttribute("aria-label", "Close");
  const body = element("div", "gv-scenes-body");
  body.setAttribute("aria-busy", "true");
  dialog.replaceChildren(element("header", "gv-dialog-head", title, element("span", "gv-sub", "found in your runs; each opens its view"), close), body);
  try {
    const { scenes } = await jsonFrom("api/v1/scenes", { signal });
    const cards = scenes.map(({ scene, name }) => ({ scene, card: element("div", "gv-scene", element("div", "gv-scene-picture"), element("h3", "", name), element("p", "", "Looking for it…")) }));
    body.replaceChildren(...cards.map(({ card }) => card));
    for (const { scene, card } of cards) await fillCard(card, scene, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!isOutcome(error)) throw error;
    body.replaceChildren(element("p", "", error.message));
  }
  body.setAttribute("aria-busy", "false");
}

async function fillCard(card, scene, signal) {
  try {
    const told = await jsonFrom(`api/v1/scenes/${scene}`, { signal });
    if (told.reason) return sayNone(card, told.reason);
    const frames = new Map();
    for (const [k, panel] of told.panels.entries()) await fetchFrames(addressOf(panel), { signal, onFrame: (frame) => frame.error || frames.set(k, frame) });
    card.replaceWith(linkTo(told, frames));
  } catch (error) {
    if (!isOutcome(error)) throw error; // the dialog is closed
    sayNone(card, error.message);
  }
}

function sayNone(card, reason) {
  card.classList.add("gv-scene-none");
  card.querySelector("p").textContent = `Not found: ${reason}`;
}

function addressOf(panel) {
  const asked = Object.fromEntries(ASKED.map((name) => [name, `${panel[name]}`]));
  return `api/v1/frames?${new URLSearchParams({ ...asked, over: "epochs", only: `${panel.epoch}` })}`;
}

function linkTo({ name, caption, link, labels }, frames) {
  const canvas = element("canvas");
  const words = element("div", "gv-scene-labels", ...labels.map((label) => element("span", "", label)));
  const made = element("a", "gv-scene", element("div", "gv-scene-picture", canvas), labels.length ? words : null, element("h3", "", name), element("p", "", caption));
  made.href = link;
  const draw = () => {
    const { width, height } = sizeOfCanvas(canvas);
    const layout = squaresIn(frames.size, width, height);
    if (layout.columns >= frames.size) layout.head = Math.floor((height - layout.cell) / 2); // one row, in the middle
    if (width) drawMultiples(canvas, frames, layout, () => ({ under: "heat", length: "compressed", direction: "ascent", scale: scaleOf([...frames.values()]) }));
  };
  drawn.push(draw);
  watchCanvas(canvas, draw);
  return made;
}

onPress("scenes", open);
watchScheme(() => drawn.forEach((draw) => draw()));

// Back and forward may lead elsewhere.
window.addEventListener("popstate", () => dialog?.close());
