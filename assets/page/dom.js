// Elements of the page: made, filled, and changed as little as possible.

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

export function button(text, action, className = "gv-button") {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

// Replaces the inside of an island, unless it says so already.
export function fill(id, key, ...children) {
  const island = document.getElementById(id);
  if (!island || island.dataset.key === key) return;
  island.dataset.key = key;
  island.replaceChildren(...children.filter(Boolean));
}

// Other text in an element of text alone: as text that is changed, not as a new node, which costs styles.
export function say(one, text) {
  if (one.firstChild) one.firstChild.data = text;
  else one.append(text);
}

// Once the next frame has been painted: a task that is posted from an animation frame runs after its painting.
export function afterFrame(action) {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => action();
    channel.port2.postMessage(null);
  });
}

// As `fill`, of words alone: what has the same form gets other text, which costs no new styles and less of the layout.
export function refill(id, key, ...children) {
  const island = document.getElementById(id);
  if (!island || island.dataset.key === key) return;
  island.dataset.key = key;
  rewrite(island, children.filter(Boolean));
}

function rewrite(parent, children) {
  const old = parent.childNodes;
  if (old.length !== children.length || children.some((child, k) => child.nodeName !== old[k].nodeName || child.className !== old[k].className))
    return parent.replaceChildren(...children);
  children.forEach((child, k) => {
    if (child.nodeType !== Node.TEXT_NODE) rewrite(old[k], [...child.childNodes]);
    else if (old[k].data !== child.data) old[k].data = child.data;
  });
}

// What of an event's target, or around it, a selector names; null if nothing is.
export function closest({ target }, selector) {
  return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest(selector)) : null;
}

/** The element within another that plotly.js draws in, with what plotly.js adds to it. @returns {any} */
export function plotIn(id) {
  return document.querySelector(`#${id} .js-plotly-plot`);
}
