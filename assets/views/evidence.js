// The evidence view: asks for the verdict on one claim after the other, part by part, while somebody looks.

import { estimateWords, hasBar } from "../pure/bars.js";
import { isOutcome, jsonInTime } from "../page/api.js";
import { element, fill } from "../page/dom.js";
import { barsOf } from "./evidencebar.js";
import { pictureOf } from "./evidencepicture.js";

const NONE = "No claim of the text can be tested on these runs: see in Minibatches how far their gradients agree.";
const MOST_BARS = 4; // beside a claim; the others lie behind it
const opened = new Set(); // claims whose numbers somebody reads
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
    draw(claim, answer, signal);
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

function draw(claim, answer, signal) {
  const made = claimOf(claim, answer, signal);
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

// Two columns: the claim, what the numbers say and how they lie to what is asked; and the picture. What is behind them opens.
function claimOf(claim, answer, signal = null) {
  const { key, question, quotation } = claim;
  const state = answer?.state ?? "waiting";
  const verdict = { measuring: `measuring, ${answer?.done} of ${answer?.of}`, waiting: "waiting" }[state] ?? answer.verdict;
  const badge = element("span", "gv-verdict", verdict);
  badge.dataset.tone = answer?.tone ?? "unknown";
  const figures = answer?.figures ?? [];
  const asked = figures.filter(hasBar);
  const text = element("div", "gv-claim-text",
    element("div", "gv-claim-head", element("h3", "", question), badge),
    element("blockquote", "", `“${quotation}”`),
    answer?.says ? element("p", "gv-says", answer.says) : null,
    answer?.message && state !== "measuring" && answer.message !== answer.says ? element("p", "gv-claim-missing", answer.message, answer.address ? " " : null, linkOf("Open Paths", answer.address)) : null,
    barsOf(asked.slice(0, MOST_BARS)));
  const made = element("article", "gv-claim", text, answer?.picture ? pictureOf(answer.picture, signal) : null, behind(claim, answer, asked.slice(MOST_BARS)));
  made.id = `claim-${key}`;
  made.dataset.state = state;
  return made;
}

// The rule, all numbers, and what else the verdict depends on.
function behind({ key, question, rule, null: none, control, several }, answer, bars) {
  const figures = answer?.figures ?? [];
  const words = figures.length > 1 ? `The rule and all ${figures.length} numbers` : figures.length ? "The rule and its number" : "The rule";
  const made = element("details", "gv-claim-behind", element("summary", "", words),
    element("p", "gv-rule", rule),
    ...Object.entries({ Null: none, Control: control, Comparisons: several }).map(([name, said]) => element("p", "gv-rule", element("b", "", `${name}: `), said)),
    barsOf(bars),
    figures.length ? tableOf(figures, question) : null,
    answer?.notes?.length ? element("ul", "gv-notes", ...answer.notes.map((note) => element("li", "", note))) : null);
  made.open = opened.has(key);
  made.addEventListener("toggle", () => (made.open ? opened.add(key) : opened.delete(key)));
  return made;
}

function tableOf(figures, question) {
  const heads = ["measured", "value [95 %]", "asked", "of", "view"].map((text) => {
    const head = element("th", "", text);
    head.scope = "col";
    return head;
  });
  const rows = figures.map((each) => {
    const name = element("th", "", each.name);
    name.scope = "row";
    const link = linkOf("Shown", each.address);
    link?.setAttribute("aria-label", `Shown: ${each.name}`);
    return element("tr", "", name, element("td", "gv-value", estimateWords(each)), element("td", "", each.asked), element("td", "gv-sample", each.sample), element("td", "", link));
  });
  const table = element("table", "gv-table", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...rows));
  table.setAttribute("aria-label", question);
  const box = element("div", "gv-table-box", table);
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Numbers: ${question}`);
  return box;
}

function linkOf(words, address) {
  if (!address) return null;
  const link = element("a", "", words);
  link.href = address;
  return link;
}
