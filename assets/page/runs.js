// What is trained: asked for at load, every second while something trains, now and then while somebody looks, and ever
// more rarely while the server does not answer.

import { patience } from "../pure/patience.js";
import { answerTo, isOutcome, jsonOf, NotNow, onAway, post } from "./api.js";
import { conductor } from "./conductor.js";
import { page } from "./state.js";

const EVERY_MS = 1000;
const LOOK_MS = 20_000; // a training may begin elsewhere, or a run be deleted
const FRESH_MS = 2000;
let tag = null;
let timer = null;
let asking = false;
let asked = -Infinity;
let failures = 0;
let told = 0; // seconds until the next try, in the server's last refusal
let away = "";
let polls = false; // something trains

export async function askForRuns() {
  if (asking) return;
  asking = true;
  asked = performance.now();
  clearTimeout(timer);
  try {
    // The browser sends the last ETag along and gets 304 while nothing has changed.
    const answer = await answerTo("api/v1/runs", { cache: "no-cache" });
    const found = answer.headers.get("ETag");
    const news = found && found === tag ? null : await jsonOf(answer);
    reached();
    if (news) {
      tag = found;
      polls = news.training.polls;
      conductor.runsChanged(news);
    }
  } catch (error) {
    if (!isOutcome(error)) throw error;
    told = error instanceof NotNow ? error.seconds : 0;
    lost(error.message);
  } finally {
    asking = false;
    later();
  }
}

function later() {
  clearTimeout(timer);
  const wait = away || !page.areRunsKnown ? patience(failures, told) : polls ? EVERY_MS : LOOK_MS;
  const isSeen = document.visibilityState === "visible";
  if (isSeen || wait !== LOOK_MS) timer = setTimeout(askForRuns, wait);
}

// The page says what is the matter, and asks until it is over.
function lost(reason) {
  failures++;
  if (away === reason) return;
  away = reason;
  conductor.connectionChanged(reason);
}

function reached() {
  failures = 0;
  if (!away) return;
  away = "";
  conductor.connectionChanged("");
}

// An answer did not come as it should: is the server there at all?
onAway(() => {
  if (!away) askForRuns();
});

// {action: "start" | "stop" | "start_again" | "delete", …}; returns the sentence of a refusal, or null.
export async function orderTraining(body) {
  try {
    await jsonOf(await post("api/v1/training", body));
  } catch (error) {
    if (!isOutcome(error)) throw error;
    return error.message;
  }
  tag = null;
  await askForRuns();
  return null;
}

// Who comes back to the page sees what is there now.
function look() {
  if (document.visibilityState === "visible" && page.areRunsKnown && performance.now() - asked > FRESH_MS) askForRuns();
}

document.addEventListener("visibilitychange", look);
for (const event of ["focus", "online"]) window.addEventListener(event, look);
