// A slider that draws at the speed of the hand: keys, wheel and play move it, and letting go tells the rest of the page.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const IDLE_MS = 250; // without another key or turn of the wheel, the hand has let go

  // A key that is held down repeats after a pause that is longer than that.
  let keyIsDown = false;
  window.addEventListener("keydown", () => (keyIsDown = true), true);
  for (const event of ["keyup", "blur"]) window.addEventListener(event, () => (keyIsDown = false), true);

  // Fills `host`. `name` is what one step is ("epoch"); onMove(value) for every step, onRelease(value) when it is over,
  // onIntent() when a hand comes near; `told(value)` is the number said for a value. Returns {setRange, set, value, play}.
  function create(host, { name, label, names = `${name}s`, onMove, onRelease, onIntent, ready, playable = true, told = (value) => value }) {
    const { element, button } = gv.words;
    const range = element("input", "gv-range");
    Object.assign(range, { type: "range", min: 0, max: 0, step: 1, value: 0, disabled: true });
    range.setAttribute("aria-label", label);
    const shown = element("output", "gv-number");
    const play = button("▶", () => toggle(), "gv-play");
    const speed = element("select", "gv-speed", ...[1, 2, 5, 10, 20, 30].map((n) => new Option(`${n}/s`, n, n === 5, n === 5)));
    speed.setAttribute("aria-label", `${names} a second`.replace(/^./, (first) => first.toUpperCase()));
    const track = element("div", "gv-track", range);
    const transport = element("div", "gv-transport", play, shown, speed);
    host.replaceChildren(track, playable ? transport : shown);

    let idle = null;
    let playing = null;

    function moved() {
      tell();
      onMove(Number(range.value));
      clearTimeout(idle);
      idle = setTimeout(released, IDLE_MS);
    }

    function released() {
      if (playing) return;
      if (keyIsDown || range.matches(":active")) {
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
      gv.words.say(shown, playable ? `${name} ${value}` : `${value} of ${min}–${max}`);
      range.setAttribute("aria-valuetext", `${name} ${value} of ${max}`);
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
      released();
    }

    range.addEventListener("input", moved);
    for (const event of ["pointerup", "pointercancel", "blur"]) range.addEventListener(event, () => idle && setTimeout(released));
    for (const event of ["pointerenter", "focus"]) range.addEventListener(event, onIntent);
    host.addEventListener("wheel", (event) => {
      event.preventDefault();
      step(Math.sign(event.deltaY || event.deltaX));
    }, { passive: false });
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

  gv.scrubber = { create };
})();
