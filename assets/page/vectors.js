// What is drawn on a canvas, as vectors: stands for its context while a picture is taken along, and writes SVG.

const SVG = "http://www.w3.org/2000/svg";
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
const BASELINES = { middle: "central", top: "hanging", alphabetic: "alphabetic", bottom: "text-after-edge" };
const DIGITS = 100; // a hundredth of a pixel

class SvgPath {
  data = "";

  moveTo(x, y) {
    this.data += `M${at(x)} ${at(y)}`;
  }

  lineTo(x, y) {
    this.data += `${this.data ? "L" : "M"}${at(x)} ${at(y)}`; // as a canvas, which begins where the first line ends
  }

  rect(x, y, width, height) {
    this.data += `M${at(x)} ${at(y)}h${at(width)}v${at(height)}h${at(-width)}z`;
  }

  closePath() {
    this.data += "z";
  }

  // All arcs of the page are whole circles.
  arc(x, y, radius) {
    const r = at(radius);
    this.data += `M${at(x + radius)} ${at(y)}a${r} ${r} 0 1 1 ${at(-2 * radius)} 0a${r} ${r} 0 1 1 ${at(2 * radius)} 0`;
  }
}

/** What the page's painters need of CanvasRenderingContext2D. */
export class SvgContext {
  fillStyle = "#000";
  strokeStyle = "#000";
  lineWidth = 1;
  lineJoin = "miter";
  globalAlpha = 1;
  font = "10px sans-serif";
  textAlign = "start";
  textBaseline = "alphabetic";
  imageSmoothingEnabled = true;

  /** @param {string} name of the canvas, for what has to have one of its own */
  constructor(name) {
    this.name = name;
    this.root = document.createElementNS(SVG, "g");
    this.path = new SvgPath();
    this.place = "";
    this.clipped = "";
    this.dashes = [];
    this.stack = [];
    this.numClips = 0;
    this.ruler = document.createElement("canvas").getContext("2d");
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, lineJoin, globalAlpha, font, textAlign, textBaseline, place, clipped, dashes } = this;
    this.stack.push({ fillStyle, strokeStyle, lineWidth, lineJoin, globalAlpha, font, textAlign, textBaseline, place, clipped, dashes });
  }

  restore() {
    Object.assign(this, this.stack.pop());
  }

  translate(x, y) {
    this.place += `translate(${at(x)} ${at(y)})`;
  }

  rotate(angle) {
    this.place += `rotate(${at((180 * angle) / Math.PI)})`;
  }

  setLineDash(dashes) {
    this.dashes = dashes;
  }

  beginPath() {
    this.path = new SvgPath();
  }

  moveTo(x, y) {
    this.path.moveTo(x, y);
  }

  lineTo(x, y) {
    this.path.lineTo(x, y);
  }

  rect(x, y, width, height) {
    this.path.rect(x, y, width, height);
  }

  closePath() {
    this.path.closePath();
  }

  arc(x, y, radius) {
    this.path.arc(x, y, radius);
  }

  clip() {
    const id = `clip-${this.name}-${this.numClips++}`;
    const clip = document.createElementNS(SVG, "clipPath");
    clip.id = id;
    clip.append(made("path", { d: this.path.data }));
    this.root.append(clip);
    this.clipped = `url(#${id})`;
  }

  stroke(path = this.path) {
    const dashes = this.dashes.length ? { "stroke-dasharray": this.dashes.join(" ") } : {};
    this.add("path", { d: path.data, fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth, "stroke-linejoin": this.lineJoin, ...dashes });
  }

  fill(path = this.path) {
    this.add("path", { d: path.data, fill: this.fillStyle });
  }

  fillRect(x, y, width, height) {
    this.add("rect", { x: at(x), y: at(y), width: at(width), height: at(height), fill: this.fillStyle });
  }

  strokeRect(x, y, width, height) {
    this.add("rect", { x: at(x), y: at(y), width: at(width), height: at(height), fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth });
  }

  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  fillText(text, x, y) {
    const [, size, family] = /(\S+px) (.*)$/.exec(this.font);
    const place = { x: at(x), y: at(y), "text-anchor": ANCHORS[this.textAlign], "dominant-baseline": BASELINES[this.textBaseline] };
    this.add("text", { ...place, fill: this.fillStyle, "font-size": size, "font-family": family }).textContent = text;
  }

  // An image of few pixels, each of which is seen as a square: one path for each of its colours.
  drawImage(image, left, top, width, height) {
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [image.width, image.height];
    const pixels = copy.getContext("2d", { willReadFrequently: true });
    pixels.drawImage(image, 0, 0);
    const { data } = pixels.getImageData(0, 0, image.width, image.height);
    const [across, down] = [width / image.width, height / image.height];
    const paths = new Map();
    for (let j = 0; j < image.height; j++) {
      let begin = 0;
      for (let i = 1; i <= image.width; i++) {
        const colour = colourAt(data, j * image.width + begin);
        if (i < image.width && colourAt(data, j * image.width + i) === colour) continue;
        if (!paths.has(colour)) paths.set(colour, new SvgPath());
        paths.get(colour).rect(left + begin * across, top + j * down, (i - begin) * across, down);
        begin = i;
      }
    }
    for (const [colour, path] of paths) this.add("path", { d: path.data, fill: colour, "shape-rendering": "crispEdges" });
  }

  add(kind, attributes) {
    const { globalAlpha: opacity, place, clipped } = this;
    const one = made(kind, { ...attributes, ...(opacity < 1 ? { opacity } : {}), ...(place ? { transform: place } : {}), ...(clipped ? { "clip-path": clipped } : {}) });
    this.root.append(one);
    return one;
  }
}

/** A path that can be drawn on this context. @param {any} context @returns {any} */
export function pathFor(context) {
  return context instanceof SvgContext ? new SvgPath() : new Path2D();
}

function made(kind, attributes) {
  const one = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, `${value}`);
  return one;
}

function colourAt(data, pixel) {
  const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
  return `rgb(${red} ${green} ${blue})`;
}

function at(value) {
  return Math.round(DIGITS * value) / DIGITS;
}
