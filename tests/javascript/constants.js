// The constants that the page has from the server, and small frames and runs for the tests of pure modules.

import { readFileSync } from "node:fs";
import { begin } from "../../assets/pure/look.js";
import { rangeOf } from "../../assets/pure/arrows.js";

const scale = [[0, "#ffffff"], [1, "rgb(0, 0, 100)"]];
export const palette = {
  paper: "#ffffff", ink: "#000000", faint: "#555555", grid: "#eeeeee", centre: "#cc0000", zero: "#777777", contour: "#bbbbbb", chosen: "#0000cc",
  arrows: scale, loss: scale, sheet: scale, cosine: scale, variants: { none: "#0072b2", dropout: "#d55e00", batchnorm: "#008f68" },
  probe: { this: "#0000ee", next: "#ee7700", alternating: "#aa3377", all: "#000001" },
};

export const look = {
  length_exponent: 0.35, longest_in_cells: 0.92, fan_in_cells: 3, zero_words: "zero up to round-off", arrow_width: 1, arrow_head: 0.77,
  flat_share: 1e-6, half_widths: { parameters: 0.1, directions: 1 }, little_share: 0.05, variant_labels: { none: "None", dropout: "Dropout", batchnorm: "BatchNorm" }, font: "sans-serif",
  probe: {
    lines: [["all", [], 5], ["this", [], 2.5], ["next", [9, 6], 2], ["alternating", [2, 4], 2]].map(([schedule, dash, width]) => ({ schedule, dash, width })),
    most_dots: 60, start: 9, step: 3.5, end: 7, halo: 2.5,
  },
  palettes: { light: palette, dark: palette },
};

export const costs = JSON.parse(readFileSync(new URL("../fixtures/estimates.json", import.meta.url), "utf8")).constants;

export const zeroMessages = ["", "batch statistics take the bias out", "the unit is inactive"];
begin({ look, costs, zero_messages: zeroMessages });

// A frame of points × points arrows: `u(k)`, `v(k)`, `loss(k)`, `isZero(k)`.
export function frameOf(points, { u = () => 1, v = () => 0, loss = (k) => k, isZero = () => false, ...rest } = {}) {
  const size = points ** 2;
  const frame = {
    index: 0, x: 0, y: 0, num_rows: 64, share_below: 0.5, x_active: 1, y_active: 1, num_unresolved: 0, points,
    u: Float32Array.from({ length: size }, (_, k) => u(k)), v: Float32Array.from({ length: size }, (_, k) => v(k)),
    loss: Float32Array.from({ length: size }, (_, k) => loss(k)), isZero: Uint8Array.from({ length: size }, (_, k) => (isZero(k) ? 1 : 0)),
    zeroReason: new Uint8Array(size), ...rest,
  };
  return { ...frame, range: rangeOf(frame) };
}

// Frames of one point by index, with the gradients [u, v].
export function centres(gradients) {
  return new Map(gradients.map(([u, v], index) => [index, frameOf(1, { u: () => u, v: () => v, isZero: () => u === 0 && v === 0, index })]));
}

const shapes = {
  "hidden.0.linear.weight": [20, 675], "hidden.0.linear.bias": [20], "hidden.0.norm.weight": [20], "hidden.0.norm.bias": [20],
  "hidden.1.linear.weight": [10, 20], "hidden.1.linear.bias": [10], "hidden.1.norm.weight": [10], "hidden.1.norm.bias": [10],
  "hidden.2.linear.weight": [1, 10], "hidden.2.linear.bias": [1], "output.weight": [1, 1], "output.bias": [1],
};

// As gradviz/landscape/parameters.py says of them.
const tensors = Object.fromEntries(Object.keys(shapes).map((name) => {
  const [room, number, part, tensor] = name.startsWith("output") ? ["output", "output", "linear", name.split(".")[1]] : name.split(".");
  const kind = part === "norm" ? { weight: "gamma", bias: "beta" }[tensor] : tensor;
  return [name, { layer: number, label: room === "output" ? "output layer" : `hidden layer ${number}`, kind }];
}));

const layers = ["0", "1", "2", "output"].map((value) => ({ value, label: value === "output" ? "output layer" : `hidden layer ${value}`, width: 1, has_units: value !== "output" }));

export const run = { run: "batchnorm", hidden: [20, 10, 1], epochs: [0, 1, 2], shapes, tensors, layers };

const isPlain = ([name]) => !name.includes(".norm.");
export const plainRun = {
  ...run, run: "none", shapes: Object.fromEntries(Object.entries(shapes).filter(isPlain)), tensors: Object.fromEntries(Object.entries(tensors).filter(isPlain)),
};

// Networks of other studies: convolutions, a transformer with a number that has no axes, and one of a single number.
const networkOf = (given) => ({
  shapes: Object.fromEntries(Object.entries(given).map(([name, [shape]]) => [name, shape])),
  tensors: Object.fromEntries(Object.entries(given).map(([name, [, layer, kind]]) => [name, { layer, label: layer, kind }])),
});

export const cnn = networkOf({
  "conv1.weight": [[4, 1, 3, 3], "conv1", "weight"], "conv1.bias": [[4], "conv1", "bias"], "norm1.weight": [[4], "norm1", "gamma"], "norm1.bias": [[4], "norm1", "beta"],
  "fc.weight": [[10, 64], "fc", "weight"], "fc.bias": [[10], "fc", "bias"],
});

export const transformer = networkOf({
  scale: [[], ".", "scale"], "embedding.weight": [[98, 16], "embedding", "weight"], "blocks.0.attention.in_proj_weight": [[48, 16], "blocks.0.attention", "in_proj_weight"],
  "blocks.0.norm.weight": [[16], "blocks.0.norm", "gamma"], "blocks.0.norm.bias": [[16], "blocks.0.norm", "beta"], "mixer.weight": [[1, 1, 1, 2, 3], "mixer", "weight"],
});

export function isNear(a, b, tolerance = 1e-9) {
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}
