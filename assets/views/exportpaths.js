// The paths on show, in the dialog of exports: the picture of their fan and curves, their numbers, and their conditions in words.

import { csvOf } from "../pure/csv.js";
import { aboutWords, alongNumbers, planeName, planeSentences, sentences, wayNumbers } from "../pure/paths.js";
import { element } from "../page/dom.js";
import { saveFile } from "../page/download.js";
import { paths } from "../page/paths.js";
import { fileButton, group, row } from "./exportparts.js";
import { showCaption } from "./exportprint.js";
import { pathsPng, pathsSize, pathsSvg } from "./picturefile.js";

export function arePathsThere() {
  return paths.result !== null;
}

/** The groups of the dialog. */
export function pathsGroups() {
  const found = paths.result;
  const name = (what, kind) => `gradviz-paths-${found.request.run}-epoch-${found.request.epoch}${what}.${kind}`;
  const saves = (what, kind, make) => async () => saveFile(await make(), name(what, kind));
  const csv = (rows) => async () => new Blob([csvOf(rows)], { type: "text/csv" });
  const json = async () => new Blob([`${JSON.stringify(found)}\n`], { type: "application/json" });
  const [width, height] = pathsSize();
  const caption = element("div", "gv-recipes");
  showCaption(caption, [aboutWords(found), `The paths are drawn in ${planeName(found.request)}.`, ...planeSentences(found), ...sentences(found).map(([condition, sentence]) => `${condition}: ${sentence}`)].join(" "));
  return [
    group("Picture",
      row("The paths and their curves", `${width} × ${height} pixels`, fileButton("PNG", "", saves("", "png", pathsPng)), fileButton("SVG", "", saves("", "svg", pathsSvg))), caption),
    group("Numbers",
      row("Spread, step and cosine along the way", null, fileButton("CSV", "the curves", saves("-curves", "csv", csv(alongNumbers(found))))),
      row(`The ways in ${planeName(found.request)}`, null, fileButton("CSV", "the ways", saves("-ways", "csv", csv(wayNumbers(found))))),
      row("All of it", "as `gradviz paths --json`, without the losses of single steps", fileButton("JSON", "", saves("", "json", json)))),
  ];
}
