// Files to the visitor's disk.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  const KEPT_MS = 60_000; // a browser may ask where to put the file before it reads it

  function save(blob, name) {
    const link = gv.words.element("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
  }

  // What the server refuses, in its own sentence; or that it cannot be reached.
  async function asked(address, options) {
    let answer;
    try {
      answer = await fetch(address, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      gv.runs.lost();
      throw new gv.frames.Refused("The server cannot be reached: try again when it is back.");
    }
    if (answer.ok) return answer;
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    throw new gv.frames.Refused(isJson ? (await answer.json()).error : `The server answered ${answer.status}.`);
  }

  function posted(address, value, signal) {
    return asked(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value), signal });
  }

  // A view as one file, made by the server (gradviz/dashboard/export_api.py): onStep({done, total, doing}) meanwhile.
  async function made(request, { signal, onStep }) {
    const answer = await posted("api/v1/exports", { ...request, progress: true }, signal);
    let file = null;
    const parts = [];
    try {
      for await (const block of gv.frames.blocks(answer.body.getReader())) {
        if (file) parts.push(block);
        else {
          const told = JSON.parse(new TextDecoder().decode(block));
          if (told.error) throw new gv.frames.Refused(told.error);
          if (told.name) file = told;
          else onStep(told);
        }
      }
    } catch (error) {
      if (error.name === "AbortError" || error instanceof gv.frames.Refused) throw error;
      throw new gv.frames.Refused("The file broke off on its way: try again.");
    }
    const blob = new Blob(parts, { type: file?.type });
    if (!file || blob.size !== file.bytes) throw new gv.frames.Refused("The file broke off on its way: try again.");
    return { blob, name: file.name };
  }

  gv.download = { save, asked, posted, made };
})();
