// One landscape in a notebook (gradviz/notebook/widget.py): the picture on a canvas, with sliders over epochs and minibatches.

import { shadesOf } from "../pure/colours.js";
import { digitsOf, levelsOf } from "../pure/contours.js";
import { number, signed } from "../pure/formats.js";
import { decodeFrame, partsAt, zeroWords } from "../pure/frame.js";
import { begin, look } from "../pure/look.js";
import { planeIn, wholePlane } from "../pure/plane.js";
import { stylesOf } from "../pure/scales.js";
import { sized, upright } from "../page/canvas.js";
import { element } from "../page/dom.js";
import { paletteNow } from "../page/scheme.js";
import { createScrubber } from "../page/scrubber.js";
import { paintLarge } from "../views/paint.js";

const [LEFT, TOP, RIGHT, BELOW, MOST] = [64, 10, 84, 44, 440]; // pixels around the plane, and of its side at most
const UNDER = { none: "arrows alone", heat: "over the loss", contour: "over its level lines" };

/**
 * @typedef {{epoch: number, minibatch: number, frame: DataView, words: string[]}} Answer
 * @typedef {{get: (name: string) => any, set: (name: string, value: unknown) => void, save_changes: () => void,
 *   on: (event: string, call: () => void) => void, off: (event: string, call: () => void) => void}} Model
 */

/** What anywidget calls, its front-end module (AFM). */
export const widget = {
  /** @param {{model: Model, el: HTMLElement}} of */
  render({ model, el }) {
    const told = model.get("told");
    begin(told);
    const wanted = { epoch: model.get("epoch"), minibatch: model.get("minibatch") };
    const answers = new Map();
    const scrubbers = {};
    let isAsking = false;

    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.tabIndex = 0;
    const reading = element("div", "gvw-reading");
    reading.setAttribute("role", "status");
    const caption = element("div", "gvw-caption");
    const sliders = element("div", "gvw-sliders");
    const under = element("select", "gvw-under", ...Object.entries(UNDER).map(([value, text]) => new Option(text, value)));
    under.setAttribute("aria-label", "What lies under the arrows");
    under.value = model.get("under");
    el.classList.add("gvw");
    const ground = element("span", "gvw-ground");
    el.replaceChildren(element("div", "gvw-picture", canvas), reading, sliders, element("div", "", under, ground), caption);
    const { epochs, minibatches: many } = told;
    if (epochs.length > 1) slider("epoch", "Epoch", "epochs", epochs.map(Number));
    if (many > 1) slider("minibatch", "Minibatch, counted from 0", "minibatches", Array.from({ length: many }, (_, k) => k));

    function slider(name, label, names, values) {
      const host = element("div", "gvw-scrubber");
      sliders.append(host);
      const made = createScrubber(host, {
        name, label, names,
        told: (place) => values[place],
        onMove: (place) => ((wanted[name] = values[place]), show()),
        onRelease: () => {},
        onIntent: () => {},
        ready: (place) => !isAsking && place < values.length,
      });
      made.setRange(0, values.length - 1);
      scrubbers[name] = () => made.set(values.indexOf(wanted[name]));
      scrubbers[name]();
    }

    const keyOf = ({ epoch, minibatch }) => `${epoch} ${minibatch}`;

    // What the slider stands on, or what was there last until the kernel has it.
    function show() {
      if (!answers.has(keyOf(wanted))) return ask();
      draw(answers.get(keyOf(wanted)));
    }

    // One question at a time: the next is where the slider stands then.
    function ask() {
      if (isAsking) return;
      const trouble = model.get("trouble");
      if (trouble && Object.entries(wanted).every(([name, value]) => model.get(name) === value)) return void (reading.textContent = trouble);
      isAsking = true;
      for (const [name, value] of Object.entries(wanted)) model.set(name, value);
      model.save_changes();
    }

    function answered() {
      const { epoch, minibatch, frame, words } = model.get("answer");
      const bytes = new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength).slice(); // aligned
      answers.set(keyOf({ epoch, minibatch }), { frame: decodeFrame(bytes), words });
      if (!isAsking) {
        Object.assign(wanted, { epoch, minibatch }); // the kernel chose it
        for (const follow of Object.values(scrubbers)) follow();
      }
      isAsking = false;
      show();
    }

    let shown = null; // {frame, plane}

    function draw({ frame, words }) {
      const style = styleOf(frame);
      const box = el.clientWidth || LEFT + MOST + RIGHT;
      const side = Math.max(120, Math.min(box - LEFT - RIGHT, MOST));
      const context = sized(canvas, { width: LEFT + side + RIGHT, height: TOP + side + BELOW });
      context.clearRect(0, 0, LEFT + side + RIGHT, TOP + side + BELOW);
      const plane = planeIn({ left: LEFT, top: TOP, width: side, height: side }, wholePlane(style.halfWidth, frame.points));
      paintLarge(context, plane, frame, style);
      paintAxes(context, plane, told, frame, style);
      if (frame.range) paintBar(context, plane, style.scale);
      shown = { frame, plane, halfWidth: style.halfWidth };
      canvas.setAttribute("aria-label", words[0]);
      ground.textContent = groundWords(frame, under.value);
      caption.replaceChildren(...words.map((line) => element("p", "", line)));
      el.dataset.shown = keyOf(wanted);
      read(null);
    }

    function styleOf(frame) {
      const { half_width: halfWidth, direction } = told;
      const all = new Map([...answers].map(([key, answer]) => [key, answer.frame]));
      const view = { length: "compressed", under: under.value, range: "epochs", view: "explore", direction, scales: "free" };
      return stylesOf(view, [{ shown: frame, all, isDifference: false, halfWidth, part: null }])[0];
    }

    // The numbers at a point: the nearest to the pointer, else those of the checkpoint.
    function read(event) {
      if (!shown) return;
      const { frame, plane, halfWidth } = shown;
      const middle = (frame.points - 1) / 2;
      const cell = halfWidth / middle;
      const at = (offset) => Math.max(-middle, Math.min(middle, Math.round(offset / cell)));
      const across = event ? at((event.offsetX - plane.left) / plane.scaleX - (plane.x(0) - plane.left) / plane.scaleX) : 0;
      const up = event ? at((plane.y(0) - event.offsetY) / plane.scaleY) : 0;
      const k = (up + middle) * frame.points + across + middle;
      const [u, v] = partsAt(frame, k);
      const where = across || up ? `Δ ${number(cell * across)}, ${number(cell * up)}` : "At the checkpoint";
      const zero = zeroWords(frame, k, look.zero_words);
      reading.textContent = `${where}: ∂J/∂x₁ ${number(u)} · ∂J/∂x₂ ${number(v)} · |∇J| ${number(Math.hypot(u, v))} · J ${number(frame.loss[k], 4)}${zero === "no" ? "" : ` · ${zero === look.zero_words ? zero : `${zero} ${look.zero_words}`}`}`;
    }

    canvas.addEventListener("pointermove", read);
    canvas.addEventListener("pointerleave", () => read(null));
    under.addEventListener("change", () => (model.set("under", under.value), model.save_changes(), show()));
    const troubled = () => {
      const trouble = model.get("trouble");
      if (trouble) [isAsking, reading.textContent] = [false, trouble];
    };
    model.on("change:answer", answered);
    model.on("change:trouble", troubled);
    const resized = new ResizeObserver(() => answers.has(keyOf(wanted)) && show());
    resized.observe(el);
    if (model.get("answer").frame) answered();
    else troubled();
    return () => {
      resized.disconnect();
      model.off("change:answer", answered);
      model.off("change:trouble", troubled);
    };
  },
};

// What the greys are, or what lies between the lines.
function groundWords(frame, under) {
  const levels = under === "none" ? null : levelsOf(frame.loss, look.flat_share);
  if (!levels) return "";
  const [low, high] = [levels.low, levels.high].map((value) => number(value, digitsOf(levels)));
  return under === "heat" ? `J from ${low} (paper) to ${high} (grey)` : `J: a line each ${number(levels.step, 2)}`;
}

function paintAxes(context, plane, { x, y }, frame, { halfWidth }) {
  const palette = paletteNow();
  context.font = `11px ${look.font}`;
  context.strokeStyle = palette.grid;
  context.lineWidth = 1;
  context.strokeRect(plane.left + 0.5, plane.top + 0.5, plane.width - 1, plane.height - 1);
  context.fillStyle = palette.faint;
  for (const value of [-halfWidth, 0, halfWidth]) {
    context.textAlign = "center";
    const text = signed(`${Number(value.toPrecision(3))}`);
    context.fillText(text, plane.x(value), plane.top + plane.height + 15);
    context.textAlign = "right";
    context.fillText(text, plane.left - 6, plane.y(value) + 4);
  }
  context.fillStyle = palette.ink;
  const named = (name, centre) => {
    const all = `Δ ${name} (checkpoint: ${number(centre)})`;
    return context.measureText(all).width > plane.height + 2 * TOP ? `Δ ${name}` : all;
  };
  context.textAlign = "center";
  context.fillText(named(x, frame.x), plane.left + plane.width / 2, plane.top + plane.height + 34, plane.width + RIGHT);
  upright(context, named(y, frame.y), 13, plane.top + plane.height / 2);
}

// The colours of the arrows, with the unit of what they tell.
function paintBar(context, plane, { low, high }) {
  const palette = paletteNow();
  const shades = shadesOf(palette.arrows);
  const left = plane.left + plane.width + 14;
  const step = plane.height / shades.length;
  shades.forEach((shade, k) => {
    context.fillStyle = shade;
    context.fillRect(left, plane.top + plane.height - (k + 1) * step, 10, step + 0.5);
  });
  context.fillStyle = palette.faint;
  context.textAlign = "left";
  context.fillText(signed(high.toFixed(1)), left + 15, plane.top + 10);
  context.fillText(signed(low.toFixed(1)), left + 15, plane.top + plane.height);
  context.fillStyle = palette.ink;
  upright(context, "log10 |∇J|   (loss per unit of parameter)", left + 54, plane.top + plane.height / 2);
}
