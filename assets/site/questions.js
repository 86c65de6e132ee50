// What the page asks, as the one text under which a published site has the answer (gradviz/publish/questions.py writes the same;
// tests/fixtures/questions.json holds both), and in words what it lacks.

const API = "/api/v1/";
const INDICES = { epochs: "epoch", minibatches: "minibatch" }; // of many frames: one file has all
const OF_FRAMES = ["only", "coarse"];

/** Of things that a site may lack as a whole. */
const KINDS = {
  frames: "this picture", landscape: "the numbers as a file", exports: "files that a server makes", recipes: "the commands that reproduce a view",
  plane: "planes along directions", probe: "paths from a point", sampling: "the sampling ellipse", course: "the curves of agreement", cosines: "the cosines of larger parts",
  measures: "the measures of the literature", rows: "the rows of the minibatches", units: "the map of the units", pairs: "suggested pairs", activity: "the share of rows on which a unit is active",
  evidence: "the evidence", lessons: "this lesson", scenes: "the scenes", paths: "the paths of replicas", training: "training", estimate: "estimates",
};

const WORDS = {
  minibatch_size: (value) => `minibatches of ${value} rows`, mode: (value) => `${value} mode`, masks: (value) => `${value} masks`, seed: (value) => `seed ${value}`,
  half_width: (value) => `a half width of ${value}`, points: (value) => `${value} × ${value} points`, rows: () => "chosen rows", run: (value) => `the run ${value}`,
  epoch: (value) => `epoch ${value}`, minibatch: (value) => `minibatch ${value}`, coarse: () => "coarser grids", part: (value) => `the part ${value}`,
};

/** @param {string} address as the page asks it, at any host and path @returns {string | null} null for what is no question to the API */
export function questionOf(address) {
  const { pathname, searchParams } = new URL(address, "site:/");
  const from = pathname.indexOf(API);
  if (from < 0) return null;
  const kind = pathname.slice(from + API.length);
  const entries = [...searchParams].filter(([name, value]) => !isLeftOut(kind, name, value, searchParams));
  return entries.length ? `${kind}?${entries.map((entry) => entry.join("=")).sort().join("&")}` : kind;
}

function isLeftOut(kind, name, value, all) {
  if (kind !== "frames") return false;
  return OF_FRAMES.includes(name) ? name === "only" || value === "0" : name === INDICES[all.get("over") ?? "epochs"];
}

function partsOf(question) {
  const [kind, query = ""] = question.split("?");
  const [head, ...rest] = kind.split("/");
  const values = query ? query.split("&").map((one) => one.split("=")) : [];
  return { head, values: new Map([...rest.map((value, k) => [`${k}`, value]), ...values]) };
}

/** One sentence: what of this the site does not have. @param {string} question @param {Iterable<string>} known questions that it answers */
export function lackOf(question, known) {
  const asked = partsOf(question);
  let differing = null;
  for (const one of known) {
    const other = partsOf(one);
    if (other.head !== asked.head || other.values.get("over") !== asked.values.get("over")) continue;
    const names = new Set([...asked.values.keys(), ...other.values.keys()]);
    const own = [...names].filter((name) => asked.values.get(name) !== other.values.get(name));
    if (!differing || own.length < differing.length) differing = own;
  }
  const kind = KINDS[asked.head] ?? "this";
  if (!differing) return `Not in this site: ${kind}.`;
  const { values } = asked;
  const words = differing.filter((name) => !["x", "y"].includes(name)).map((name) => (values.has(name) ? WORDS[name]?.(values.get(name)) : null)).filter(Boolean);
  if (differing.includes("x") || differing.includes("y")) words.unshift(`the plane of ${values.get("x")} and ${values.get("y")}`);
  return `Not in this site: ${words.length ? words.join(", ") : kind}.`;
}
