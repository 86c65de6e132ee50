// A line over the first picture: what an arrow is, and what to do first. It goes when the reader has acted, and does not
// come back in this session.

import { namesNothing } from "../pure/fields.js";
import { button, element, fill } from "../page/dom.js";
import { hasSizes, numMinibatches, numRows, page } from "../page/state.js";

const KEY = "gradviz-has-acted";
let isFirst = namesNothing(window.location.search) && !remembered();

export function showFirstNote() {
  const { view, runs } = page;
  const isThere = isFirst && view?.view === "explore" && runs[view.run]?.epochs.length > 0;
  if (!isThere) return fill("first-note", "");
  // Those that were recorded may be of any size, which the title tells once they are there.
  const rows = view.rows || hasSizes(view.run) ? `these ${numRows(view.run)} rows` : "the rows of this minibatch";
  const [what, way] = view.direction === "descent" ? ["minus the gradient", "falls"] : ["the gradient", "rises"];
  const text = `Each arrow is ${what} of the loss on ${rows}, with the two parameters moved there from ○: it points where the loss ${way} fastest, and a longer one means faster.`;
  const close = button("×", act, "gv-close");
  close.setAttribute("aria-label", "Close");
  fill("first-note", text, element("p", "", text, " ", element("b", "", invitation(runs[view.run]))), close);
}

function invitation({ run, epochs, planned_epochs: planned }) {
  if (epochs.length > 1) return "Move the epoch slider below to see it change while the network learns.";
  if (planned > epochs[0]) return "More epochs come as the network trains: then move the epoch slider below.";
  return numMinibatches(run) > 1 ? "Move the minibatch slider to see it change with the rows." : "";
}

/** The reader has acted. */
export function act() {
  if (!isFirst) return;
  isFirst = false;
  try {
    window.sessionStorage.setItem(KEY, "yes");
  } catch {
    // a browser that keeps nothing invites again
  }
  fill("first-note", "");
}

function remembered() {
  try {
    return window.sessionStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}
