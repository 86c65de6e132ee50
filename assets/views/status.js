// What the page says of itself: the header's line, the empty page, and whether the newest epoch is followed.

import { button, element, fill } from "../page/dom.js";
import { showNotices } from "../page/notices.js";
import { act, showTraining } from "./training.js";

const WORDS = {
  running: "Training", stopping: "Stopping", stopped: "Training stopped", finished: "Trained", failed: "Training failed", empty: "Nothing trained yet",
  unknown: "Loading",
};
const UNREACHED = "The server cannot be reached."; // the header says as much
let live = null;
let grouping = null;

export function showStatus(page) {
  showNotices(page.away && page.away !== UNREACHED ? [page.away] : [], "connection");
  const state = page.away ? "away" : page.training.state;
  const words = page.away ? "Reconnecting…" : wordsOf(page, state, Object.keys(page.runs).length);
  const fraction = progressOf(page.training.progress);
  const text = state === "running" && fraction ? `${words} · ${fraction}` : words;
  document.getElementById("status").title = page.away || text; // where there is no room for the words
  const files = Object.values(page.runs).flatMap((run) => run.broken.map(({ file, reason }) => ({ file: `${run.run}/${file}`, reason })));
  const broken = [...page.unreadable, ...files];
  fill("status", text + broken.length, element("span", `gv-dot gv-${state}`), element("span", "gv-status-text", text),
    broken.length ? brokenNote(broken) : null);
  showTraining(page);
  showEmpty(page);
}

// Runs of other studies are there without a training of this server's.
function wordsOf(page, state, many) {
  if (page.training.trains !== false || state !== "empty") return WORDS[state];
  return many === 1 ? "1 run" : `${many || "No"} runs`;
}

function progressOf(progress) {
  if (!progress.length) return "";
  const done = progress.reduce((sum, run) => sum + (run.epoch ?? 0), 0);
  const all = progress.reduce((sum, run) => sum + run.epochs, 0);
  return `${done} of ${all} epochs`;
}

function brokenNote(broken) {
  const note = element("details", "gv-broken", element("summary", "", `${broken.length} broken ${broken.length > 1 ? "files" : "file"} left out`));
  note.append(element("ul", "", ...broken.map(({ file, reason }) => element("li", "", `${file}: ${reason}`))));
  return note;
}

function showEmpty(page) {
  const isEmpty = Object.values(page.runs).every((run) => !run.epochs.length) && page.training.state !== "unknown";
  if (!isEmpty) return fill("empty", "");
  if (page.training.state === "running")
    return fill("empty", "starting", element("div", "gv-invitation", element("h2", "", "The training is starting"),
      element("p", "", "The first landscapes appear here with the first checkpoint, the network's initialisation, within seconds.")));
  const text = "Train three variants, with a checkpoint every epoch; explore them while training runs.";
  if (page.training.trains === false)
    return fill("empty", "recorded", element("div", "gv-invitation", element("h2", "", "No checkpoint yet"),
      element("p", "", page.training.message),
      element("p", "", "A run appears here with its first checkpoint, as soon as your training records it.")));
  const refusal = page.training.read_only ? element("p", "", "This server is read-only; unset GRADVIZ_READ_ONLY to train.") : null;
  fill("empty", `empty${page.training.state}${page.training.message}`, element("div", "gv-invitation",
    element("h2", "", "No checkpoint yet"),
    element("p", "", text),
    page.training.state === "failed" ? element("p", "gv-error", page.training.message) : null,
    refusal ?? button("Start training", () => act({ action: "start" }), "gv-button gv-primary")));
}

// What the curves are, and two buttons beside the epoch's slider.
export function addLegend(host, onLive, onGrouping) {
  const legend = element("div", "gv-legend");
  legend.id = "legend";
  live = button("follow", onLive, "gv-live");
  live.title = "Show the newest epoch as soon as it is trained";
  grouping = button("group seeds", onGrouping, "gv-button gv-grouping");
  grouping.title = "Draw the curves of one configuration's seeds as one: their mean, and a band from the smallest to the largest";
  host.append(live);
  const curves = document.querySelector(".gv-loss");
  const isPhone = window.matchMedia("(max-width: 640px)");
  // On a phone the slider stays at hand while the page scrolls: what is beside it takes a line at most.
  const keys = element("div", "gv-keys", legend, grouping);
  const settle = () => (isPhone.matches ? curves.after(keys) : live.before(keys));
  isPhone.addEventListener("change", settle);
  settle();
}

// `isThere`: some configuration has several seeds.
export function setGrouping(isThere, on) {
  grouping.setAttribute("aria-pressed", on);
  if (grouping.hidden === isThere) grouping.hidden = !isThere;
}

export function setLive(on, running) {
  live.setAttribute("aria-pressed", on);
  if (live.hidden === running) live.hidden = !running;
  live.dataset.running = running;
}
