// Paints strokes (pure/strokes.js) on a canvas.

import { dashesOf } from "../pure/strokes.js";
import { pathFor } from "../page/vectors.js";

export function paintStrokes(context, plane, strokes) {
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
    context.setLineDash(dashesOf(stroke));
    context.stroke(pathOf(context, plane, stroke));
    context.setLineDash([]);
  },
  disc(context, plane, stroke) {
    context.fill(pathOf(context, plane, stroke));
  },
  dots(context, plane, { x, y, size, sizes, opacities, opacity }) {
    for (let k = 0; k < x.length; k++) {
      context.globalAlpha = opacity * (opacities?.[k] ?? 1);
      context.beginPath();
      context.arc(plane.x(x[k]), plane.y(y[k]), (sizes?.[k] ?? size) / 2, 0, 2 * Math.PI);
      context.fill();
    }
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

function pathOf(context, plane, { x, y }) {
  const path = pathFor(context);
  let isPenDown = false;
  for (let k = 0; k < x.length; k++) {
    if (x[k] === null) isPenDown = false;
    else if (isPenDown) path.lineTo(plane.x(x[k]), plane.y(y[k]));
    else path.moveTo(plane.x(x[k]), plane.y(y[k])), (isPenDown = true);
  }
  return path;
}
