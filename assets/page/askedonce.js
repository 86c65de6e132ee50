// Answers that each take one question to the server, asked when something first wants them and never while a hand moves a
// slider. What is not there yet is asked for again as long as it is wanted; a refusal stays.

import { patience } from "../pure/patience.js";
import { isOutcome, jsonFrom, Refused } from "./api.js";
import { isScrubbing } from "./sliders.js";
import { page } from "./state.js";

/** `most` of them are kept, the last used ones; `read` makes an answer of an address. */
export class AskedOnce {
  #answers = new Map(); // address -> {answer, error: sentence or null, ...}
  #most;
  #read;

  constructor(most, read = jsonFrom) {
    this.#most = most;
    this.#read = read;
  }

  /** {answer: null until it is there, error}; calls `onKnown` when there is news. What follows # in the address tells it apart here alone. */
  of(address, onKnown) {
    if (!this.#answers.has(address)) {
      if (page.away || isScrubbing()) return { answer: null, error: null };
      if (this.#answers.size >= this.#most) this.#answers.delete(this.#answers.keys().next().value);
      this.#answers.set(address, { answer: null, error: null, failures: 0 });
    }
    const known = this.#answers.get(address);
    const isWanted = !known.answer && !known.isFinal && !known.isAsked && !page.away && performance.now() >= (known.notBefore ?? 0);
    if (isWanted && !isScrubbing()) ask(this.#read, address, known, onKnown);
    return known;
  }
}

async function ask(read, address, known, onKnown) {
  known.isAsked = true;
  try {
    Object.assign(known, { answer: await read(address.split("#")[0]), error: null });
  } catch (error) {
    if (!isOutcome(error)) throw error;
    known.error = error.message;
    if (error instanceof Refused) known.isFinal = true;
    else {
      const wait = patience(++known.failures, error.seconds);
      known.notBefore = performance.now() + wait;
      setTimeout(onKnown, wait);
    }
  } finally {
    known.isAsked = false;
  }
  onKnown();
}
