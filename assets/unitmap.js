// A map of the units of a layer: how often each is active (across) and how large its gradient is (up, as log10). Units
// that are active on no row have a strip of their own at the left, those without a gradient one at the bottom; dead units,
// which are both, lie in the corner.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const ROUND_OFF = 1e-5; // of the largest, as in gradviz/landscape/pairs.py
  const EDGE = { left: 46, strip: 46, right: 24, top: 10, bottom: 36, floor: 26 };
  const NEAR = 12; // pixels

  // Units with their places in a canvas of this size: {unit, share, size, isDead, isZero, x, y}, and the axes.
  function layoutOf({ active, gradient_rms: sizes }, width, height) {
    const largest = Math.max(0, ...sizes);
    const isZero = (size) => size <= ROUND_OFF * largest;
    const seen = sizes.filter((size) => !isZero(size)).map(Math.log10);
    const [low, high] = seen.length ? [Math.min(...seen) - 0.1, Math.max(...seen) + 0.1] : [-1, 0];
    const across = (share) => EDGE.left + EDGE.strip + share * (width - EDGE.left - EDGE.strip - EDGE.right);
    const up = (log) => height - EDGE.bottom - EDGE.floor - ((log - low) / (high - low)) * (height - EDGE.top - EDGE.bottom - EDGE.floor);
    const units = active.map((share, unit) => ({
      unit, share, size: sizes[unit], isDead: share === 0 && isZero(sizes[unit]), isZero: isZero(sizes[unit]),
      // In a strip, units lie side by side by their number: they have no place of their own.
      x: share === 0 ? EDGE.left + EDGE.strip * (0.2 + 0.5 * ((unit * 0.618) % 1)) : across(share),
      y: isZero(sizes[unit]) ? height - EDGE.bottom - EDGE.floor * (0.25 + 0.5 * ((unit * 0.755) % 1)) : up(Math.log10(sizes[unit])),
    }));
    return { units, width, height, low, high, across, up };
  }

  // `marks`: {at: unit under the pointer or null, picked: [units], shown: [units]}.
  function draw(canvas, layout, { at, picked, shown }) {
    const ratio = window.devicePixelRatio || 1;
    const { width, height, units } = layout;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const palette = gv.colours.palette();
    drawAxes(context, layout, palette);
    for (const { x, y, isZero } of units) dot(context, x, y, 2.2, isZero ? palette.zero : palette.ink, 0.45);
    const accent = getComputedStyle(canvas).getPropertyValue("--gv-accent");
    for (const unit of shown) ring(context, units[unit], 5, accent, 1.5);
    for (const unit of picked) dot(context, units[unit].x, units[unit].y, 5, palette.centre, 1);
    if (at !== null) ring(context, units[at], 7, palette.centre, 2);
  }

  function drawAxes(context, { width, height, low, high, across, up }, palette) {
    const floor = height - EDGE.bottom - EDGE.floor;
    context.font = `11px ${gv.look.font}`;
    context.strokeStyle = palette.grid;
    context.fillStyle = palette.faint;
    context.lineWidth = 1;
    context.textAlign = "center";
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      segment(context, across(share), EDGE.top, across(share), height - EDGE.bottom);
      context.fillText(`${100 * share} %`, across(share), height - EDGE.bottom + 14);
    }
    context.fillText("active on this share of training rows", (across(0) + across(1)) / 2, height - 6);
    context.fillText("none", EDGE.left + EDGE.strip * 0.4, height - EDGE.bottom + 14);
    context.textAlign = "right";
    for (let decade = Math.ceil(low); decade <= high; decade++) {
      segment(context, EDGE.left, up(decade), width - EDGE.right, up(decade));
      context.fillText(`${decade}`.replace("-", "−"), EDGE.left - 6, up(decade) + 4);
    }
    segment(context, EDGE.left, floor, width - EDGE.right, floor);
    context.fillText("zero", EDGE.left - 6, floor + EDGE.floor / 2 + 4);
    context.save();
    context.translate(11, (EDGE.top + floor) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText("log10 RMS of ∂J", 0, 0);
    context.restore();
  }

  function segment(context, x0, y0, x1, y1) {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  }

  function dot(context, x, y, radius, colour, opacity) {
    context.globalAlpha = opacity;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
  }

  function ring(context, { x, y }, radius, colour, width) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }

  // The unit nearest to a point, or null if none is near.
  function at({ units }, x, y) {
    let [best, nearest] = [null, NEAR];
    for (const one of units) {
      const distance = Math.hypot(one.x - x, one.y - y);
      if (distance < nearest) [best, nearest] = [one.unit, distance];
    }
    return best;
  }

  // The next unit along an axis ("x" or "y") of the map.
  function next({ units }, unit, axis, by) {
    const order = [...units].sort((a, b) => a[axis] - b[axis] || a.unit - b.unit);
    const place = order.findIndex((one) => one.unit === unit);
    return order[Math.max(0, Math.min(order.length - 1, place + by))].unit;
  }

  // "unit 12: active on 34 % of the training rows, gradient 0.0123".
  function wordsOf({ unit, share, size, isDead, isZero }) {
    const { number, percent } = gv.words;
    const alive = isDead ? "dead" : share === 0 ? "active on none of the training rows looked at" : `active on ${percent(share)} of training rows`;
    return `unit ${unit}: ${alive}, gradient ${isZero ? gv.look.zero_words : `${number(size)} (RMS of the minibatches)`}`;
  }

  gv.unitmap = { layoutOf, draw, at, next, wordsOf };
})();
