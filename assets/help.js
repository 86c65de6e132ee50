// Help cards and folded groups of the sidebar: `details` elements that close as one expects.
(function () {
  function close(card) {
    card.open = false;
    card.firstElementChild.focus();
  }

  document.addEventListener("keydown", (event) => {
    const card = event.key === "Escape" && event.target.closest?.(".gv-help[open]");
    if (card) close(card);
  });

  // One card at a time, and none after a click elsewhere.
  document.addEventListener("click", (event) => {
    for (const card of document.querySelectorAll(".gv-help[open]")) if (!card.contains(event.target)) card.open = false;
  });

  // The event does not bubble: it is heard on its way down.
  document.addEventListener("toggle", ({ target }) => {
    if (target.open && target.matches(".gv-help, .gv-fold")) target.lastElementChild.scrollIntoView({ block: "nearest" });
  }, true);
})();
