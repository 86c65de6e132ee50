// What is trained: asked for at load, every second while something trains or the server is away, and not otherwise.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const EVERY_MS = 1000;
  let tag = null;
  let timer = null;
  let asking = false;
  let away = false;
  const state = { runs: {}, training: { state: "unknown", polls: false, progress: [] }, known: false };

  async function ask() {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    try {
      // The browser sends the last ETag along and gets 304 while nothing has changed.
      const answer = await fetch("api/v1/runs", { cache: "no-cache" });
      if (!answer.ok) throw new TypeError(`The server answered ${answer.status}.`);
      reached();
      if (answer.headers.get("ETag") !== tag) {
        const news = await answer.json();
        tag = answer.headers.get("ETag");
        Object.assign(state, news, { known: true });
        gv.stage.runsChanged(state);
      }
    } catch {
      lost();
    } finally {
      asking = false;
      if (state.training.polls || away || !state.known) timer = setTimeout(ask, EVERY_MS);
    }
  }

  // The server could not be reached: the page says so and tries again until it can.
  function lost() {
    if (!away) {
      away = true;
      gv.stage.connectionChanged(true);
    }
    clearTimeout(timer);
    timer = setTimeout(ask, EVERY_MS);
  }

  function reached() {
    if (!away) return;
    away = false;
    gv.stage.connectionChanged(false);
  }

  // {action: "start" | "stop" | "start_again" | "delete", …}; returns the sentence of a refusal, or null.
  async function train(body) {
    try {
      const answer = await fetch("api/v1/training", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      if (answer.status === 422) return (await answer.json()).error;
      if (!answer.ok) return `The server answered ${answer.status}.`;
    } catch {
      lost();
      return "The server cannot be reached.";
    }
    tag = null;
    await ask();
    return null;
  }

  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && state.known && ask());

  gv.runs = { ask, lost, reached, train, state };
})();
