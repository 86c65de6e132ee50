// Keeps the frames of selections in memory: a *stack* is all epochs of one minibatch, or all minibatches of one epoch.

import { hasDirections } from "../pure/axes.js";
import { patience } from "../pure/patience.js";
import { isOutcome, jsonFrom, NotNow, Refused } from "./api.js";
import { conductor } from "./conductor.js";
import { fetchFrames } from "./frames.js";
import { site } from "./site.js";
import { page } from "./state.js";

const MOST_BYTES = 192e6;
const MOST_AT_ONCE = 400; // the server takes 500
const MOST_REFUSED = 2; // of a plane along directions, one after the other
const UNTIL_TOLD_MS = 700; // what comes sooner needs no estimate
const MOST_FAILURES = 6; // in a row: then somebody has to ask for another try
const stacks = new Map(); // address -> stack, least recently used first

// The stack of a selection, empty at first. `key` names what it shows, `over` says what its frames are. `coarser`: the
// points a side of coarser grids that are asked for before a frame that is waited for, where one is slow.
export function openStack(selection, over, coarser = []) {
  const key = new URLSearchParams({ ...selection, over }).toString();
  let stack = stacks.get(key);
  if (stack) stacks.delete(key);
  else stack = { key, selection, over, frames: new Map(), coarse: new Map(), failed: new Map(), error: null, loading: null, lead: null, hurrying: null, bytes: 0, failures: 0, paused: null };
  stacks.set(key, stack);
  stack.coarser = coarser;
  return stack;
}

// Asks for what the stack does not hold, `first` first, unless it is being loaded. `indices`: all that there should
// be. `onFrame(stack, frame)` for each that arrives, `onEnd(stack)` when no more do.
export async function loadStack(stack, first, indices, { onFrame, onEnd }) {
  if (stack.loading || stack.error || stack.paused) return;
  const missing = indices.filter((index) => !stack.frames.has(index) && !stack.failed.has(index)).slice(0, MOST_AT_ONCE);
  if (!missing.length) return;
  stack.lead = missing.reduce((a, b) => (Math.abs(b - first) < Math.abs(a - first) ? b : a));
  await fetchInto(stack, "loading", stack.lead, missing, { onFrame, onEnd });
}

// Asks for one frame ahead of those that are being loaded. One at a time: when it has come, `onEnd` may ask for the one
// that is wanted by then.
export async function hurryStack(stack, index, { onFrame, onEnd }) {
  if (stack.hurrying || stack.error || stack.paused || stack.frames.has(index) || stack.failed.has(index)) return;
  if (stack.loading && stack.lead === index) return;
  await fetchInto(stack, "hurrying", index, [index], { onFrame, onEnd });
}

// `as`: under which name of the stack the request is known, and can be stopped.
async function fetchInto(stack, as, lead, missing, { onFrame, onEnd }) {
  const controller = (stack[as] = new AbortController());
  const { signal } = controller;
  const asking = setTimeout(() => askHowLong(stack, lead, signal), UNTIL_TOLD_MS);
  try {
    for (const size of stack.coarser) await fetchCoarse(stack, lead, size, { signal, onFrame });
    await fetchFrames(addressOf(stack, as, lead, missing), {
      signal,
      onFrame: (frame) => {
        if (frame.later) pause(stack, frame.error);
        else if (frame.error) stack.failed.set(frame.index, frame.error);
        else putFrame(stack, frame);
        onFrame(stack, frame);
      },
    });
    // What was asked for and did not come has gone meanwhile: it is not asked for again.
    for (const index of stack.paused ? [] : missing) if (!stack.frames.has(index) && !stack.failed.has(index)) stack.failed.set(index, site ? `Not in this site: ${stack.over === "epochs" ? "epoch" : "minibatch"} ${index} of this picture.` : "It is gone.");
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!isOutcome(error)) throw error;
    if (error instanceof Refused) refused(stack, lead, error);
    else if (error instanceof NotNow) pause(stack, error.message, error.seconds);
    else broken(stack, error);
  } finally {
    clearTimeout(asking);
    if (stack[as] === controller) stack[as] = null;
    if (!controller.signal.aborted) onEnd(stack);
    trim();
  }
}

// What is refused is so at all epochs; but one of them may lack a direction that others have, as the first lacks a step.
function refused(stack, lead, { message }) {
  if (hasDirections(stack.selection) && stack.failed.size < MOST_REFUSED) stack.failed.set(lead, message);
  else stack.error = message;
}

// The points of a coarser grid of a frame: those of the frame itself, which are not computed again for it.
async function fetchCoarse(stack, lead, size, { signal, onFrame }) {
  const known = stack.coarse.get(lead) ?? [];
  if (known.some(({ points }) => points >= size)) return;
  await fetchFrames(`${oneOf(stack, lead)}&coarse=${size}`, {
    signal,
    onFrame: (frame) => {
      if (frame.error) return; // the whole frame says it
      frame.of = Number(stack.selection.points);
      stack.bytes += 14 * frame.u.length;
      stack.coarse.set(lead, [...(stack.coarse.get(lead) ?? []), frame]);
      stack.later = null;
      onFrame(stack, frame);
    },
  });
}

// Tells how long a frame that has not come yet will take. A question that fails is not asked again: the frame's own may
// say why.
async function askHowLong(stack, lead, signal) {
  if (stack.frames.has(lead) || stack.seconds !== undefined) return;
  try {
    stack.seconds = (await jsonFrom(`api/v1/estimate?${queryOf(stack, lead, false)}`, { signal })).seconds;
  } catch (error) {
    if (error.name === "AbortError" || isOutcome(error)) return;
    throw error;
  }
  if (!signal.aborted) conductor.draw();
}

// Whoever computes is busy or away: says so in place of the picture, and asks again in a moment.
function pause(stack, message, seconds = 0) {
  if (stack.paused) return;
  const wait = patience(++stack.failures, seconds);
  stack.later = message;
  stack.paused = setTimeout(() => resume(stack), wait);
}

// The answer is cut off: perhaps the server has gone, perhaps it fails at this question each time.
function broken(stack, { message }) {
  if (stack.failures + 1 < MOST_FAILURES) return pause(stack, `${message} The page asks again.`);
  stack.error = `${message} It failed ${MOST_FAILURES} times in a row: the server's log may say why.`;
  stack.canRetry = true;
}

function resume(stack) {
  clearTimeout(stack.paused);
  stack.paused = null;
  if (page.view) conductor.refresh();
}

// Asks once more for what failed again and again.
export function retryStack(stack) {
  Object.assign(stack, { error: null, canRetry: false, failures: 0, later: null });
  resume(stack);
}

// The server is back: nothing waits any longer.
export function resumeAll() {
  for (const stack of stacks.values()) {
    clearTimeout(stack.paused);
    stack.paused = null;
  }
}

export function putFrame(stack, frame) {
  stack.later = null;
  if (stack.frames.has(frame.index)) return;
  stack.failures = 0;
  stack.bytes += 14 * frame.u.length;
  stack.frames.set(frame.index, frame);
}

// Stops what nobody looks at any more.
export function keepLoadingOnly(wanted) {
  for (const stack of stacks.values()) if (!wanted.includes(stack)) stop(stack);
}

function stop(stack) {
  for (const as of ["loading", "hurrying"]) {
    stack[as]?.abort();
    stack[as] = null;
  }
}

// Forgets what was loaded of a run, when it begins afresh.
export function forgetRun(name) {
  for (const [key, stack] of stacks)
    if (stack.selection.run === name) {
      stop(stack);
      clearTimeout(stack.paused);
      stacks.delete(key);
    }
}

function trim() {
  let bytes = 0;
  for (const stack of stacks.values()) bytes += stack.bytes;
  for (const [key, stack] of stacks) {
    if (bytes <= MOST_BYTES || stacks.size <= 6) break;
    bytes -= stack.bytes;
    stacks.delete(key);
  }
}

function addressOf(stack, as, lead, missing) {
  const query = queryOf(stack, lead);
  if (as === "hurrying" || stack.frames.size) query.set("only", missing.join(","));
  return `api/v1/frames?${query}`;
}

function oneOf(stack, lead) {
  const query = queryOf(stack, lead);
  query.set("only", lead);
  return `api/v1/frames?${query}`;
}

function queryOf(stack, lead, isStream = true) {
  const query = new URLSearchParams(isStream ? { ...stack.selection, over: stack.over } : stack.selection);
  query.set(stack.over === "epochs" ? "epoch" : "minibatch", lead);
  return query;
}
