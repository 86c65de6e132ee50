// What lies in planes along directions, asked for once for each checkpoint: where an overlay wants it, after the picture and
// never while a hand moves a slider.

import { wantsOverlay } from "../pure/overlays.js";
import { patience } from "../pure/patience.js";
import { isOutcome, jsonFrom, mayPass } from "./api.js";
import { ownFrame } from "./plans.js";
import { isBusy } from "./sliders.js";
import { page } from "./state.js";

let asking = null; // {planes, epoch, controller}
let later = null;
let failures = 0; // in a row

// Asks for the next that is wanted; calls `onNews` when it is there, and goes on.
export function loadPlanes(onNews) {
  clearTimeout(later);
  if (page.away || isBusy()) return;
  const { epoch } = page.view;
  const wanted = page.plans.filter(isWanted).map(({ planes }) => planes);
  if (asking && !(asking.epoch === epoch && wanted.includes(asking.planes))) asking.controller.abort();
  if (!asking && wanted.length) ask(wanted[0], epoch, onNews);
}

function isWanted(plan) {
  const isShown = ["path", "spread"].some((overlay) => wantsOverlay(page.view, overlay));
  return isShown && plan.planes && !plan.minus && !plan.planes.told.has(page.view.epoch) && Boolean(ownFrame(plan));
}

async function ask(planes, epoch, onNews) {
  const mine = (asking = { planes, epoch, controller: new AbortController() });
  let wait = 0;
  try {
    planes.told.set(epoch, await jsonFrom(`api/v1/plane?${new URLSearchParams({ ...planes.selection, epoch })}`, { signal: mine.controller.signal }));
    failures = 0;
  } catch (error) {
    if (mayPass(error)) wait = patience(++failures, error.seconds);
    else if (isOutcome(error)) planes.told.set(epoch, { error: error.message });
    else if (error.name !== "AbortError") throw error;
  } finally {
    asking = null;
  }
  if (wait) later = setTimeout(() => loadPlanes(onNews), wait);
  else onNews();
}
