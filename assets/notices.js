// Notices: one line each at the top of the pictures, until they are closed.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  function show(sentences) {
    const { element, button } = gv.words;
    const host = document.getElementById("notices");
    for (const sentence of sentences) {
      if ([...host.children].some((notice) => notice.firstChild.textContent === sentence)) continue;
      const notice = element("div", "gv-notice", element("span", "", sentence));
      const close = button("×", () => notice.remove(), "gv-close");
      close.setAttribute("aria-label", "Close");
      notice.append(close);
      host.append(notice);
    }
    while (host.children.length > 4) host.firstChild.remove();
  }

  gv.notices = { show };
})();
