// What an answer of the server means to the page: taken, refused, not now, or not from our server at all.

import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { answerTo, arrived, Away, isOutcome, jsonFrom, jsonInTime, mayPass, NotNow, onAway, post, Refused } from "../../assets/page/api.js";
import { blocksOf, fetchFrames } from "../../assets/page/frames.js";
import { makeFile } from "../../assets/page/download.js";

afterEach(() => mock.restoreAll());

const json = (status, value, headers = {}) => new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json", ...headers } });
const html = (status) => new Response("<h1>Sign in</h1>", { status, headers: { "Content-Type": "text/html; charset=utf-8" } });
const answering = (...answers) => mock.method(globalThis, "fetch", async () => {
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  if (answer instanceof Error) throw answer;
  return answer;
});
const aborted = () => Object.assign(new Error("aborted"), { name: "AbortError" });

const OUTCOMES = [
  ["a mistake in the question", () => json(400, { error: "No such run." }), Refused, "No such run."],
  ["an address that is not there", () => json(404, { error: "Not found." }), Refused, "Not found."],
  ["a question too large", () => json(413, { error: "Too large." }), Refused, "Too large."],
  ["a busy server", () => json(503, { error: "Busy: wait." }, { "Retry-After": "7" }), NotNow, "Busy: wait.", 7],
  ["a busy server that does not say how long", () => json(503, { error: "Reconnecting." }), NotNow, "Reconnecting.", 0],
  ["a date instead of seconds", () => json(503, { error: "Later." }, { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" }), NotNow, "Later.", 0],
  ["a proxy's limit", () => new Response("slow down", { status: 429, headers: { "Content-Type": "text/plain" } }), NotNow, "The server is busy (it answered 429).", 0],
  ["a proxy's page of a busy server", () => html(503), NotNow, "The server is busy (it answered 503).", 0],
  ["an internal error", () => json(500, { error: "Internal error; see the server log." }), Away, "Internal error; see the server log.", 0],
  ["a bad gateway", () => html(502), Away, "The server answered 502.", 0],
  ["a forgotten password", () => html(401), Away, "The server asks for the password again: reload this page.", 0],
  ["a sign-in page", () => html(200), Away, "A web page came instead of an answer, perhaps a sign-in page of your network: reload this page.", 0],
  ["a refusal by somebody else", () => html(403), Away, "A web page came instead of an answer, perhaps a sign-in page of your network: reload this page.", 0],
  ["a refusal without a sentence", () => json(400, {}), Away, "The server answered 400.", 0],
  ["no network", () => new TypeError("Failed to fetch"), Away, "The server cannot be reached.", 0],
  ["an error that breaks off", () => new Response('{"err', { status: 400, headers: { "Content-Type": "application/json" } }), Away, "The server's answer broke off.", 0],
];

for (const [name, answer, Kind, sentence, seconds] of OUTCOMES)
  test(`${name} is ${Kind.name}`, async () => {
    answering(answer());
    let doubts = 0;
    onAway(() => doubts++);
    await assert.rejects(answerTo("api/v1/runs"), (error) => {
      assert.equal(error.constructor, Kind);
      assert.equal(error.message, sentence);
      assert.equal(error.seconds, seconds);
      assert.deepEqual([isOutcome(error), mayPass(error)], [true, Kind !== Refused]);
      return true;
    });
    assert.equal(doubts, Kind === Away ? 1 : 0);
  });

test("an answer is handed on", async () => {
  answering(json(200, { cosine: [[1]] }));
  assert.deepEqual(await jsonFrom("api/v1/cosines"), { cosine: [[1]] });
});

test("a question that is given up is no outcome", async () => {
  answering(aborted());
  await assert.rejects(jsonFrom("api/v1/runs"), (error) => error.name === "AbortError" && !isOutcome(error));
  await assert.rejects(arrived(Promise.reject(aborted())), { name: "AbortError" });
});

test("a value is sent as JSON", async () => {
  const fetched = answering(json(200, {}));
  const { signal } = new AbortController();
  await post("api/v1/training", { action: "stop" }, signal);
  assert.deepEqual(fetched.mock.calls[0].arguments, [
    "api/v1/training", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"action":"stop"}', signal },
  ]);
});

test("what may pass is asked again until it is answered, with a sentence for each wait", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const fetched = answering(json(503, { error: "Reconnecting." }, { "Retry-After": "2" }), html(502), json(200, { claims: [] }));
  const said = [];
  const answer = jsonInTime("api/v1/evidence", { signal: new AbortController().signal, onWait: (sentence) => said.push(sentence) });
  for (const [ms, calls] of [[1999, 1], [1, 2], [1499, 2], [1, 3]]) {
    await settle();
    t.mock.timers.tick(ms);
    await settle();
    assert.equal(fetched.mock.callCount(), calls);
  }
  assert.deepEqual(await answer, { claims: [] });
  assert.deepEqual(said, ["Reconnecting.", "The server answered 502."]);
});

test("a refusal is not asked again, and nothing is after it was given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const fetched = answering(json(400, { error: "No such claim." }));
  await assert.rejects(jsonInTime("api/v1/evidence/x", { signal: new AbortController().signal, onWait: assert.fail }), Refused);
  assert.equal(fetched.mock.callCount(), 1);
  const controller = new AbortController();
  answering(json(503, { error: "Busy." }));
  const given = jsonInTime("api/v1/evidence", { signal: controller.signal, onWait: () => {} });
  await settle();
  controller.abort();
  t.mock.timers.tick(60_000);
  await assert.rejects(given, { name: "AbortError" });
});

// Until all that has been answered is read: a body may take some turns.
async function settle() {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

// ---- streams ----------------------------------------------------------------------------------------------------

const bytes = (text) => new TextEncoder().encode(text);
const prefixed = (block) => [...new Uint8Array(Uint32Array.of(block.length).buffer), ...block];

// An answer whose content comes in pieces.
function pieces(...parts) {
  return new Response(new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(Uint8Array.from(part));
      controller.close();
    },
  }));
}

test("blocks come whole, wherever the stream is cut", async () => {
  const all = [...prefixed(bytes("first")), ...prefixed(bytes("")), ...prefixed(bytes("third"))];
  for (let at = 0; at <= all.length; at++) {
    const found = [];
    for await (const block of blocksOf(pieces(all.slice(0, at), all.slice(at)))) found.push(new TextDecoder().decode(block));
    assert.deepEqual(found, ["first", "", "third"]);
  }
});

test("a stream that breaks off within a block is away", async () => {
  const read = async (answer) => {
    for await (const block of blocksOf(answer)) assert.ok(block);
  };
  await assert.rejects(read(pieces(prefixed(bytes("first")).slice(0, -1))), { constructor: Away, message: "The server's answer broke off." });
  const failing = new Response(new ReadableStream({ pull: (controller) => controller.error(new TypeError("network error")) }));
  await assert.rejects(read(failing), Away);
});

test("frames are handed on in their order, without what they share", async () => {
  const frameOf = (about) => {
    const text = JSON.stringify(about).padEnd(4 * Math.ceil(JSON.stringify(about).length / 4));
    return prefixed([...new Uint8Array(Uint32Array.of(text.length).buffer), ...bytes(text)]);
  };
  answering(pieces(prefixed(bytes('{"half_width": 1}')), frameOf({ index: 3, error: "gone" }), frameOf({ index: 4, error: "busy", later: true })));
  const found = [];
  await fetchFrames("api/v1/frames", { signal: undefined, onFrame: (frame) => found.push(frame) });
  assert.deepEqual(found, [{ index: 3, error: "gone" }, { index: 4, error: "busy", later: true }]);
});

const fileOf = (...blocks) => pieces(blocks.flatMap((block) => prefixed(bytes(typeof block === "string" ? block : JSON.stringify(block)))));

test("a file is made step by step, and must be whole", async () => {
  answering(fileOf({ doing: "Drawing", done: 1, total: 2 }, { name: "view.html", type: "text/html", bytes: 6 }, "abc", "def"));
  const steps = [];
  const { blob, name } = await makeFile({ kind: "html" }, { signal: undefined, onStep: (step) => steps.push(step) });
  assert.deepEqual([await blob.text(), name, steps.map(({ doing }) => doing)], ["abcdef", "view.html", ["Drawing"]]);
  answering(fileOf({ name: "view.html", type: "text/html", bytes: 7 }, "abc", "def"));
  await assert.rejects(makeFile({}, { signal: undefined, onStep: assert.fail }), { message: "The file broke off on its way: try again." });
  answering(fileOf({ error: "Too many frames." }));
  await assert.rejects(makeFile({}, { signal: undefined, onStep: assert.fail }), { constructor: Refused, message: "Too many frames." });
});
