// Lines, dots, arrow heads and discs over a picture, in its units: painted by views/brush.js and as traces of Plotly alike.
// A stroke is plain data, so that it can be compared; null in x ends a line.

/**
 * @typedef {{kind: "line" | "dots" | "heads" | "disc", x: number[], y: number[], colour: string, opacity: number,
 *   width?: number, dashed?: boolean, dash?: number[], size?: number, sizes?: number[], opacities?: number[], texts?: string[] | null, angles?: number[]}} Stroke
 *   `sizes`, `opacities`: of each dot; `dash`: lengths of dashes and gaps, where they are not those of all dashed lines
 */

const DISC_CORNERS = 72;

/** @returns {Stroke} */
export function line(x, y, colour, { width = 1.5, opacity = 1, dashed = false, dash = /** @type {number[]} */ ([]) } = {}) {
  return { kind: "line", x, y, colour, width, opacity, dashed: dashed || dash.length > 0, ...(dash.length ? { dash } : {}) };
}

/** Lengths of dashes and gaps; none for a solid line. @param {Stroke} stroke */
export function dashesOf({ dashed, dash = [3, 3] }) {
  return dashed ? dash : [];
}

/** `texts` are told when the pointer is on a dot. @returns {Stroke} */
export function dots(x, y, colour, { size = 4, opacity = 1, texts = null } = {}) {
  return { kind: "dots", x, y, colour, size, opacity, texts };
}

/** Triangles; `angles` in degrees, clockwise from upwards, as plotly.js counts them. @returns {Stroke} */
export function heads(x, y, angles, colour, { size = 9, opacity = 1 } = {}) {
  return { kind: "heads", x, y, angles, colour, size, opacity };
}

/** A filled circle around the checkpoint. @returns {Stroke} */
export function disc(radius, colour, opacity) {
  const turn = Array.from({ length: DISC_CORNERS + 1 }, (_, k) => (2 * Math.PI * k) / DISC_CORNERS);
  return filled(turn.map((t) => radius * Math.cos(t)), turn.map((t) => radius * Math.sin(t)), colour, opacity);
}

/** What a closed line encloses. @returns {Stroke} */
export function filled(x, y, colour, opacity) {
  return { kind: "disc", x, y, colour, opacity };
}

export function angleOf(across, up) {
  return (Math.atan2(across, up) * 180) / Math.PI;
}

// ---- as traces ------------------------------------------------------------------------------------------------

export function strokeTraces(strokes) {
  return strokes.map((stroke) => ({
    type: "scatter", x: stroke.x, y: stroke.y, opacity: stroke.opacity, hoverinfo: "skip", showlegend: false, ...made[stroke.kind](stroke),
  }));
}

const made = {
  line: (stroke) => ({ mode: "lines", line: { color: stroke.colour, width: stroke.width, dash: dashesOf(stroke).map((length) => `${length}px`).join(",") || "solid" } }),
  disc: ({ colour }) => ({ mode: "lines", fill: "toself", fillcolor: colour, line: { width: 0 } }),
  dots: ({ colour, size, sizes, opacities, texts }) => ({
    mode: "markers", marker: { color: colour, size: sizes ?? size, line: { width: 0 }, opacity: opacities ?? 1 },
    ...(texts ? { text: texts, hoverinfo: "text" } : {}),
  }),
  heads: ({ colour, size, angles }) => ({
    mode: "markers", marker: { symbol: "triangle-up", color: colour, size, angle: angles, line: { width: 0 }, opacity: 1 },
  }),
};

/** Strokes for a picture whose words are so many times as large. @param {Stroke[]} strokes @returns {Stroke[]} */
export function enlarged(strokes, large = 1) {
  if (large === 1) return strokes;
  return strokes.map((stroke) => ({ ...stroke, ...(stroke.width && { width: large * stroke.width }), ...(stroke.size && { size: large * stroke.size }), ...(stroke.sizes && { sizes: stroke.sizes.map((size) => large * size) }) }));
}
