// The files of a published site answer in the place of a server: what `fetch` is while the page of a site is open. What they lack,
// they say in a sentence, as a server's refusal.

import { opened } from "./permalink.js";
import { lackOf, questionOf } from "./questions.js";

const MOST_KEPT = 24; // files, unpacked
const MISTAKE = 422;

/**
 * @typedef {object} Start what the page begins with (gradviz/publish/pages.py)
 * @property {any} layout Dash's
 * @property {any} dependencies Dash's
 * @property {Record<string, any>} answers questions that are asked at once, with their answers
 * @property {Record<string, string>} index the file that answers a question
 * @property {{fields: any[], properties: Record<string, any>}} view the fields of a view, and what they take
 * @property {Record<string, any>} first what addresses open that name nothing but a view
 * @property {any} site what the page is told of the site (page/site.js)
 */

/** @param {Start} start @param {(name: string, signal?: AbortSignal) => Promise<ArrayBuffer>} unpack @returns {typeof fetch} */
export function answering(start, unpack) {
  const kept = new Map(); // file -> promise of its bytes, the last used last
  const known = () => [...Object.keys(start.index), ...Object.keys(start.answers)];

  function bytesOf(name) {
    const bytes = kept.get(name) ?? unpack(name);
    kept.delete(name);
    kept.set(name, bytes);
    bytes.catch(() => kept.delete(name)); // the next question tries again
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
    return bytes;
  }

  async function told(question) {
    if (Object.hasOwn(start.answers, question)) return json(start.answers[question]);
    if (!Object.hasOwn(start.index, question)) return json({ error: lackOf(question, known()) });
    const name = start.index[question];
    const bytes = await bytesOf(name);
    if (question.startsWith("frames?")) return new Response(bytes, { headers: { "Content-Type": "application/octet-stream" } });
    return json(JSON.parse(new TextDecoder().decode(bytes))[question]);
  }

  return async (input, options = {}) => {
    const address = input instanceof Request ? input.url : `${input}`;
    const { pathname } = new URL(address, "site:/");
    if (pathname.endsWith("/_dash-layout")) return json(start.layout);
    if (pathname.endsWith("/_dash-dependencies")) return json(start.dependencies);
    if (pathname.endsWith("/_dash-update-component")) return json(callback(JSON.parse(`${options.body}`)));
    const question = questionOf(address);
    if (question === null) return json({ error: "Not in this site." });
    const answer = (options.method ?? "GET") === "GET" ? await told(question) : json({ error: lackOf(question, []) });
    options.signal?.throwIfAborted();
    return answer;
  };

  // The one callback that the server answers: gradviz/dashboard/callbacks/opening.py.
  function callback({ inputs: [{ value: { search } }] }) {
    const data = Object.hasOwn(start.first, search) ? start.first[search] : opened(search, start.view, start.answers.runs.runs);
    return { multi: true, response: { opened: { data } } };
  }
}

function json(value) {
  const isRefusal = value && typeof value === "object" && Object.keys(value).join() === "error";
  return new Response(JSON.stringify(value), { status: isRefusal ? MISTAKE : 200, headers: { "Content-Type": "application/json" } });
}
