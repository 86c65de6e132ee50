// What may be asked of the page from outside, as `window.gradvizPage`: the tests' questions. All answers are copies.

import { plotIn } from "../page/dom.js";
import { arePlanesComing } from "../page/planes.js";
import { frameOf, isGrid } from "../page/plans.js";
import { isBusy } from "../page/sliders.js";
import { paths } from "../page/paths.js";
import { page } from "../page/state.js";
import { planeOfCell } from "./gridpicture.js";
import { cellMiddle } from "./matrix.js";
import { planeOf, sizeOfCanvas } from "./paint.js";
import { unitsOnMap } from "./picker.js";
import { whatIsProbed } from "./probe.js";
import { rosePlace } from "./rose.js";
import { whatIsDrawn } from "./pathfan.js";
import { areRowsComing, whatRowsShow } from "./rowspanel.js";
import { marksOfSpread } from "./spreadview.js";

export const questions = Object.freeze({
  /** All choices, by the names of gradviz/dashboard/permalink.py; null before the page has opened. */
  get view() {
    return structuredClone(page.view);
  },

  /** Whether the server has told its runs. */
  get knowsRuns() {
    return page.areRunsKnown;
  },

  /** Whether a hand, or a play, moves a slider. */
  get isBusy() {
    return isBusy();
  },

  /** Each picture on show: what it shows and how far it is. */
  get panels() {
    return page.panels.filter(({ plan }) => plan).map(summaryOf);
  },

  /** The paths that are asked for: what the server has told of them, up to which point they are drawn, which step is asked about, and
   * where each point lies in the window. */
  get paths() {
    const { told, result, error } = paths;
    return structuredClone({ told, result, error, ...whatIsDrawn() });
  },

  /** The probe, while it is on show: its start in half widths, and of each picture what the server says of its paths. */
  get probe() {
    return structuredClone(whatIsProbed());
  },

  /** The small multiples of the runs, where there are more than large pictures have room: what each shows, and its cell. */
  get grid() {
    if (!isGrid()) return null;
    return page.plans.map((plan, k) => ({ run: plan.run, index: frameOf(plan)?.index ?? null, isLoading: Boolean(plan.epochs.loading), ...cellPlace(k) }));
  },

  /** Where a point of a small multiple's plane lies in the window, given in offsets from the checkpoint. */
  gridPlace(number, x, y) {
    const { left, top } = document.getElementById("grid-canvas").getBoundingClientRect();
    const plane = planeOfCell(number);
    return [left + plane.x(x), top + plane.y(y)];
  },

  /** One picture's numbers, what is drawn over them, and what is in memory for it. */
  numbers(slot) {
    const { frame, style, plan } = page.panels[slot];
    const { epochs, minibatches } = plan;
    return {
      ...copied(frame),
      strokes: structuredClone(style.strokes),
      isOfMinibatches: minibatches?.frames.get(page.view.minibatch) === frame,
      epochs: Object.fromEntries([...epochs.frames].map(([epoch, one]) => [epoch, copied(one)])),
      minibatches: minibatches && { epoch: minibatches.selection.epoch, frames: [...minibatches.frames.values()].map(copied) },
    };
  },

  /** Where a point of a picture's plane lies in the window, given in offsets from the checkpoint. */
  place(slot, x, y) {
    const graph = plotIn(`graph-${slot}`);
    const { left, top } = graph.getBoundingClientRect();
    const plane = planeOf(graph);
    return [left + plane.x(x), top + plane.y(y)];
  },

  /** Width and height in pixels of a picture's plane. */
  sizeOfPlane(slot) {
    const { width, height } = planeOf(plotIn(`graph-${slot}`));
    return [width, height];
  },

  /** The arrows of the minibatches' view, in numbers and in pixels of the rose, and which one is pointed at. */
  get spread() {
    const { spread, hovered } = marksOfSpread();
    const { width, height } = sizeOfCanvas(document.getElementById("rose"));
    return { ...structuredClone(spread), hovered, centre: [width / 2, height / 2], tips: spread.arrows.map(({ minibatch }) => rosePlace(minibatch)) };
  },

  /** The panel of rows: which rows its minibatch has, which are offered, what is marked and drawn, and whether the arrows can follow at once. */
  get rows() {
    return structuredClone(whatRowsShow());
  },

  /** The units on the map from which two are picked, with their places in its pixels. */
  get units() {
    return structuredClone(unitsOnMap());
  },

  /** The middle of a cell of the matrix of cosines, in its pixels. */
  cell(row, column) {
    return cellMiddle(row, column);
  },
});

function cellPlace(number) {
  const { left, top, width } = planeOfCell(number);
  return { left, top, side: width };
}

function summaryOf({ slot, plan, frame, committed, token }) {
  const { state, drawn } = document.getElementById(`panel-${slot}`).dataset;
  return {
    slot, state, x: plan.x, y: plan.y,
    index: frame?.index ?? null,
    isLoading: Boolean(plan.epochs.loading || plan.minibatches?.loading) || areRowsComing(slot) || arePlanesComing(plan),
    isCommitted: committed,
    isDrawn: Boolean(frame) && committed && Number(drawn) === token,
    numEpochs: plan.epochs.frames.size,
    numMinibatches: plan.minibatches?.frames.size ?? 0,
    minibatchesOf: plan.minibatches?.key ?? null,
    minibatchesAt: plan.minibatches?.selection.epoch ?? null,
  };
}

function copied({ index, u, v, loss, isZero, share_below, num_rows, facts }) {
  return { index, u: [...u], v: [...v], loss: [...loss], isZero: [...isZero], share_below, num_rows, facts };
}
