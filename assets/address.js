// The page's address says the whole view; gradviz/dashboard/permalink.py reads it.
(function () {
  const gv = (window.gradviz = window.gradviz || {});
  let visit = 0;
  let isAsked = false; // the server has been asked for the view of the address, and has not told it yet

  // What dash keeps as the address: a new value for each visit, so that it is read again even when the text is the same.
  function current() {
    isAsked = true;
    return { search: window.location.search, visit: ++visit };
  }

  // The query string of a view: what is as by default is left out.
  function searchOf(view) {
    const parts = [];
    for (const [name, { key, default: standard }] of Object.entries(gv.keys)) {
      const value = view[name];
      if (value === null || value === undefined || JSON.stringify(value) === JSON.stringify(standard)) continue;
      const text = encodeURIComponent(Array.isArray(value) ? value.join(",") : value);
      parts.push(`${key}=${text.replace(/%5B/g, "[").replace(/%5D/g, "]").replace(/%2C/g, ",")}`);
    }
    return parts.length ? `?${parts.join("&")}` : "";
  }

  // Has the server read the address again: at back and forward, and where an answer never came.
  function read() {
    window.dash_clientside.set_props("address", { data: current() });
  }

  function isRead() {
    isAsked = false;
  }

  function readAgain() {
    if (isAsked) read();
  }

  // A choice is a step in the history; scrubbing replaces the last one.
  function write(view, isStep) {
    const search = searchOf(view);
    if (search === window.location.search) return;
    const address = window.location.pathname + search;
    if (isStep) window.history.pushState(null, "", address);
    else window.history.replaceState(null, "", address);
  }

  window.addEventListener("popstate", read);

  gv.address = { current, write, read, isRead, readAgain };
})();
