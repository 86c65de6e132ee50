// What a published site answers from its files: the view of a link, the text of a question, what it lacks.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import "./constants.js";
import { answering } from "../../assets/site/answers.js";
import { inflated } from "../../assets/site/packed.js";
import { read, settle } from "../../assets/site/permalink.js";
import { lackOf, questionOf } from "../../assets/site/questions.js";

const fixture = (name) => JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8"));
const { told, runs, links } = fixture("permalinks");

const plain = Object.fromEntries(told.fields.map(({ name }) => [name, told.properties[name].default]));

// Where a value is refused, Python says at length what is allowed.
const bare = (notice) => notice.replace(/^(The link's `[^`]*` is ignored).*$/s, "$1").replace(/^.*(The picture shows .*)$/s, "$1");

for (const { runs: which, search, view, unread, unfit } of links)
  test(`${search.slice(0, 70)} of ${which} runs means what Python reads`, () => {
    const found = read(search, told);
    const settled = settle(found.view, told, runs[which]);
    assert.deepEqual(settled.view, { ...plain, ...view });
    assert.deepEqual(found.notices.map(bare), unread.map(bare));
    assert.deepEqual(settled.notices.map(bare), unfit.map(bare));
  });

for (const [address, text] of fixture("questions"))
  test(`${address} is asked for as ${text}`, () => {
    for (const before of ["api/v1/", "/api/v1/", "http://localhost/tools/gradviz/api/v1/"]) assert.equal(questionOf(`${before}${address}`), text);
  });

test("another address is no question", () => assert.equal(questionOf("/bundles/page.js"), null));

const known = [
  "frames?half_width=0.1&minibatch=0&mode=eval&over=epochs&points=21&run=none&x=a[0]&y=a[1]",
  "frames?half_width=0.1&masks=frozen&minibatch=0&mode=train&over=epochs&points=21&run=dropout&seed=0&x=a[0]&y=a[1]",
];

for (const [changed, sentence] of [
  [{ mode: "train" }, "Not in this site: train mode."],
  [{ minibatch: "7" }, "Not in this site: minibatch 7."],
  [{ half_width: "0.3", points: "41" }, "Not in this site: a half width of 0.3, 41 × 41 points."],
  [{ x: "b[3]" }, "Not in this site: the plane of b[3] and a[1]."],
  [{ run: "gone" }, "Not in this site: the run gone."],
])
  test(`of ${JSON.stringify(changed)} it says what is not there`, () => {
    const asked = new URLSearchParams(known[0].split("?")[1]);
    for (const [name, value] of Object.entries(changed)) asked.set(name, value);
    assert.equal(lackOf(questionOf(`api/v1/frames?${asked}`), known), sentence);
  });

test("of what is not there as a whole it names the kind", () => {
  assert.equal(lackOf("plane?run=none", known), "Not in this site: planes along directions.");
  assert.equal(lackOf("unheard", known), "Not in this site: this.");
});

const start = {
  layout: { type: "Div" }, dependencies: [1], view: told, site: {}, first: { "": { view: { x_a: "alive" }, notices: [] } },
  answers: { runs: { runs: runs.all }, training: { state: "empty" } },
  index: { [known[0]]: "7", "sampling?epoch=1": "8", "sampling?epoch=2": "8" },
};

function site(files = {}) {
  const asked = [];
  const fetched = answering(start, async (name) => {
    asked.push(name);
    if (!Object.hasOwn(files, name)) throw new Error("gone");
    return files[name];
  });
  return { fetched, asked };
}

const bytes = (value) => new TextEncoder().encode(JSON.stringify(value)).buffer;

test("Dash has its layout, its callbacks and the one answer that it asks a server for", async () => {
  const { fetched } = site();
  assert.deepEqual(await (await fetched("/_dash-layout")).json(), start.layout);
  assert.deepEqual(await (await fetched("/_dash-dependencies")).json(), start.dependencies);
  for (const [search, name, value] of [["?epoch=2", "epoch", 2], ["", "x_a", "alive"]]) {
    const body = JSON.stringify({ inputs: [{ value: { search, visit: 1 } }] });
    const { response } = await (await fetched("/_dash-update-component", { method: "POST", body })).json();
    assert.equal(response.opened.data.view[name], value);
  }
});

test("a stack comes as the file has it, whichever of its frames is asked for first", async () => {
  const { fetched, asked } = site({ 7: new Uint8Array([1, 2, 3]).buffer });
  for (const epoch of [3, 4]) {
    const answer = await fetched(`api/v1/${known[0].replaceAll("[", "%5B")}&epoch=${epoch}&only=${epoch}`);
    assert.equal(answer.ok, true);
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), new Uint8Array([1, 2, 3]));
  }
  assert.deepEqual(asked, ["7"]);
});

test("answers in one file are told apart, and a refusal stays one", async () => {
  const { fetched, asked } = site({ 8: bytes({ "sampling?epoch=1": { u: 1 }, "sampling?epoch=2": { error: "No." } }) });
  assert.deepEqual(await (await fetched("api/v1/sampling?epoch=1")).json(), { u: 1 });
  const refusal = await fetched("api/v1/sampling?epoch=2");
  assert.deepEqual([refusal.status, await refusal.json()], [422, { error: "No." }]);
  assert.deepEqual(asked, ["8"]);
});

test("what is not there is a refusal in a sentence, and so is what a server would do", async () => {
  const { fetched } = site();
  const lack = await fetched("api/v1/plane?run=none");
  assert.deepEqual([lack.status, await lack.json()], [422, { error: "Not in this site: planes along directions." }]);
  const order = await fetched("api/v1/training", { method: "POST", body: "{}" });
  assert.deepEqual([order.status, await order.json()], [422, { error: "Not in this site: training." }]);
});

test("a file that does not come is asked for again", async () => {
  const files = {};
  const { fetched, asked } = site(files);
  await assert.rejects(fetched("api/v1/sampling?epoch=1"), /gone/);
  files[8] = bytes({ "sampling?epoch=1": { u: 1 } });
  assert.equal((await fetched("api/v1/sampling?epoch=1")).ok, true);
  assert.deepEqual(asked, ["8", "8"]);
});

test("a question that is given up has no answer", async () => {
  const { fetched } = site({ 7: new ArrayBuffer(0) });
  await assert.rejects(fetched(`api/v1/${known[0]}`, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("a file is unpacked unless its host has done so", async () => {
  const text = new TextEncoder().encode("plain");
  for (const sent of [text, new Uint8Array(gzipSync(text))]) assert.equal(new TextDecoder().decode(await inflated(sent)), "plain");
});
