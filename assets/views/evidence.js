// The evidence view: asks for the verdict on one claim after the other, part by part, while somebody looks.

import { number, whole } from "../pure/formats.js";
import { isOutcome, jsonInTime } from "../page/api.js";
import { element, fill } from "../page/dom.js";

const NONE = "No claim of the text can be tested on these runs: see in Minibatches how far their gradients agree.";
let asking = null; // the AbortController of the round under way
let shownFor = ""; // the runs that the verdicts are of

// Called whenever the page's state changes: begins when the view is opened or the runs have grown, ends when it is left.
export function showEvidence(page) {
  const wanted = page.view.view === "evidence" && !page.away && page.areRunsKnown;
  const runs = wanted ? JSON.stringify(Object.values(page.runs).map((run) => [run.stamp, run.epochs.length])) : "";
  if (runs === shownFor) return;
  shownFor = runs;
  asking?.abort();
  if (wanted) round((asking = new AbortController()).signal);
}

async function round(signal) {
  try {
    const { claims, absent = [] } = await told("", signal); // those that these runs can test, and why not the others
    const host = document.getElementById("evidence-claims");
    const key = JSON.stringify([claims.map((claim) => claim.key), absent]);
    if (host.dataset.key !== key) {
      host.dataset.key = key;
      host.replaceChildren(...claims.map((claim) => claimOf(claim, null)), ...(absent.length ? [absentOf(absent)] : []));
    }
    for (const [k, claim] of claims.entries()) await measure(claim, k, claims.length, signal);
    say(claims.length ? "All claims these runs can test are measured." : NONE);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!isOutcome(error)) throw error;
    say(`Could not measure: ${error.message}`);
  }
}

async function measure(claim, k, many, signal) {
  for (;;) {
    const answer = await told(`/${claim.key}`, signal);
    draw(claim, answer);
    if (answer.state !== "measuring") return;
    say(`Measuring claim ${k + 1} of ${many}: ${answer.message}, part ${answer.done + 1} of ${answer.of}.`);
  }
}

// The server's answer; asked again where it is busy, or where something else came in its place.
function told(path, signal) {
  return jsonInTime(`api/v1/evidence${path}`, { signal, cache: "no-cache", onWait: (sentence) => say(`Waiting: ${sentence}`) });
}

function say(text) {
  fill("evidence-state", text, element("span", "", text));
}

function draw(claim, answer) {
  const made = claimOf(claim, answer);
  const there = document.getElementById(made.id);
  const focused = there?.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  there?.replaceWith(made);
  if (focused) made.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

// The claims that the runs of a study do not allow.
function absentOf(absent) {
  const lines = absent.map(({ question, reason }) => element("li", "", element("b", "", question), ` ${reason}`));
  const made = element("section", "gv-claim", element("h3", "", "Not asked of these runs"), element("ul", "gv-absent", ...lines));
  made.setAttribute("aria-label", "Claims that are not asked of these runs");
  return made;
}

function claimOf({ key, question, quotation, rule }, answer) {
  const state = answer?.state ?? "waiting";
  const verdict = { measuring: `measuring, ${answer?.done} of ${answer?.of}`, waiting: "waiting" }[state] ?? answer.verdict;
  const badge = element("span", "gv-verdict", verdict);
  badge.dataset.tone = answer?.tone ?? "unknown";
  const made = element("article", "gv-claim",
    element("div", "gv-claim-head", element("h3", "", question), badge),
    element("blockquote", "", `“${quotation}”`),
    answer?.message && state !== "measuring" ? element("p", "gv-claim-missing", answer.message) : null,
    answer?.figures.length ? tableOf(answer.figures, question) : null,
    element("p", "gv-rule", rule),
    answer?.notes?.length ? element("ul", "gv-notes", ...answer.notes.map((note) => element("li", "", note))) : null);
  made.id = `claim-${key}`;
  made.dataset.state = state;
  return made;
}

function tableOf(figures, question) {
  const heads = ["measured", "value [95 %]", "", "of", "view"].map((text, k) => {
    const head = element(text ? "th" : "td", "", text && k === 2 ? null : text);
    if (text) head.scope = "col";
    return head;
  });
  const rows = figures.map((each) => {
    const name = element("th", "", each.name);
    name.scope = "row";
    const value = element("td", "gv-value", valueOf(each));
    return element("tr", "", name, value, element("td", "", each.range && each.value !== null ? strip(each) : null), element("td", "gv-sample", each.sample), element("td", "", linkOf(each)));
  });
  const table = element("table", "gv-table", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...rows));
  table.setAttribute("aria-label", question);
  const box = element("div", "gv-table-box", table);
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Numbers: ${question}`);
  return box;
}

// The number as a dot with its interval as a line, between the ends of its range.
function strip({ value, low, high, range: [from, to] }) {
  const at = (end) => `${100 * Math.max(0, Math.min(1, (end - from) / (to - from)))}%`;
  const made = element("span", "gv-strip");
  made.setAttribute("aria-hidden", "true");
  if (low !== null && high !== null) {
    const line = element("i", "gv-strip-line");
    Object.assign(line.style, { left: at(low), right: `calc(100% - ${at(high)})` });
    made.append(line);
  }
  const dot = element("i", "gv-strip-dot");
  dot.style.left = at(value);
  made.append(dot);
  made.title = `between ${from} and ${to}`;
  return made;
}

function valueOf({ value, low, high, unit }) {
  if (value === null) return "–";
  const share = unit === "%";
  const text = (end) => (share ? `${Math.round(100 * end)}` : numberOf(end));
  const interval = low === null || high === null ? "" : ` [${text(low)}, ${text(high)}]`;
  const written = `${text(value)}${interval}`;
  return unit === "°" ? `${written}°` : unit ? `${written} ${unit}` : written;
}

function numberOf(value) {
  return Number.isInteger(value) ? whole(value) : number(value);
}

function linkOf({ name, address }) {
  if (!address) return null;
  const link = element("a", "", "Shown");
  link.href = address;
  link.setAttribute("aria-label", `Shown: ${name}`);
  return link;
}
