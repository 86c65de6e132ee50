// What colours and lengths are measured by.

import { scaleOf } from "./arrows.js";

// How each panel is drawn; `panels` is [{shown: its frame, if there, all: its frames by epoch or minibatch, halfWidth, part: of
// its plane}]. One scale for all
// runs side by side, unless it is set free; one for each of two layers; one for all minibatches of a checkpoint.
export function stylesOf({ length, under, range, view, direction, scales }, panels) {
  const isLocked = view === "compare" && scales === "locked";
  // Differences have a scale of their own; each picture then has its colour bar, which says what of.
  const alike = ({ isDifference }) => panels.filter((other) => other.isDifference === isDifference);
  const across = view === "minibatches" && range === "epochs" && panels.length ? scaleOf([...panels[0].all.values()]) : null;
  const sharesScale = Boolean(across) || (isLocked && !panels.some(({ isDifference }) => isDifference));
  return panels.map((panel) => ({
    halfWidth: panel.halfWidth, length, under, direction, sharesScale, part: panel.part, scale: across ?? scaleOfPanels(range, isLocked ? alike(panel) : [panel]),
  }));
}

// Colours tell sizes over all epochs that are in memory, or of what is on show; lengths tell them within what is on
// show, where they are easier to see.
function scaleOfPanels(range, panels) {
  const shown = scaleOf(panels.map((panel) => panel.shown).filter(Boolean));
  if (range === "frame") return shown;
  return { ...scaleOf(panels.flatMap((panel) => [...panel.all.values()])), longest: shown.longest };
}
