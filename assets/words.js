// What is said in plain words: titles, numbers, and why there is nothing to see.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  }

  function button(text, action, className = "gv-button") {
    const made = element("button", className, text);
    made.type = "button";
    made.addEventListener("click", action);
    return made;
  }

  // Replaces the inside of an island, unless it says so already.
  function fill(id, key, ...children) {
    const island = document.getElementById(id);
    if (!island || island.dataset.key === key) return;
    island.dataset.key = key;
    island.replaceChildren(...children.filter(Boolean));
  }

  // Other text in an element of text alone: as text that is changed, not as a new node, which costs styles.
  function say(one, text) {
    if (one.firstChild) one.firstChild.data = text;
    else one.append(text);
  }

  // As `fill`, of words alone: what has the same form gets other text, which costs no new styles and less of the layout.
  function refill(id, key, ...children) {
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

  function number(value, digits = 3) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    const text = size >= 1e4 || size < 1e-3 ? value.toExponential(digits - 1) : value.toPrecision(digits);
    return text.replace("-", "−");
  }

  function percent(share) {
    if (share > 0 && share < 0.005) return "<1 %";
    if (share < 1 && share > 0.995) return ">99 %";
    return `${Math.round(100 * share)} %`;
  }

  // "hidden layer 1", from the name of a parameter.
  function layerOf(parameter) {
    const match = /^hidden\.(\d+)\./.exec(parameter);
    return match ? `hidden layer ${match[1]}` : "output layer";
  }

  function pairTitle(x, y) {
    const [a, b] = [layerOf(x), layerOf(y)];
    const title = a === b ? a : `${a} × ${b}`;
    return title[0].toUpperCase() + title.slice(1);
  }

  function unitOf(parameter) {
    const match = /\[(\d+)/.exec(parameter);
    return match ? Number(match[1]) : 0;
  }

  // The reason that most zero arrows share, if all arrows are zero; 0 otherwise.
  function reasonOfAllZero(frame) {
    const counts = new Map();
    for (let k = 0; k < frame.isZero.length; k++) {
      if (!frame.isZero[k]) return 0;
      counts.set(frame.zeroReason[k], (counts.get(frame.zeroReason[k]) || 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1])[0][0];
  }

  gv.words = { element, button, fill, refill, say, number, percent, pairTitle, layerOf, unitOf, reasonOfAllZero };
})();
