// Under the two parameters of a picture: the first two of their layer, the nearest that are alive where one is dead, and
// their full names to copy.

import { hasDirections } from "../pure/axes.js";
import { defaultPair, hasUnits, layerOf } from "../pure/parameters.js";
import { shortPair } from "../pure/shortnames.js";
import { tensorOf } from "../pure/tensors.js";
import { conductor } from "../page/conductor.js";
import { button, element, fill } from "../page/dom.js";
import { page } from "../page/state.js";
import { showNearestLive } from "./livepair.js";

/** Brings both lines in line with the pictures. */
export function showPairLines() {
  for (const side of ["a", "b"]) {
    const [x, y] = [page.view[`x_${side}`], page.view[`y_${side}`]];
    const run = page.runs[page.view.run];
    const actions = run && x && y && !run.cannot ? actionsOf(side, x, y, run) : [];
    fill(`pair-line-${side}`, JSON.stringify([x, y, page.view.run, actions.map(({ key }) => key)]), ...actions.map(({ made }) => made()));
  }
}

function actionsOf(side, x, y, run) {
  const actions = [];
  const first = hasDirections({ x, y }) ? null : defaultPair(layerOf(x, run), run);
  if (first && (first[0] !== x || first[1] !== y)) actions.push(firstTwo(side, first, run));
  const plan = planOf(x, y);
  if (plan && hasDead(plan)) actions.push({ key: "live", made: () => link("nearest live pair", () => showNearestLive(plan.plan, side), "The nearest units of the same layer that are active, at this epoch") });
  actions.push({ key: "copy", made: () => link("copy names", (event) => copy(event.currentTarget, `${x}\n${y}`), `Copy ${x} and ${y}`) });
  return actions;
}

function firstTwo(side, pair, run) {
  const areBiases = pair.every((name) => tensorOf(name, run).kind === "bias");
  const text = areBiases ? "first two biases" : "first two";
  return { key: text, made: () => link(text, () => conductor.choose({ [`x_${side}`]: pair[0], [`y_${side}`]: pair[1] }), `${shortPair(pair[0], pair[1], run, true)}: what the layer's button shows`) };
}

function planOf(x, y) {
  return page.panels.find(({ plan, shown }) => plan && shown && plan.x === x && plan.y === y);
}

// Whether one of the two is of a unit that is active on no row of the minibatch at ○.
function hasDead({ plan, shown }) {
  return [[plan.x, shown.x_active], [plan.y, shown.y_active]].some(([name, share]) => share === 0 && hasUnits(name, plan.network));
}

function link(text, action, title) {
  const made = button(text, action, "gv-link");
  made.title = title;
  return made;
}

async function copy(pressed, text) {
  try {
    await navigator.clipboard.writeText(text);
    pressed.textContent = "copied";
  } catch {
    pressed.replaceWith(element("span", "gv-names", text));
  }
}
