// A slider that draws at the speed of the hand: keys, wheel and play move it, and letting go tells the rest of the page.

import { button, element, say } from "./dom.js";
import { dragAlong } from "./drag.js";

const IDLE_MS = 250; // without another key or turn of the wheel, the hand has let go

// A key that is held down repeats after a pause that is longer than that. Its keyup may never come: with Cmd held, or
// when the window is left; a key that has not repeated for so long has been let go.
const HELD_MS = 1500;
const MOVING = /^(Arrow|Home$|End$|Page)/;
let keyDownAt = -Infinity;
const noKey = () => (keyDownAt = -Infinity);
window.addEventListener("keydown", (event) => {
  keyDownAt = MOVING.test(event.key) && !(event.ctrlKey || event.altKey || event.metaKey) ? performance.now() : -Infinity;
}, true);
for (const event of ["keyup", "blur"]) window.addEventListener(event, noKey, true);
document.addEventListener("visibilitychange", noKey);

// A wheel turns by notches, a step each. A trackpad's turn is made of many small ones that swing on for a second: they
// add up to steps, of which only so many are taken in a second.
const NOTCH_PX = 100;
const STEP_PX = 50;
const BETWEEN_STEPS_MS = 80;
const NEW_TURN_MS = 200;

// Turns of a wheel over `host` as steps of ±1. With Ctrl or Cmd the browser zooms, by a pinch too.
function turns(host, step) {
  let turn = { sum: 0, isSmooth: false, at: -Infinity, stepped: -Infinity };
  host.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const { deltaX, deltaY, deltaMode, timeStamp } = event;
    const by = Math.abs(deltaY) >= Math.abs(deltaX) ? deltaY : deltaX;
    if (timeStamp - turn.at > NEW_TURN_MS || by * turn.sum < 0) turn = { ...turn, sum: 0, isSmooth: false };
    turn.isSmooth ||= deltaMode === WheelEvent.DOM_DELTA_PIXEL && Math.abs(by) < NOTCH_PX;
    turn.at = timeStamp;
    turn.sum += by;
    if (turn.isSmooth && (Math.abs(turn.sum) < STEP_PX || timeStamp - turn.stepped < BETWEEN_STEPS_MS)) return;
    const direction = Math.sign(turn.sum);
    Object.assign(turn, { sum: 0, stepped: timeStamp });
    step(direction);
  }, { passive: false });
}

// Fills `host`. `name` is what one step is ("epoch"); onMove(value) for every step, onRelease(value) when it is over,
// onIntent() when a hand comes near; `told(value)` is the number said for a value, `instead()` what is said in its place, if
// anything. Returns {setRange, set, value, play}.
export function createScrubber(host, { name, label, names = `${name}s`, onMove, onRelease, onIntent, ready, playable = true, told = (value) => value, instead = () => "" }) {
  const range = element("input", "gv-range");
  Object.assign(range, { type: "range", min: 0, max: 0, step: 1, value: 0, disabled: true });
  range.setAttribute("aria-label", label);
  const shown = element("output", "gv-number");
  shown.setAttribute("aria-live", "off"); // the slider tells its value itself, and while it plays nobody wants to hear each step
  const play = button("▶", () => toggle(), "gv-play");
  const speed = element("select", "gv-speed", ...[1, 2, 5, 10, 20, 30].map((n) => new Option(`${n}/s`, `${n}`, n === 5, n === 5)));
  speed.setAttribute("aria-label", `${names} a second`.replace(/^./, (first) => first.toUpperCase()));
  const track = element("div", "gv-track", range);
  const transport = element("div", "gv-transport", play, shown, speed);
  host.replaceChildren(track, playable ? transport : shown);

  let idle = null;
  let playing = null;
  let isPressed = false; // by a pointer

  function moved() {
    tell();
    onMove(Number(range.value));
    clearTimeout(idle);
    idle = setTimeout(released, IDLE_MS);
  }

  function released() {
    if (playing) return;
    if (performance.now() - keyDownAt < HELD_MS || isPressed) {
      idle = setTimeout(released, IDLE_MS);
      return;
    }
    clearTimeout(idle);
    idle = null;
    onRelease(Number(range.value));
  }

  function step(by) {
    const next = Math.max(Number(range.min), Math.min(Number(range.max), Number(range.value) + by));
    if (next === Number(range.value)) return false;
    range.value = next;
    moved();
    return true;
  }

  function tell() {
    const [value, min, max] = [range.value, range.min, range.max].map((each) => told(Number(each)));
    const other = instead();
    say(shown, other || (playable ? `${name} ${value}` : `${value} of ${min}–${max}`));
    range.setAttribute("aria-valuetext", other ? `${other}: another ${name} takes their place` : `${name} ${value} of ${max}`);
    const width = Number(range.max) - Number(range.min);
    range.style.setProperty("--gv-share", width ? (Number(range.value) - Number(range.min)) / width : 0);
  }

  function toggle() {
    if (playing) return stop();
    if (range.value === range.max) range.value = range.min;
    moved();
    play.textContent = "❚❚";
    play.setAttribute("aria-label", `Pause at this ${name}`);
    let due = performance.now() + 1000 / Number(speed.value);
    const turn = (now) => {
      if (!playing) return;
      playing = requestAnimationFrame(turn);
      if (now < due || !ready(Number(range.value) + 1)) return;
      // A frame that came late does not put off the next step; a wait for a picture is not made up for.
      const period = 1000 / Number(speed.value);
      due = now - due < period ? due + period : now + period;
      if (!step(1)) stop();
    };
    playing = requestAnimationFrame(turn);
  }

  function stop() {
    if (playing) cancelAnimationFrame(playing);
    playing = null;
    play.textContent = "▶";
    play.setAttribute("aria-label", `Play the ${names}`);
    const spoken = document.getElementById("spoken");
    if (spoken) spoken.textContent = shown.textContent; // where it has stopped
    released();
  }

  range.addEventListener("input", moved);
  dragAlong(range, {
    go: () => (isPressed = true),
    onEnd: () => {
      isPressed = false;
      if (idle) setTimeout(released); // after the last input event
    },
  });
  range.addEventListener("blur", () => idle && setTimeout(released));
  for (const event of ["pointerenter", "focus"]) range.addEventListener(event, onIntent);
  turns(host, step);
  range.addEventListener("keydown", (event) => {
    if (event.key !== " " || !playable || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!event.repeat) toggle();
    event.preventDefault();
  });
  play.setAttribute("aria-label", `Play the ${names}`);
  tell();

  return {
    get value() {
      return Number(range.value);
    },
    get busy() {
      return idle !== null || playing !== null;
    },
    step,
    toggle,
    set(value) {
      range.value = value;
      tell();
    },
    setRange(min, max) {
      if (Number(range.min) === min && Number(range.max) === max) return;
      const value = range.value;
      Object.assign(range, { min, max, disabled: max <= min });
      range.value = value;
      tell();
    },
  };
}
