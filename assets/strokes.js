// Lines, dots, arrow heads and discs over a picture, in its units: painted on the canvas and as traces of Plotly alike.
// A stroke is plain data, so that it can be compared: {kind, x, y, colour, opacity, ...}; null in x ends a line.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const DISC_CORNERS = 72;

  function line(x, y, colour, { width = 1.5, opacity = 1, dashed = false } = {}) {
    return { kind: "line", x, y, colour, width, opacity, dashed };
  }

  // `texts` are told when the pointer is on a dot.
  function dots(x, y, colour, { size = 4, opacity = 1, texts = null } = {}) {
    return { kind: "dots", x, y, colour, size, opacity, texts };
  }

  // Triangles; `angles` in degrees, clockwise from upwards, as plotly.js counts them.
  function heads(x, y, angles, colour, { size = 9, opacity = 1 } = {}) {
    return { kind: "heads", x, y, angles, colour, size, opacity };
  }

  // A filled circle around the checkpoint.
  function disc(radius, colour, opacity) {
    const turn = Array.from({ length: DISC_CORNERS + 1 }, (_, k) => (2 * Math.PI * k) / DISC_CORNERS);
    return { kind: "disc", x: turn.map((t) => radius * Math.cos(t)), y: turn.map((t) => radius * Math.sin(t)), colour, opacity };
  }

  function angleOf(across, up) {
    return (Math.atan2(across, up) * 180) / Math.PI;
  }

  // ---- on the canvas --------------------------------------------------------------------------------------------

  function paint(context, plane, strokes) {
    context.save();
    for (const stroke of strokes) {
      context.globalAlpha = stroke.opacity;
      context.strokeStyle = context.fillStyle = stroke.colour;
      painters[stroke.kind](context, plane, stroke);
    }
    context.restore();
  }

  const painters = {
    line(context, plane, stroke) {
      context.lineWidth = stroke.width;
      context.lineJoin = "round";
      context.setLineDash(stroke.dashed ? [3, 3] : []);
      context.stroke(pathOf(plane, stroke));
      context.setLineDash([]);
    },
    disc(context, plane, stroke) {
      context.fill(pathOf(plane, stroke));
    },
    dots(context, plane, { x, y, size }) {
      const path = new Path2D();
      for (let k = 0; k < x.length; k++) {
        path.moveTo(plane.x(x[k]) + size / 2, plane.y(y[k]));
        path.arc(plane.x(x[k]), plane.y(y[k]), size / 2, 0, 2 * Math.PI);
      }
      context.fill(path);
    },
    heads(context, plane, { x, y, angles, size }) {
      // plotly.js' triangle-up of size s: half width s/√3, from s/4 below its middle to s/2 above.
      for (let k = 0; k < x.length; k++) {
        const turn = (angles[k] * Math.PI) / 180;
        const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
        const corners = [[0, -size / 2], [size / Math.sqrt(3), size / 4], [-size / Math.sqrt(3), size / 4]];
        context.beginPath();
        for (const [a, b] of corners) context.lineTo(plane.x(x[k]) + a * cos - b * sin, plane.y(y[k]) + a * sin + b * cos);
        context.fill();
      }
    },
  };

  function pathOf(plane, { x, y }) {
    const path = new Path2D();
    let isPenDown = false;
    for (let k = 0; k < x.length; k++) {
      if (x[k] === null) isPenDown = false;
      else if (isPenDown) path.lineTo(plane.x(x[k]), plane.y(y[k]));
      else path.moveTo(plane.x(x[k]), plane.y(y[k])), (isPenDown = true);
    }
    return path;
  }

  // ---- as traces ------------------------------------------------------------------------------------------------

  function traces(strokes) {
    return strokes.map((stroke) => ({
      type: "scatter", x: stroke.x, y: stroke.y, opacity: stroke.opacity, hoverinfo: "skip", showlegend: false, ...made[stroke.kind](stroke),
    }));
  }

  const made = {
    line: ({ colour, width, dashed }) => ({ mode: "lines", line: { color: colour, width, dash: dashed ? "3px,3px" : "solid" } }),
    disc: ({ colour }) => ({ mode: "lines", fill: "toself", fillcolor: colour, line: { width: 0 } }),
    dots: ({ colour, size, texts }) => ({
      mode: "markers", marker: { color: colour, size, line: { width: 0 }, opacity: 1 },
      ...(texts ? { text: texts, hoverinfo: "text" } : {}),
    }),
    heads: ({ colour, size, angles }) => ({
      mode: "markers", marker: { symbol: "triangle-up", color: colour, size, angle: angles, line: { width: 0 }, opacity: 1 },
    }),
  };

  gv.strokes = { line, dots, heads, disc, angleOf, paint, traces };
})();
