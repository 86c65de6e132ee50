// The cards of lessons: the list, and a step with its question and reveal. Texts come as HTML that the server has made safe.

import { written } from "../pure/lessonnumbers.js";
import { button, element, say } from "../page/dom.js";
import { site } from "../page/site.js";

/** @import { Place } from "../pure/lessonnumbers.js" */

/**
 * `say`: what is waited for, or lacking; `reveal(choice, isOn, unmet)`: the choice is 0 until there is one, `unmet` is null while numbers are on their way; `scrolls`: whether
 * there was more of the text in that direction, which is on show now.
 * @typedef {{children: HTMLElement[], heading: HTMLElement, say: (sentence: string) => void, tellNumbers: (value: (place: Place) => any) => void,
 *   reveal: (choice: number, isOn: boolean, unmet: string[] | null) => void, offerPicture: (isMoved: boolean) => void, scrolls: (by: number) => boolean}} Card
 */

const nothing = () => undefined;

function html(text, name = "div", className = "") {
  const template = document.createElement("template");
  template.innerHTML = text;
  return element(name, className, template.content);
}

function headOf(line, { openList, shut }) {
  const close = button("×", shut, "gv-close gv-lesson-close");
  close.setAttribute("aria-label", "Close the lessons");
  const all = openList ? button("All lessons", openList, "gv-lesson-all") : null;
  return element("div", "gv-lesson-head", element("span", "gv-lesson-name", line), all, close);
}

function headingOf(text) {
  const heading = element("h2", "gv-lesson-title", text);
  heading.tabIndex = -1;
  return heading;
}

/** @returns {Card} */
export function messageCard(text, actions) {
  const heading = headingOf("Lessons");
  const body = element("div", "gv-lesson-body", heading, element("p", "", text));
  return { children: [headOf("", actions), body], heading, say: nothing, tellNumbers: nothing, reveal: nothing, offerPicture: nothing, scrolls: () => false };
}

/** @returns {Card} */
export function listCard({ lessons, broken }, absent, { go, shut }) {
  const heading = headingOf("Lessons");
  const rows = lessons.map(({ key, title, summary, minutes, num_steps: steps, needs }) => {
    const start = button(title, () => go(key, 1), "gv-lesson-start");
    const missing = absent(needs);
    return element("li", "gv-lesson-row", start, element("p", "", summary),
      element("p", "gv-sub", `${steps} steps · ${minutes} min${missing.length ? ` · needs ${missing.join(" and ")}, not ${site ? "in this site" : "trained yet"}` : ""}`));
  });
  const faults = broken.length
    ? element("div", "gv-lesson-broken", element("p", "", "Some files are left out:"), element("ul", "", ...broken.map((line) => element("li", "", line)))) : null;
  const body = element("div", "gv-lesson-body", heading, element("p", "", "Short stories about the pictures, with your own hands on them."),
    element("ol", "gv-lesson-list", ...rows), faults);
  return { ...messageCard("", { openList: null, shut }), children: [headOf("", { openList: null, shut }), scrolling(body, "Lessons")], heading };
}

function scrolling(body, name) {
  body.tabIndex = 0;
  body.setAttribute("role", "region");
  body.setAttribute("aria-label", name);
  return body;
}

/** @returns {Card} */
export function stepCard(lesson, number, { go, openList, shut, backToPicture, answer, doIt }) {
  const { title, text, question, reveal } = lesson.steps[number - 1];
  const many = lesson.steps.length;
  const heading = headingOf(title);
  heading.setAttribute("aria-label", `Step ${number} of ${many}: ${title}`);
  const state = element("p", "gv-lesson-waits");
  state.setAttribute("role", "status");
  const asked = question?.ask ? questionOf(question, answer) : null;
  const verdict = live();
  const tried = question?.to_try ? element("div", "gv-lesson-question", html(question.to_try, "p", "gv-lesson-try"), button("Show me", doIt)) : null;
  const told = live();
  const body = scrolling(element("div", "gv-lesson-body", heading, state, html(text, "div", "gv-lesson-text"), asked, verdict, tried, told), "Text of the step");
  const picture = button("Back to this step's picture", backToPicture);
  picture.hidden = true;
  const progress = element("progress", "gv-lesson-progress");
  Object.assign(progress, { max: many, value: number });
  progress.setAttribute("aria-label", `Step ${number} of ${many}`);
  const foot = element("div", "gv-lesson-foot", stepButton("Back", number > 1, () => go(lesson.key, number - 1)),
    element("span", "gv-sub", `${number} of ${many}`),
    number < many ? stepButton("Next", true, () => go(lesson.key, number + 1), "gv-button gv-lesson-next") : button("All lessons", openList, "gv-button gv-lesson-next"));
  let drawn = "";
  return {
    children: [headOf(lesson.title, { openList, shut }), progress, body, picture, foot],
    heading,
    say(sentence) {
      if (state.textContent !== sentence) say(state, sentence);
      state.hidden = !sentence;
    },
    tellNumbers(value) {
      for (const place of /** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll("[data-name]"))) {
        const { name, picture: which, of = null } = place.dataset;
        const words = written(name, value({ name, picture: Number(which), of }));
        if (place.textContent !== words) say(place, words);
      }
    },
    reveal(choice, isOn, unmet) {
      const key = JSON.stringify([choice, isOn, unmet]);
      if (key === drawn) return;
      drawn = key;
      if (asked) lock(asked, Boolean(choice) || isOn);
      if (tried) tried.hidden = Boolean(asked) && !choice && !isOn;
      tried?.querySelector("button").toggleAttribute("hidden", isOn);
      if (verdict.childElementCount !== Number(Boolean(choice))) verdict.replaceChildren(...(choice ? [verdictOn(question, choice)] : []));
      told.replaceChildren(...(isOn ? revealed(question, reveal, unmet) : []));
    },
    offerPicture(isMoved) {
      if (picture.hidden === isMoved) picture.hidden = !isMoved;
    },
    scrolls(by) {
      const before = body.scrollTop;
      body.scrollTop += by * 0.8 * body.clientHeight;
      return body.scrollTop !== before;
    },
  };
}

function stepButton(text, isOn, action, className = "gv-button") {
  const made = button(text, action, className);
  made.disabled = !isOn;
  return made;
}

function live() {
  const made = element("div", "gv-lesson-reveal");
  made.setAttribute("aria-live", "polite");
  return made;
}

function questionOf({ ask, choices }, answer) {
  const legend = html(ask, "legend");
  const fields = element("fieldset", "gv-lesson-choices", legend, ...choices.map((choice, k) => {
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "lesson-choice", value: `${k + 1}`, required: true });
    return element("label", "", input, html(choice, "span"));
  }));
  const form = element("form", "gv-lesson-question", fields, element("button", "gv-button gv-primary", "Answer"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(Number(new FormData(/** @type {HTMLFormElement} */ (form)).get("lesson-choice")));
  });
  return form;
}

function lock(form, isAnswered) {
  for (const input of form.querySelectorAll("input")) input.disabled = isAnswered;
  form.querySelector("button").hidden = isAnswered;
}

function verdictOn({ answer: right, choices }, choice) {
  return choice === right ? html("Yes.", "p", "gv-lesson-right") : html(`Not quite: ${choices[right - 1]}.`, "p", "gv-lesson-wrong");
}

function revealed(question, reveal, unmet) {
  if (unmet === null) return question ? [element("p", "gv-sub", "The numbers of this picture are on their way.")] : [];
  if (unmet.length) return unmet.map((sentence) => element("p", "gv-lesson-unmet", sentence));
  return reveal ? [html(reveal, "div", "gv-lesson-text")] : [];
}
