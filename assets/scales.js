// What colours and lengths are measured by.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  // How each panel is drawn; `panels` is [{shown: its frame, if there, all: its frames by epoch or minibatch}]. One scale for all
  // regularizers side by side, unless it is set free; one for each of two layers; one for all minibatches of a checkpoint.
  function stylesOf({ half_width: halfWidth, length, under, range, view, direction, scales }, panels) {
    const isLocked = view === "compare" && scales === "locked";
    // Differences have a scale of their own; each picture then has its colour bar, which says what of.
    const alike = ({ isDifference }) => panels.filter((other) => other.isDifference === isDifference);
    const across = view === "minibatches" && range === "epochs" && panels.length ? gv.arrows.scaleOf([...panels[0].all.values()]) : null;
    const sharesScale = Boolean(across) || (isLocked && !panels.some(({ isDifference }) => isDifference));
    const part = gv.zoom.partOf(halfWidth);
    const styles = panels.map((panel) => ({
      halfWidth, length, under, direction, sharesScale, part, scale: across ?? scaleOf(range, isLocked ? alike(panel) : [panel]),
    }));
    gv.scalebar.show(sharesScale && styles.length ? styles[0].scale : null);
    return styles;
  }

  // Colours tell sizes over all epochs that are in memory, or of what is on show; lengths tell them within what is on
  // show, where they are easier to see.
  function scaleOf(range, panels) {
    const shown = gv.arrows.scaleOf(panels.map((panel) => panel.shown).filter(Boolean));
    if (range === "frame") return shown;
    return { ...gv.arrows.scaleOf(panels.flatMap((panel) => [...panel.all.values()])), longest: shown.longest };
  }

  gv.scales = { stylesOf };
})();
