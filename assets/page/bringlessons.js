// The lessons are loaded when one is opened, or the list of them: few visits need them.

import { element } from "./dom.js";
import { onPress } from "./openers.js";
import { page } from "./state.js";

const ADDRESS = "bundles/lessons.js"; // the server writes the file's own address here

/** @typedef {{opened: (search: string) => void, show: () => void, openList: () => void}} Player views/lesson.js */

/** @type {Player | null} */
let player = null;
let isComing = false;
/** @type {((one: Player) => void)[]} */
let wanted = [];

/** The lessons are here. @param {Player} one */
export function joinLessons(one) {
  player = one;
  for (const want of wanted) want(one);
  wanted = [];
}

/** A view from the address has opened. */
export function lessonOpened() {
  const { search } = window.location;
  if (page.view.lesson || player) bring((one) => one.opened(search));
}

/** The state has changed, or what is drawn. */
export function showLesson() {
  player?.show();
}

/** @param {(one: Player) => void} want */
function bring(want) {
  if (player) return want(player);
  wanted.push(want);
  if (isComing) return;
  isComing = true;
  const script = document.createElement("script");
  script.src = ADDRESS;
  script.addEventListener("error", () => {
    script.remove();
    isComing = false;
    wanted = [];
    const said = element("p", "", "The lessons did not arrive: press Lessons to try again.");
    document.getElementById("lesson").replaceChildren(said);
  });
  document.body.dataset.lesson = "on"; // its place, at once: the pictures are drawn once
  document.getElementById("lesson").hidden = false;
  document.getElementById("lesson").replaceChildren(element("p", "gv-lesson-waits", "Loading the lessons"));
  document.body.append(script);
}

onPress("lessons", () => bring((one) => one.openList()));
