// What the server answers, sorted by what is to be done about it: taken, corrected, asked again a little later, or not
// from our server at all.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  class Refused extends Error {} // a mistake in the question, in the server's own sentence
  class NotNow extends Error {} // the server is busy, or whoever computes for it is away: `seconds` until the next try, if told
  class Lost extends Error {} // unreachable, broken off, or somebody else's page in place of the answer

  const FIRST_SECONDS = 1;
  const MOST_SECONDS = 30;

  // The answer to a question, if it is one; else rejects with one of the above, or with AbortError.
  async function asked(address, options) {
    let answer;
    try {
      answer = await fetch(address, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Lost("The server cannot be reached.");
    }
    const type = answer.headers.get("Content-Type") ?? "";
    if (answer.ok && !type.startsWith("text/html")) return answer;
    const sentence = type.startsWith("application/json") ? (await json(answer)).error : null;
    if (answer.status === 401) throw new Lost("The server asks for the password again: reload this page.");
    if (answer.ok || (type.startsWith("text/html") && answer.status < 500))
      throw new Lost("A web page came instead of an answer, perhaps a sign-in page of your network: reload this page.");
    if (answer.status === 503 || answer.status === 429)
      throw Object.assign(new NotNow(sentence ?? `The server is busy (it answered ${answer.status}).`), { seconds: Number(answer.headers.get("Retry-After")) || 0 });
    if (!sentence || answer.status >= 500) throw new Lost(sentence ?? `The server answered ${answer.status}.`);
    throw new Refused(sentence);
  }

  // The content of an answer.
  async function json(answer) {
    try {
      return await answer.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Lost("The server's answer broke off.");
    }
  }

  async function told(address, options) {
    return json(await asked(address, options));
  }

  // For how long to wait after so many failures in a row: ever longer, up to half a minute.
  function patience(failures, told = 0) {
    return 1000 * Math.min(MOST_SECONDS, Math.max(told, FIRST_SECONDS * 1.5 ** Math.max(0, failures - 1)));
  }

  // Whether an error is about the answer; anything else is a mistake of the page's own and must be seen.
  function isAnswer(error) {
    return error instanceof Refused || error instanceof NotNow || error instanceof Lost;
  }

  gv.answers = { asked, told, json, patience, isAnswer, Refused, NotNow, Lost };
})();
