// plotly.js on its way: 1.4 MB that may take minutes on a slow line. Dash gives it thirty seconds, and then the page is
// blank; so it is fetched here, and Dash waits for as long as it takes.

import { patience } from "../pure/patience.js";
import { button, element } from "../page/dom.js";

const SLOW_MS = 8000;
const MOST_TRIES = 4;
let told = null;

function bring(address) {
  return new Promise((resolve) => {
    const slow = setTimeout(() => tell("The drawing library, plotly.js, is still on its way: a slow line takes a while."), SLOW_MS);
    const come = () => {
      clearTimeout(slow);
      told?.remove();
      resolve(window.Plotly);
    };
    attempt(address, 1, come);
  });
}

function attempt(address, number, come) {
  const script = document.createElement("script");
  script.async = true;
  script.src = address;
  script.addEventListener("load", come);
  script.addEventListener("error", () => {
    script.remove();
    if (number < MOST_TRIES) setTimeout(() => attempt(address, number + 1, come), patience(number));
    else tell("The drawing library, plotly.js, did not arrive: reload this page to try again.");
  });
  document.body.append(script);
}

// Outside of what Dash builds: it may not have built anything yet.
function tell(sentence) {
  told?.remove();
  told = element("div", "gv-notice gv-late", element("span", "", sentence), button("Reload", () => window.location.reload()));
  told.setAttribute("role", "alert");
  document.body.append(told);
}

// Dash's graphs take `window.Plotly` if it is there and wait for it if it is a promise; the library then takes its
// place. The address is the one that Dash would ask for, so that it is kept for the next visit.
const config = document.getElementById("_dash-config");
if (config && !window.Plotly) {
  const { requests_pathname_prefix: prefix } = JSON.parse(config.textContent);
  window.Plotly = bring(`${prefix}_dash-component-suites/plotly/package_data/plotly.min.js`);
}
