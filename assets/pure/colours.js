// Colour scales as functions.

const NUM_SHADES = 48;
const shades = new Map();
const pixels = new Map();

// A colour scale of gradviz/drawing/inks.py as NUM_SHADES colours.
export function shadesOf(stops) {
  const key = JSON.stringify(stops);
  if (!shades.has(key))
    shades.set(key, Array.from({ length: NUM_SHADES }, (_, k) => between(stops, k / (NUM_SHADES - 1))));
  return shades.get(key);
}

export function shadeAt(value, low, high) {
  const share = high > low ? (value - low) / (high - low) : 1;
  return Math.round(Math.max(0, Math.min(1, share)) * (NUM_SHADES - 1));
}

function between(stops, share) {
  let k = 0;
  while (k + 2 < stops.length && share > stops[k + 1][0]) k++;
  const [[from, a], [to, b]] = [stops[k], stops[k + 1]].map(([at, colour]) => [at, channels(colour)]);
  const t = (share - from) / (to - from);
  return `rgb(${a.map((channel, c) => Math.round(channel + t * (b[c] - channel))).join(",")})`;
}

// The same as pixels of an image, each a 32-bit number.
export function pixelsOf(stops) {
  const key = JSON.stringify(stops);
  if (!pixels.has(key))
    pixels.set(key, new Uint32Array(Uint8Array.from(shadesOf(stops).flatMap((shade) => [...channels(shade), 255])).buffer));
  return pixels.get(key);
}

export function channels(colour) {
  if (colour.startsWith("#")) return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return colour.match(/[\d.]+/g).slice(0, 3).map(Number);
}
