// The stand-alone report: draws its figures when they come into view, with the dashboard's own drawing code.

import { scaleOf } from "../pure/arrows.js";
import { landscapeFigure } from "../pure/figure.js";
import { decodeFrame } from "../pure/frame.js";
import { begin, look } from "../pure/look.js";
import { wholePlane } from "../pure/plane.js";
import { paletteNow } from "../page/scheme.js";
import { barsOf } from "../views/evidencebar.js";

const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d", "sendChartToCloud"] };
const SIDE = 380; // pixels of a picture

begin({ look: JSON.parse(document.getElementById("gv-look").textContent) });

// The page is as light or dark as its reader's system; what is drawn is drawn again when that changes.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const drawn = [];

function follow() {
  document.documentElement.setAttribute("data-mantine-color-scheme", dark.matches ? "dark" : "light");
  return Promise.all(drawn.map((again) => again()));
}

// Charts come in the light palette: each of its colours has one in the other's place.
function recoloured(text) {
  const [from, to] = [look.palettes.light, paletteNow()];
  const colours = { ...pairs(from.variants, to.variants), ...pairs(from, to, ["paper", "ink", "faint", "grid", "zero"]) };
  return JSON.parse(text, (_, value) => (Object.hasOwn(colours, value) ? colours[value] : value));
}

function pairs(from, to, names = Object.keys(from)) {
  return Object.fromEntries(names.map((name) => [from[name], to[name]]));
}

// The bytes of a block of the page: deflated, then base64.
async function unpacked(id) {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The frames of one picture; the first block says what they share.
async function framesOf(id) {
  const bytes = await unpacked(id);
  const view = new DataView(bytes.buffer);
  const blocks = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    blocks.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  const about = JSON.parse(new TextDecoder().decode(blocks[0]));
  return { about, frames: blocks.slice(1).map(decodeFrame) };
}

async function player(root) {
  const pictures = await Promise.all(root.dataset.blocks.split(" ").map(framesOf));
  const graphs = [...root.querySelectorAll(".gv-graph")];
  const slider = root.querySelector("input[type=range]");
  const count = pictures[0].frames.length;
  const scales = pictures.map(({ frames }) => scaleOf(frames));
  let shown = -1;
  let timer = null;

  async function show(at) {
    shown = at;
    slider.value = at;
    await Promise.all(pictures.map(({ about, frames }, k) => {
      const frame = frames[at];
      const scale = { ...scales[k], longest: frame.range ? frame.range.longest : 1 };
      const style = { halfWidth: about.half_width, scale, length: "compressed", under: "none", side: SIDE - 80, part: wholePlane(about.half_width, frame.points) };
      const { data, layout } = landscapeFigure(frame, style, about, `${at}`, paletteNow());
      return window.Plotly.react(graphs[k], data, { ...layout, width: SIDE + 90, height: SIDE }, CONFIG);
    }));
    const facts = pictures[0].frames[at];
    root.querySelector(".gv-facts").textContent =
      `minibatch ${facts.index}: ${Math.round(100 * facts.share_below)} % of ${facts.num_rows} rows predicted below their target`;
  }

  function stop() {
    window.clearTimeout(timer);
    timer = null;
    button.textContent = "Play";
  }

  async function step() {
    await show((shown + 1) % count);
    if (timer !== null) timer = window.setTimeout(step, 200);
  }

  const button = root.querySelector("button");
  slider.max = count - 1;
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    button.textContent = "Stop";
    timer = window.setTimeout(step, 0);
  });
  if (count < 2) root.querySelector(".gv-steps").hidden = true;
  await show(0);
  drawn.push(() => show(shown));
}

async function plot(root) {
  const text = new TextDecoder().decode(await unpacked(root.dataset.blocks));
  const graph = root.querySelector(".gv-graph");

  function show() {
    const figure = recoloured(text);
    graph.style.height = `${figure.layout.height}px`; // the layout would else be drawn over what follows
    return window.Plotly.react(graph, figure.data, figure.layout, CONFIG);
  }

  await show();
  drawn.push(show);
}

// A figure is drawn once, when it is about to be seen; then its still picture goes.
async function draw(root) {
  await (root.classList.contains("gv-player") ? player(root) : plot(root));
  root.dataset.drawn = "yes";
}

follow();
dark.addEventListener("change", follow);

for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-bars]"))) {
  const bars = barsOf(JSON.parse(place.dataset.bars));
  if (bars) place.append(bars);
}

const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries)
    if (isIntersecting) {
      watcher.unobserve(target);
      draw(target);
    }
}, { rootMargin: "400px" });
document.querySelectorAll("[data-blocks]").forEach((root) => watcher.observe(root));
