// A published site begins (gradviz/publish): its files answer in the place of a server, then the page is what it is everywhere.
//
// The policy of the page allows no script but this one and those whose hashes it names: they come compressed, and run as they are.

import { answering } from "./answers.js";
import { textOf, unpack } from "./packed.js";

const MARK = "_dash-loading"; // what Dash shows until it draws

function run(text) {
  const script = document.createElement("script");
  script.textContent = text;
  document.body.append(script);
}

async function begin() {
  if (!("DecompressionStream" in window)) throw new Error("This browser is too old for this page: it takes Chrome 80, Firefox 113, Safari 16.4, or a later one.");
  // Dash's graphs wait for a promise in the place of plotly.js, which is the longest on its way.
  const plotly = textOf("plotly").then((text) => (run(text), window.Plotly));
  window.Plotly = plotly;
  plotly.catch(tell);
  const [start, renderer, page] = await Promise.all(["start", "renderer", "page"].map(textOf));
  const told = JSON.parse(start);
  window.fetch = answering(told, unpack);
  window.gradvizSite = told.site;
  run(renderer);
  run(page);
  run("var renderer = new DashRenderer();");
}

function tell(error) {
  const place = document.querySelector(`.${MARK}`) ?? document.body.appendChild(document.createElement("p"));
  place.textContent = error.message;
}

begin().catch(tell);
