// The landscape of the minibatch that made a step, at the checkpoint where all replicas begin: drawn when somebody opens it.

import { isDirection } from "../pure/axes.js";
import { number } from "../pure/formats.js";
import { partsAt } from "../pure/frame.js";
import { pairName } from "../pure/parameters.js";
import { planeIn } from "../pure/plane.js";
import { frameOfStep, partOfStep, styleOfStep } from "../pure/steplandscape.js";
import { isOutcome } from "../page/api.js";
import { element } from "../page/dom.js";
import { landscapeOfStep } from "../page/paths.js";
import { page } from "../page/state.js";
import { paintSmall, preparedContext, sizeOfCanvas } from "./paint.js";

let isOpen = false; // the next step shows its own at once

/** What opens it; null for a network that has no two parameters to draw. @param {{condition: string, replica: number, step: number}} at @param {AbortSignal} signal */
export function landscapeOf(at, signal) {
  const pair = pairOnShow();
  if (!pair) return null;
  const body = element("div", "gv-paths-landscape");
  const details = element("details", "gv-paths-rows", element("summary", "", "Its landscape at the checkpoint"), body);
  details.open = isOpen;
  let isAsked = false;
  const ask = () => {
    isOpen = details.open;
    if (!isOpen || isAsked) return;
    isAsked = true;
    draw(body, at, pair, signal);
  };
  details.addEventListener("toggle", ask);
  ask();
  return details;
}

// Of the left picture in Explore, if both are parameters; else what is suggested for the run.
function pairOnShow() {
  const { x_a: x, y_a: y, run } = page.view;
  return x && y && !isDirection(x) && !isDirection(y) ? [x, y] : (page.runs[run]?.suggested?.a ?? null);
}

async function draw(body, at, pair, signal) {
  body.replaceChildren(element("p", "gv-sub", "Computing…"));
  try {
    const frame = frameOfStep(await landscapeOfStep(at, pair, signal));
    const canvas = element("canvas", "");
    canvas.setAttribute("role", "img");
    const words = wordsOf(frame, pair);
    canvas.setAttribute("aria-label", words.join(" "));
    body.replaceChildren(canvas, element("div", "gv-sub", ...words.map((text) => element("p", "", text))));
    paint(canvas, frame);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!isOutcome(error)) throw error;
    body.replaceChildren(element("p", "gv-error", error.message));
  }
}

function paint(canvas, frame) {
  const { width, height } = sizeOfCanvas(canvas);
  paintSmall(preparedContext(canvas), planeIn({ left: 0, top: 0, width, height }, partOfStep(frame)), frame, styleOfStep(frame, page.view));
}

function wordsOf(frame, [x, y]) {
  const middle = (frame.u.length - 1) / 2;
  const [u, v] = partsAt(frame, middle);
  return [
    `Gradients of these ${frame.num_rows} rows, ${pairName(x, y, page.runs[page.view.run])}: across x₁ = ${x}, up x₂ = ${y}, ± ${number(frame.halfWidth, 1)} around the checkpoint, in eval mode.`,
    `At the checkpoint ∂J/∂x₁ = ${number(u)}, ∂J/∂x₂ = ${number(v)}, J = ${number(frame.loss[middle], 4)}.`,
  ];
}
