// Files to the visitor's disk.

import { Away, post, Refused } from "./api.js";
import { element } from "./dom.js";
import { blocksOf } from "./frames.js";

const KEPT_MS = 60_000; // a browser may ask where to put the file before it reads it

export function saveFile(blob, name) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

// A view as one file, made by the server (gradviz/dashboard/export_api.py): onStep({done, total, doing}) meanwhile.
// `notes` of it: sentences on what is not in it; `caption`: of a still picture, its conditions.
export async function makeFile(request, { signal, onStep }) {
  const answer = await post("api/v1/exports", { ...request, progress: true }, signal);
  let file = null;
  const parts = [];
  try {
    for await (const block of blocksOf(answer)) {
      if (file) parts.push(block);
      else {
        const told = JSON.parse(new TextDecoder().decode(block));
        if (told.error) throw new Refused(told.error);
        if (told.name) file = told;
        else onStep(told);
      }
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Refused) throw error;
    throw new Away("The file broke off on its way: try again.");
  }
  const blob = new Blob(parts, { type: file?.type });
  if (!file || blob.size !== file.bytes) throw new Away("The file broke off on its way: try again.");
  return { blob, name: file.name, notes: file.notes ?? [], caption: file.caption ?? "" };
}
