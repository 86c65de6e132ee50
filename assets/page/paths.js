// The paths of replicas, as far as the server has told them: asked for while somebody looks, started and ended on request.

import { queryOf } from "../pure/paths.js";
import { isOutcome, jsonFrom, jsonInTime, jsonOf, mayPass, post } from "./api.js";

/** @import { Paths } from "../pure/paths.js" */

const EVERY_MS = 500; // while the job of these paths runs
const OTHERS_MS = 2000; // while another's does

/**
 * `told`: what the server says of the request (PathsAskedAnswer); `result`: the paths; `error`: a refusal, in a sentence; `isStarting`: the
 * server has been asked to begin. @type {{request: any, told: any, result: Paths | null, error: string, isStarting: boolean}}
 */
export const paths = { request: null, told: null, result: null, error: "", isStarting: false };

let asking = new AbortController();
let changed = () => {};

/** Asks for other paths than before, and calls `onChange` whenever more is known. @param {any} request @param {() => void} onChange */
export function askForPaths(request, onChange) {
  changed = onChange;
  Object.assign(paths, { request, told: null, result: null, error: "", isStarting: false });
  again(follow);
}

/** Nobody looks any longer. */
export function leavePaths() {
  asking.abort();
}

/** Somebody looks again at what was asked for. */
export function lookAgain() {
  if (asking.signal.aborted && paths.request) again(follow);
}

export function startPaths() {
  Object.assign(paths, { error: "", isStarting: true });
  changed();
  again(async (signal) => {
    paths.told = await jsonOf(await post("api/v1/paths", paths.request, signal));
    paths.isStarting = false;
    await follow(signal, paths.told);
  });
}

export function cancelPaths() {
  const { key } = paths.told.job;
  again(async (signal) => {
    await post("api/v1/paths/cancel", { key }, signal);
    await follow(signal);
  });
}

/** The minibatch of a step (PathsStepAnswer). @param {{condition: string, replica: number, step: number}} at @param {AbortSignal} signal */
export function minibatchOfStep(at, signal) {
  return jsonFrom(`api/v1/paths/step?${queryOf({ ...paths.request, ...at })}`, { signal });
}

/** The landscape of its rows (PathsLandscapeAnswer) over two parameters. @param {{condition: string, replica: number, step: number}} at @param {string[]} pair @param {AbortSignal} signal */
export function landscapeOfStep(at, [x, y], signal) {
  return told(`api/v1/paths/landscape?${queryOf({ ...paths.request, ...at, x, y })}`, signal);
}

async function again(work) {
  asking.abort();
  const { signal } = (asking = new AbortController());
  try {
    await work(signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!isOutcome(error)) throw error;
    Object.assign(paths, { error: error.message, isStarting: false });
    changed();
    if (mayPass(error)) again(follow); // another job is under way, or the server is away: what is known stays in view
  }
}

// An answer; asked again, ever more rarely, where the server is busy or away.
async function told(address, signal) {
  let waited = "";
  const onWait = (sentence) => {
    paths.error = waited = sentence;
    changed();
  };
  const answer = await jsonInTime(address, { signal, cache: "no-cache", onWait });
  if (waited && paths.error === waited) paths.error = "";
  return answer;
}

// Until the paths are there, or nothing works at them.
async function follow(signal, known = null) {
  for (let begun = known; ; begun = null) {
    paths.told = begun ?? (await told(`api/v1/paths?${queryOf(paths.request)}`, signal));
    if (paths.told.is_known && !paths.result) paths.result = await told(`api/v1/paths/results/${paths.told.key}`, signal);
    changed();
    if (paths.told.is_known || paths.told.job?.state !== "running") return;
    await whileRunning(signal, paths.told.job.key);
  }
}

async function whileRunning(signal, key) {
  for (;;) {
    await pause(key === paths.told.key ? EVERY_MS : OTHERS_MS);
    signal.throwIfAborted();
    const { job } = await told("api/v1/paths/job", signal);
    if (job?.key !== key || job.state !== "running") return;
    paths.told = { ...paths.told, job };
    changed();
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
