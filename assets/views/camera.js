// From where surfaces are seen: the side to which one picture is turned, all pictures show. plotly.js turns by the time between
// its frames, which where no graphics card helps is a leap; here a surface follows the hand.

import { cameraOf, FIRST, isSameCamera, textOf, turned } from "../pure/camera.js";
import { isSurface } from "../pure/surface.js";
import { closest, plotIn } from "../page/dom.js";
import { dragAlong } from "../page/drag.js";
import { page } from "../page/state.js";

const TURN = Math.PI / 24; // of a key
const OF_A_PIXEL = Math.PI / 500; // of a drag
const OF_A_NOTCH = 1.0012; // of a wheel, for each of its pixels

let exact = FIRST; // where the hand has brought it: the view has it as a short text
let isDrawable = null; // asked of the browser once
let shown = null; // a frame in which surfaces are brought there
const listeners = [];

/** The camera of the view. */
export function cameraNow() {
  const text = page.view?.camera ?? null;
  if (text !== textOf(exact)) exact = cameraOf(text);
  return exact;
}

/** Whether surfaces are seen from elsewhere than at first. */
export function isTurned() {
  return !isSameCamera(cameraNow(), FIRST);
}

/** Calls back when surfaces are seen from elsewhere. @param {() => void} listener */
export function onTurn(listener) {
  listeners.push(listener);
}

/** What lies under the arrows of the large pictures: heat where the browser cannot draw a surface. */
export function underNow(view) {
  return isSurface(view) && !canDrawSurfaces() ? "heat" : view.under;
}

export function canDrawSurfaces() {
  isDrawable ??= Boolean(document.createElement("canvas").getContext("webgl"));
  return isDrawable;
}

// Brings the surfaces of all pictures there, once in a frame.
function lookFrom(next) {
  if (isSameCamera(next, cameraNow())) return;
  exact = next;
  page.view.camera = textOf(exact);
  shown ??= requestAnimationFrame(() => {
    shown = null;
    for (const { plan, slot } of page.panels) {
      const graph = plan && plotIn(`graph-${slot}`);
      if (graph?._fullLayout?.scene) window.Plotly.relayout(graph, { "scene.camera": cameraNow() });
    }
  });
  for (const listener of listeners) listener();
}

export function resetCamera() {
  lookFrom(FIRST);
}

function turn(move) {
  lookFrom(turned(cameraNow(), move));
}

// ---- keys, pointer, wheel and fingers -------------------------------------------------------------------------

/** What the keys do that move a flat picture. @type {Record<string, () => void>} */
export const TURNS = {
  "+": () => turn({ factor: 0.8 }), "=": () => turn({ factor: 0.8 }), "-": () => turn({ factor: 1.25 }), 0: resetCamera,
  ArrowLeft: () => turn({ around: -TURN }), ArrowRight: () => turn({ around: TURN }), ArrowUp: () => turn({ over: TURN }), ArrowDown: () => turn({ over: -TURN }),
};

function isOnSurface(event) {
  return Boolean(page.view && isSurface(page.view) && closest(event, ".gv-panel .gv-picture") && !closest(event, "button"));
}

const fingers = new Map(); // pointerId -> [x, y], of those on surfaces
let last = null; // where the pointer was that turns

dragAlong(document.body, {
  wants: isOnSurface,
  go({ clientX: x, clientY: y }) {
    if (last && fingers.size < 2) turn({ around: (last.x - x) * OF_A_PIXEL, over: (y - last.y) * OF_A_PIXEL });
    last = { x, y };
  },
  onEnd: () => (last = null),
});

// Two fingers that part come nearer.
function apart() {
  const [[ax, ay], [bx, by]] = [...fingers.values()];
  return Math.max(1, Math.hypot(bx - ax, by - ay));
}

document.addEventListener("pointerdown", (event) => isOnSurface(event) && fingers.set(event.pointerId, [event.clientX, event.clientY]), true);
document.addEventListener("pointermove", ({ pointerId, clientX, clientY }) => {
  if (!fingers.has(pointerId)) return;
  const before = fingers.size === 2 ? apart() : null;
  fingers.set(pointerId, [clientX, clientY]);
  if (before) turn({ factor: before / apart() });
});
for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) window.addEventListener(name, ({ pointerId }) => fingers.delete(pointerId));
window.addEventListener("blur", () => fingers.clear());

document.addEventListener("wheel", (event) => {
  if (!isOnSurface(event)) return;
  event.preventDefault();
  event.stopPropagation();
  turn({ factor: OF_A_NOTCH ** event.deltaY });
}, { passive: false, capture: true });

document.addEventListener("dblclick", (event) => isOnSurface(event) && resetCamera());
