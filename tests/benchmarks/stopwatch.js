// Times from an input event to the first frame that is painted after pictures have changed, in any page.
// A picture has changed when something is drawn on its canvas, or when the arrows of its SVG are altered.
(function () {
  const DRAWING = ["stroke", "fill", "fillRect", "drawImage", "putImageData"];
  const changed = new Map(); // picture (an element) -> when it was last changed
  let expected = null; // {selectors, start, resolve}

  for (const name of DRAWING) {
    const original = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...values) {
      if (this.canvas instanceof HTMLCanvasElement) note(this.canvas);
      return original.apply(this, values);
    };
  }

  // Pictures that Plotly draws are watched from now on.
  function watchDrawings(selector) {
    for (const picture of document.querySelectorAll(selector))
      new MutationObserver((changes) => changes.some(isOfArrows) && note(picture)).observe(picture, {
        subtree: true, childList: true, attributes: true, attributeFilter: ["d"],
      });
  }

  function isOfArrows({ target }) {
    return target.closest(".quiverlayer") !== null;
  }

  function note(picture) {
    changed.set(picture, performance.now());
    if (!expected || expected.start === null) return;
    const all = expected.selectors.every((selector) => changed.get(document.querySelector(selector)) > expected.start);
    if (all) painted(expected);
  }

  // What has changed is painted with the next frame.
  function painted({ selectors, start, resolve }) {
    expected = null;
    afterFrame(() => {
      const milliseconds = performance.now() - start;
      resolve({ milliseconds, prints: selectors.map((selector) => fingerprint(document.querySelector(selector))) });
    });
  }

  // Calls back when the next frame has been painted: a task posted from an animation frame runs after its painting.
  function afterFrame(action) {
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = action;
      channel.port2.postMessage(null);
    });
  }

  // Milliseconds from the next event of this type (its own time stamp: when the browser received it) to the frame in
  // which all these pictures have changed, and what they then show. Call before the event; the answer is in `last`.
  function arm(type, selectors) {
    stopwatch.last = new Promise((resolve) => {
      expected = { selectors, start: null, resolve };
      const mine = expected;
      window.addEventListener(type, (event) => (mine.start = event.timeStamp), { capture: true, once: true });
    });
  }

  // What a picture shows, as a number: the same picture has the same.
  function fingerprint(picture) {
    if (picture instanceof HTMLCanvasElement) {
      const { data } = picture.getContext("2d").getImageData(0, 0, picture.width, picture.height);
      return hash(new Uint32Array(data.buffer));
    }
    const paths = [...picture.querySelectorAll(".quiverlayer path")].map((path) => path.getAttribute("d"));
    return hash(new TextEncoder().encode(paths.join(" ")));
  }

  function hash(words) {
    let sum = 2166136261;
    for (const word of words) sum = Math.imul(sum ^ word, 16777619);
    return sum >>> 0;
  }

  // Takes the fingerprint of a canvas after every frame from now on; `stop` returns them in the order of their coming.
  function film(selector) {
    const seen = [];
    let running = true;
    const look = () => {
      if (!running) return;
      const now = fingerprint(document.querySelector(selector));
      if (seen.at(-1) !== now) seen.push(now);
      afterFrame(look);
    };
    afterFrame(look);
    stopwatch.stop = () => ((running = false), seen);
  }

  const stopwatch = (window.stopwatch = { arm, film, watchDrawings, last: null, stop: null });
})();
