// What is trained: asked for at load, every second while something trains, now and then while somebody looks, and ever
// more rarely while the server does not answer.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const EVERY_MS = 1000;
  const LOOK_MS = 20_000; // a training may begin elsewhere, or a run be deleted
  const FRESH_MS = 2000;
  let tag = null;
  let timer = null;
  let asking = false;
  let asked = -Infinity;
  let failures = 0;
  let told = 0; // seconds until the next try, in the server's last refusal
  let away = "";
  const state = { runs: {}, training: { state: "unknown", polls: false, progress: [] }, known: false };

  async function ask() {
    if (asking) return;
    asking = true;
    asked = performance.now();
    clearTimeout(timer);
    try {
      // The browser sends the last ETag along and gets 304 while nothing has changed.
      const answer = await gv.answers.asked("api/v1/runs", { cache: "no-cache" });
      const found = answer.headers.get("ETag");
      const news = found && found === tag ? null : await gv.answers.json(answer);
      reached();
      if (news) {
        tag = found;
        Object.assign(state, news, { known: true });
        gv.stage.runsChanged(state);
      }
    } catch (error) {
      if (!gv.answers.isAnswer(error)) throw error;
      told = error.seconds;
      lost(error.message);
    } finally {
      asking = false;
      later();
    }
  }

  function later() {
    clearTimeout(timer);
    const wait = away || !state.known ? gv.answers.patience(failures, told) : state.training.polls ? EVERY_MS : LOOK_MS;
    const isSeen = document.visibilityState === "visible";
    if (isSeen || wait !== LOOK_MS) timer = setTimeout(ask, wait);
  }

  // The page says what is the matter, and asks until it is over.
  function lost(reason) {
    failures++;
    if (away === reason) return;
    away = reason;
    gv.stage.connectionChanged(reason);
  }

  function reached() {
    failures = 0;
    if (!away) return;
    away = "";
    gv.stage.connectionChanged("");
  }

  // An answer did not come as it should: is the server there at all?
  function doubt() {
    if (!away) ask();
  }

  // {action: "start" | "stop" | "start_again" | "delete", …}; returns the sentence of a refusal, or null.
  async function train(body) {
    try {
      await gv.answers.told("api/v1/training", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    } catch (error) {
      if (!gv.answers.isAnswer(error)) throw error;
      if (error instanceof gv.answers.Lost) doubt();
      return error.message;
    }
    tag = null;
    await ask();
    return null;
  }

  // Who comes back to the page sees what is there now.
  function look() {
    if (document.visibilityState === "visible" && state.known && performance.now() - asked > FRESH_MS) ask();
  }

  document.addEventListener("visibilitychange", look);
  for (const event of ["focus", "online"]) window.addEventListener(event, look);

  gv.runs = { ask, doubt, train, state };
})();
