// A pointer held down: followed until it is let go, wherever that happens, and also if nobody is told that it was.

/**
 * Calls go(event) where the pointer is pressed on `host` and along its way, onEnd() when it is let go. `wants(event)`:
 * whether a press is meant. Listens on the way down, before whatever lies in `host`.
 * @param {HTMLElement} host
 * @param {{wants?: (event: PointerEvent) => boolean, go: (event: PointerEvent) => void, onEnd?: () => void}} answers
 */
export function dragAlong(host, { wants = () => true, go, onEnd = () => {} }) {
  let pointer = null;
  const end = () => {
    if (pointer === null) return;
    pointer = null;
    onEnd();
  };
  host.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !wants(event)) return;
    pointer = event.pointerId;
    go(event);
  }, true);
  window.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    if (event.buttons & 1) go(event);
    else end(); // let go outside the window, over a menu, …
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) window.addEventListener(name, (event) => event.pointerId === pointer && end());
  window.addEventListener("blur", end);
}
