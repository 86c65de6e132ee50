// The dialog from which what is seen is taken along: as a picture, as numbers, as a page that stands alone, as a film, as
// the lines that reproduce it.

import { csvOf } from "../pure/csv.js";
import { wantsOverlay } from "../pure/overlays.js";
import { isSurface } from "../pure/surface.js";
import { pairTitle } from "../pure/parameters.js";
import { minibatchWords } from "../pure/rows.js";
import { answerTo } from "../page/api.js";
import { button, element } from "../page/dom.js";
import { isCourseOpen } from "../page/course.js";
import { makeFile, saveFile } from "../page/download.js";
import { showNotices } from "../page/notices.js";
import { frameOf, isGrid } from "../page/plans.js";
import { scheme } from "../page/scheme.js";
import { greyExports, site } from "../page/site.js";
import { acrossMinibatches, hasSizes, numMinibatches, page, shownRuns, whichMinibatch } from "../page/state.js";
import { showRecipe } from "./copyas.js";
import { courseRows } from "./coursecurves.js";
import { fileButton, group, head, row, saved } from "./exportparts.js";
import { arePathsThere, pathsGroups } from "./exportpaths.js";
import { printRows, showCaption } from "./exportprint.js";
import { curvesName, lossRows } from "./losscurves.js";
import { areCurvesSeen, curvesPng, curvesSvg, picturePng, pictureSize, pictureSvg } from "./picturefile.js";
import { commitPictures } from "./pictures.js";
import { finishPaths } from "./probe.js";

let opener = null;
let dialog = null;
let limits = null; // see gradviz/dashboard/layout.py
let work = null; // the AbortController of the file being made

// The button in the header.
export function offerExport(told) {
  limits = told;
  opener = button("Export", open, "gv-button gv-export-open");
  opener.setAttribute("aria-haspopup", "dialog");
  document.getElementById("export").replaceChildren(opener);
}

function shownNow() {
  return isGrid() ? page.plans.map((plan) => ({ plan, frame: frameOf(plan) })).filter(({ frame }) => frame) : page.panels.filter(({ plan, frame }) => plan && frame);
}

function open() {
  const isOfPaths = page.view.view === "paths";
  const shown = isOfPaths ? [] : shownNow();
  if (isOfPaths ? !arePathsThere() : !shown.length) return showNotices([isOfPaths ? "These paths are not computed yet: press Start." : "There is no picture to export yet."]);
  if (!dialog) create();
  if (isOfPaths) dialog.replaceChildren(head(`${page.view.run} · from epoch ${page.view.epoch}`, dialog), ...pathsGroups());
  else fill(shown);
  dialog.showModal();
}

function create() {
  dialog = element("dialog", "gv-dialog");
  dialog.setAttribute("role", "dialog");
  dialog.setAttribute("aria-labelledby", "export-title");
  document.body.append(dialog);
}

function fill(shown) {
  finishPaths();
  commitPictures(); // Plotly shows what is painted
  const recipes = element("div", "gv-recipes");
  const making = maker(shown);
  dialog.replaceChildren(
    head(seen(shown), dialog),
    group("Picture", pictures()),
    group("For print, the whole plane", ...forPrint(shown, making)),
    group("With a slider", ...moving(shown, making)),
    group("Numbers", ...shown.map((panel) => numbers(panel, shown))),
    ...(areCurvesSeen() ? [group("Curves over the epochs", ...curves())] : []),
    group(isSurface(page.view) ? "The same numbers and surfaces again" : "The same numbers again", recipes),
  );
  const { under, camera } = page.view;
  if (site) return greyExports(dialog);
  showRecipe(recipes, shown.map(requestOf), { under, camera: camera ?? undefined });
}

function seen(shown) {
  const { epoch } = page.view;
  const labels = isGrid() ? `${shown.length} runs` : [...new Set(shown.map(({ plan }) => plan.label))].join(", ");
  return `${labels} · epoch ${epoch} · ${minibatchWords(page.view)}`;
}

// The request whose answer a panel shows (of a difference, that of its own field).
function requestOf({ plan }) {
  return { ...plan.epochs.selection, epoch: page.view.epoch, ...whichMinibatch() };
}

function nameOf({ plan }) {
  return page.view.view === "compare" ? plan.label : pairTitle(plan.x, plan.y, plan.network);
}

// ---- picture and numbers --------------------------------------------------------------------------------------

function pictures() {
  const [width, height] = pictureSize();
  const name = (kind) => `gradviz-${page.view.view}-epoch-${page.view.epoch}-${joinedWords(page.view)}.${kind}`;
  const save = (kind) => saved(async () => saveFile(await (kind === "png" ? picturePng() : pictureSvg()), name(kind)));
  return row("As on the page, with titles and words", `${width} × ${height} pixels`, button("PNG", () => save("png")), button("SVG", () => save("svg")));
}

function numbers(panel, shown) {
  const request = requestOf(panel);
  const name = nameOf(panel);
  const isOnly = shown.filter((other) => nameOf(other) === name).length === 1;
  const save = async (format) => {
    const answer = await answerTo(`api/v1/landscape?${new URLSearchParams({ ...request, format })}`);
    saveFile(await answer.blob(), `${fileNameOf(request)}.${format}`);
  };
  const buttons = ["npz", "csv"].map((format) => fileButton(format.toUpperCase(), `${name}${isOnly ? "" : `, ${request.x} and ${request.y}`}`, () => save(format)));
  const whose = panel.plan.minus ? "its own field, not the difference: " : "";
  return row(name, `${whose}${request.x}, ${request.y}`, ...buttons);
}

function joinedWords(which) {
  return minibatchWords(which).replaceAll(" ", "-");
}

// Tells what the numbers in it are of: a csv has no other place for it.
function fileNameOf({ run, epoch, minibatch, rows: chosen, minibatch_size: size, mode, masks, seed, x, y }) {
  const [a, b] = [x, y].map((name) => name.replace(/[[,:/@]/g, "-").replace("]", ""));
  const random = masks ? [`${masks}-masks`, `seed-${seed}`] : [];
  const rows = hasSizes(run) && !chosen ? ["of", size, "rows"] : [];
  return [run, "epoch", epoch, joinedWords({ minibatch, rows: chosen }), ...rows, mode, ...random, a, b].join("-");
}

// As they are drawn: runs, or the seeds of a configuration as one.
function curves() {
  const csv = (name, rows) => fileButton("CSV", `the ${name}`, async () => saveFile(new Blob([csvOf(rows())], { type: "text/csv" }), `gradviz-${name}.csv`));
  const picture = (kind, make) => fileButton(kind.toUpperCase(), "the curves", async () => saveFile(await make(), `gradviz-curves.${kind}`));
  return [
    row("As on the page", null, picture("png", curvesPng), picture("svg", curvesSvg)),
    row(curvesName().replace(/^./, (letter) => letter.toUpperCase()), null, csv(curvesName(), () => lossRows(shownRuns()))),
    ...(isCourseOpen() ? [row("Agreement over the epochs", null, csv("agreement", courseRows))] : []),
  ];
}

// ---- files that the server makes ------------------------------------------------------------------------------

// What makes them, one at a time: {make(values), bodyOf(values): what that asks for, buttons that wait meanwhile,
// progress and caption: where they are shown}.
function maker(shown) {
  const progress = element("div", "gv-making");
  progress.setAttribute("role", "status");
  const caption = element("div", "gv-recipes");
  const buttons = [];
  const bodyOf = (values) => bodyOfShown(shown, values);
  const make = (values) => saved(async () => {
    if (work) return showNotices(["A file is being made: wait for it, or cancel it."]);
    await makeShowing({ progress, caption }, buttons, bodyOf(values));
  });
  return { make, bodyOf, buttons, progress, caption };
}

// What the server is asked for, which is the recipe of the file; `across`: what changes from panel to panel, of each on show.
function bodyOfShown(shown, { across = [{}], ...values }) {
  const { under, camera, length, direction, range, view, scales, show, start, rate, steps } = page.view;
  return {
    panels: shown.flatMap((panel) => across.map((change) => ({ ...requestOf(panel), ...change }))), scheme: scheme(), under, camera: camera ?? undefined,
    length, direction, range, show, start, steps, rate: rate ?? undefined, share_scale: view === "compare" && scales === "locked",
    fixed_lengths: view === "minibatches" && range === "epochs", minus: minusOf(shown), ...values,
  };
}

// Over what the pictures move now, and how many frames that are.
function overNow(shown) {
  const epochs = numEpochs(shown);
  if (page.view.rows) return { counts: { epochs }, isOver: "epochs" }; // chosen rows are one minibatch
  const minibatches = Math.min(...shown.map(({ plan }) => numMinibatches(plan.run)));
  return { counts: { epochs, minibatches }, isOver: acrossMinibatches() ? "minibatches" : "epochs" };
}

function everyOf(many) {
  return Math.max(1, Math.ceil(many / limits.most_frames));
}

function forPrint(shown, making) {
  const { counts, isOver } = overNow(shown);
  const rows = printRows(shown, making, () => ({ over: isOver, every: everyOf(counts[isOver]) }));
  for (const one of making.buttons) one.disabled = work !== null;
  return rows;
}

function moving(shown, { make, buttons, progress }) {
  const { counts, isOver } = overNow(shown);
  const over = element("select", "gv-speed", ...Object.entries(counts).map(([name, many]) => new Option(`${many} ${name}`, name, name === isOver, name === isOver)));
  over.setAttribute("aria-label", "Over");
  const speed = element("select", "gv-speed", ...[2, 5, 10, 20].map((n) => new Option(`${n}/s`, `${n}`, n === 5, n === 5)));
  speed.setAttribute("aria-label", "Frames a second");
  const size = element("span", "gv-sub");
  const every = () => everyOf(counts[over.value]);
  const values = () => ({ over: over.value, every: every(), per_second: Number(speed.value) });
  const files = ["HTML", "GIF", "WebP", "MP4"].map((name) => button(name, () => make({ kind: name.toLowerCase(), ...values() })));
  buttons.push(...files);

  function tell() {
    const bytes = sizeOf(shown, over.value, Math.ceil(counts[over.value] / every()));
    const left = every() > 1 ? `every ${every()}th of them · ` : "";
    const isTooLarge = bytes > limits.most_bytes;
    size.textContent = left + (isTooLarge ? `too large: ${megabytes(bytes)}, at most ${megabytes(limits.most_bytes)}` : `about ${megabytes(bytes)}, opens without server or network`);
    for (const file of files) file.disabled = isTooLarge || work !== null;
  }

  over.addEventListener("change", tell);
  tell();
  return [
    row("Over", page.view.rows ? "chosen rows are one minibatch" : null, over),
    row("Interactive page", null, size, files[0]),
    row("Film", null, speed, ...files.slice(1)),
    progress,
  ];
}

// Which of the pictures is subtracted from the others, or null.
function minusOf(shown) {
  const reference = shown.find(({ plan }) => plan.minus)?.plan.minus;
  return reference ? shown.findIndex(({ plan }) => plan === reference) : null;
}

function numEpochs(shown) {
  const [first, ...others] = shown.map(({ plan }) => page.runs[plan.run]?.epochs ?? []);
  return first.filter((epoch) => others.every((epochs) => epochs.includes(epoch))).length;
}

function sizeOf(shown, over, frames) {
  const sizeAt = (points) => limits.frame_bytes + limits.point_bytes * points;
  const fields = shown.reduce((sum, { plan }) => sum + sizeAt(plan.epochs.selection.points ** 2), 0);
  const spread = shown.filter(({ plan }) => wantsOverlay(page.view, "spread") && !plan.minus && !plan.planes);
  const planes = shown.filter(({ plan }) => ["path", "spread"].some((overlay) => wantsOverlay(page.view, overlay)) && !plan.minus && plan.planes);
  const probed = wantsOverlay(page.view, "probe") ? shown.filter(({ plan }) => !plan.minus).length : 0;
  const marks = probed * page.view.steps + planes.reduce((sum, { plan }) => sum + (page.runs[plan.run]?.epochs.length ?? 0) + numMinibatches(plan.run), 0);
  const centres = spread.reduce((sum, { plan }) => sum + numMinibatches(plan.run), 0);
  return (isGrid() ? limits.grid_shell_bytes : limits.shell_bytes) + frames * fields + (over === "epochs" ? frames : 1) * centres * sizeAt(1) + frames * marks * limits.mark_bytes;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

// Makes a file, showing how far it is here and, when the dialog is closed, in the header.
async function makeShowing({ progress: host, caption: captionHost }, files, request) {
  work = new AbortController();
  const bar = element("progress", "gv-progress");
  Object.assign(bar, { max: 1, value: 0 });
  bar.setAttribute("aria-label", "Progress of the file");
  const doing = element("span", "gv-sub", "Beginning");
  host.replaceChildren(bar, doing, button("Cancel", () => work?.abort()));
  for (const file of files) file.disabled = true;
  try {
    captionHost.replaceChildren();
    const { blob, name, notes, caption } = await makeFile(request, {
      signal: work.signal,
      onStep(step) {
        Object.assign(bar, { max: step.total, value: step.done });
        doing.textContent = `${step.doing}, step ${step.done} of ${step.total}`;
        opener.textContent = `Export ${Math.round((100 * step.done) / step.total)} %`;
      },
    });
    saveFile(blob, name);
    if (caption) showCaption(captionHost, caption);
    host.replaceChildren(...[`${name}, ${megabytes(blob.size)}`, ...notes].map((text) => element("span", "gv-sub", text)));
  } catch (error) {
    host.replaceChildren(error.name === "AbortError" ? element("span", "gv-sub", "Cancelled.") : "");
    throw error;
  } finally {
    work = null;
    opener.textContent = "Export";
    for (const file of files) file.disabled = false;
  }
}
