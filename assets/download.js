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

  // The answer; whatever is the matter, as a sentence for the visitor.
  async function asked(address, options) {
    try {
      return await gv.answers.asked(address, options);
    } catch (error) {
      if (!gv.answers.isAnswer(error)) throw error;
      if (error instanceof gv.answers.Lost) gv.runs.doubt();
      throw new gv.answers.Refused(error.message);
    }
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
          if (told.error) throw new gv.answers.Refused(told.error);
          if (told.name) file = told;
          else onStep(told);
        }
      }
    } catch (error) {
      if (error.name === "AbortError" || error instanceof gv.answers.Refused) throw error;
      throw new gv.answers.Refused("The file broke off on its way: try again.");
    }
    const blob = new Blob(parts, { type: file?.type });
    if (!file || blob.size !== file.bytes) throw new gv.answers.Refused("The file broke off on its way: try again.");
    return { blob, name: file.name };
  }

  gv.download = { save, asked, posted, made };
})();
