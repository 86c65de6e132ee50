// The one way to the server. A question has its answer, or one of three other outcomes, each thrown as an error whose
// message is a sentence for the visitor: Refused (a mistake in the question), NotNow (ask again a little later), Away.

import { patience } from "../pure/patience.js";

export class Refused extends Error {}

/** The server is busy, or whoever computes for it is away. */
export class NotNow extends Error {
  /** @param {string} sentence @param {number} seconds until the next try, as the server says; 0 if it does not */
  constructor(sentence, seconds) {
    super(sentence);
    this.seconds = seconds;
  }
}

/** Unreachable, broken off, or somebody else's page in place of the answer: nobody says when to try again. */
export class Away extends Error {
  seconds = 0;
}

const doubters = [];

/** Calls `listener` whenever an answer did not come as it should: is the server there at all? */
export function onAway(listener) {
  doubters.push(listener);
}

function away(sentence) {
  for (const doubt of doubters) doubt();
  return new Away(sentence);
}

/**
 * The answer to a question; else throws one of the above, or AbortError.
 * @param {string} address @param {RequestInit} [options] @returns {Promise<Response>}
 */
export async function answerTo(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw away("The server cannot be reached.");
  }
  const type = answer.headers.get("Content-Type") ?? "";
  if (answer.ok && !type.startsWith("text/html")) return answer;
  const sentence = type.startsWith("application/json") ? (await jsonOf(answer)).error : null;
  if (answer.status === 401) throw away("The server asks for the password again: reload this page.");
  if (answer.ok || (type.startsWith("text/html") && answer.status < 500))
    throw away("A web page came instead of an answer, perhaps a sign-in page of your network: reload this page.");
  if (answer.status === 503 || answer.status === 429)
    throw new NotNow(sentence ?? `The server is busy (it answered ${answer.status}).`, Number(answer.headers.get("Retry-After")) || 0);
  if (!sentence || answer.status >= 500) throw away(sentence ?? `The server answered ${answer.status}.`);
  throw new Refused(sentence);
}

/** What a part of an answer becomes, or Away where it breaks off. @template T @param {Promise<T>} part @returns {Promise<T>} */
export async function arrived(part) {
  try {
    return await part;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw away("The server's answer broke off.");
  }
}

/** @param {Response} answer */
export function jsonOf(answer) {
  return arrived(answer.json());
}

/** @param {string} address @param {RequestInit} [options] */
export async function jsonFrom(address, options) {
  return jsonOf(await answerTo(address, options));
}

/** Sends a value as JSON. @param {string} address @param {unknown} value @param {AbortSignal} [signal] */
export function post(address, value, signal) {
  return answerTo(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value), signal });
}

/**
 * Whether an error is about the answer; anything else is a mistake of the page's own and must be seen.
 * @returns {error is Refused | NotNow | Away}
 */
export function isOutcome(error) {
  return error instanceof Refused || mayPass(error);
}

/** Whether the same question may be answered a little later. @returns {error is NotNow | Away} */
export function mayPass(error) {
  return error instanceof NotNow || error instanceof Away;
}

/**
 * Asks again and again until there is an answer or a refusal, ever more rarely; `onWait(sentence)` before each pause.
 * @param {string} address @param {{signal: AbortSignal, onWait: (sentence: string) => void} & RequestInit} options
 */
export async function jsonInTime(address, { onWait, ...options }) {
  for (let failures = 1; ; failures++) {
    try {
      return await jsonFrom(address, options);
    } catch (error) {
      if (!mayPass(error)) throw error;
      onWait(error.message);
      await new Promise((resolve) => setTimeout(resolve, patience(failures, error.seconds)));
      options.signal.throwIfAborted();
    }
  }
}
