// What the server says of planes, of what lies in those along directions, of other minibatches' arrows and of paths from a point: asked for
// once for each checkpoint, where an overlay wants it, after the picture and never while a hand moves a slider.

import { wantsOverlay } from "../pure/overlays.js";
import { patience } from "../pure/patience.js";
import { isOutcome, jsonFrom, mayPass } from "./api.js";
import { ownFrame } from "./plans.js";
import { isBusy } from "./sliders.js";
import { page } from "./state.js";

let asking = null; // {opened, epoch, controller}
let later = null;
let failures = 0; // in a row

// Asks for the next that is wanted; calls `onNews` when it is there, and goes on.
export function loadPlanes(onNews) {
  clearTimeout(later);
  if (page.away || isBusy()) return;
  const { epoch } = page.view;
  const wanted = page.plans.flatMap(missingOf);
  if (asking && !(asking.epoch === epoch && wanted.includes(asking.opened))) asking.controller.abort();
  if (!asking && wanted.length) ask(wanted[0], epoch, onNews);
}

// What is wanted of a picture that is there, and has not been told.
function missingOf(plan) {
  return !plan.minus && ownFrame(plan) ? openedOf(plan).filter((opened) => !opened.told.has(page.view.epoch)) : [];
}

/** Whether something that an overlay of the picture is drawn from is on its way. @param {any} plan */
export function arePlanesComing(plan) {
  return missingOf(plan).length > 0;
}

const WANTED = { probe: ["probe"], planes: ["path", "spread"], sampling: ["sampling"] };

// Of what an overlay of the view is drawn.
function openedOf(plan) {
  return Object.entries(WANTED).flatMap(([name, overlays]) => (plan[name] && overlays.some((overlay) => wantsOverlay(page.view, overlay)) ? [plan[name]] : []));
}

async function ask(opened, epoch, onNews) {
  const mine = (asking = { opened, epoch, controller: new AbortController() });
  let wait = 0;
  try {
    opened.told.set(epoch, await jsonFrom(`api/v1/${opened.kind}?${new URLSearchParams({ ...opened.selection, epoch })}`, { signal: mine.controller.signal }));
    failures = 0;
  } catch (error) {
    if (mayPass(error)) wait = patience(++failures, error.seconds);
    else if (isOutcome(error)) opened.told.set(epoch, { error: error.message });
    else if (error.name !== "AbortError") throw error;
  } finally {
    asking = null;
  }
  if (wait) later = setTimeout(() => loadPlanes(onNews), wait);
  else onNews();
}
