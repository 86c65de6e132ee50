// From where surfaces are seen: the side to which one picture is turned, all pictures show.

import { FIRST, isSameCamera, turned } from "../pure/camera.js";
import { isSurface } from "../pure/surface.js";
import { closest, plotIn } from "../page/dom.js";
import { page } from "../page/state.js";

const TURN = Math.PI / 24; // of a key

let camera = FIRST;
let isDrawable = null; // asked of the browser once
const listeners = [];

export function cameraNow() {
  return camera;
}

/** Whether surfaces are seen from where they are at first. */
export function isTurned() {
  return !isSameCamera(camera, FIRST);
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

export function listenForTurns(graph) {
  for (const event of ["plotly_relayouting", "plotly_relayout"])
    graph.on(event, (change) => change["scene.camera"] && lookFrom(change["scene.camera"], graph));
}

// Brings the surfaces of all other pictures there.
function lookFrom(next, from = null) {
  if (isSameCamera(next, camera)) return;
  const { eye, center, up } = next;
  camera = { eye: { ...eye }, center: { ...center }, up: { ...up } };
  for (const { plan, slot } of page.panels) {
    const graph = plan && plotIn(`graph-${slot}`);
    if (graph && graph !== from && graph._fullLayout?.scene) window.Plotly.relayout(graph, { "scene.camera": camera });
  }
  for (const listener of listeners) listener();
}

export function resetCamera() {
  lookFrom(FIRST);
}

/** What the keys do that move a flat picture. @type {Record<string, () => void>} */
export const TURNS = {
  "+": () => lookFrom(turned(camera, { factor: 0.8 })), "=": () => lookFrom(turned(camera, { factor: 0.8 })),
  "-": () => lookFrom(turned(camera, { factor: 1.25 })), 0: resetCamera,
  ArrowLeft: () => lookFrom(turned(camera, { around: -TURN })), ArrowRight: () => lookFrom(turned(camera, { around: TURN })),
  ArrowUp: () => lookFrom(turned(camera, { over: TURN })), ArrowDown: () => lookFrom(turned(camera, { over: -TURN })),
};

document.addEventListener("dblclick", (event) => {
  if (page.view && isSurface(page.view) && closest(event, ".gv-picture")) resetCamera();
});
