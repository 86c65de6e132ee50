// What tests/browser/boxes.py measures, in the page: an expression whose value has a function for each question.
(() => {
  const CONTROLS = "button, select, summary, textarea, a[href], input:not([type=hidden]), [role=button], [role=slider]";
  const nameOf = (one) => {
    const near = one.closest("[id]");
    const own = one === near ? "" : ` ${one.tagName.toLowerCase()}${one.classList.length ? "." + one.classList[0] : ""}`;
    return `${near ? "#" + near.id : "body"}${own}`;
  };
  const isSeen = (one) => {
    if (!one.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true })) return false;
    return !one.closest(".gv-hidden, [inert]") && !one.matches("option, optgroup");
  };
  const topDialog = () => [...document.querySelectorAll("dialog[open], [role=dialog]")].filter(isSeen).at(-1);
  // What of a box its ancestors let be seen; `cut`: the ancestor that cuts it off for good, `scrolled`: one that scrolls.
  const shownOf = (one, box) => {
    let { left, top, right, bottom } = box;
    let cut = null, scrolled = false;
    for (let host = one.parentElement, child = one; host; child = host, host = host.parentElement) {
      const style = getComputedStyle(host);
      const isSvg = host.ownerSVGElement !== undefined && host.tagName !== "svg";
      const position = getComputedStyle(child).position;
      if (position === "fixed") break;
      if (isSvg || style.display === "inline" || style.display === "contents" || (style.overflowX === "visible" && style.overflowY === "visible")) continue;
      const edge = host.getBoundingClientRect();
      const scrolls = [style.overflowX, style.overflowY].some((way) => way === "auto" || way === "scroll");
      const reach = Math.max(edge.left - left, right - edge.right, edge.top - top, bottom - edge.bottom);
      const elided = style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none";
      if (reach > 1.5) {
        if (scrolls) scrolled = true;
        else if (!scrolled && !cut && !(elided && host.closest("[title]"))) cut = host;
      }
      [left, top, right, bottom] = [Math.max(left, edge.left), Math.max(top, edge.top), Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
    }
    return { left, top, right, bottom, cut, scrolled, width: right - left, height: bottom - top };
  };
  // What is left of a line that ends in dots, if a pointer tells all of it.
  const shortened = (one, { left, top, right, bottom }) => {
    const isShort = getComputedStyle(one).textOverflow === "ellipsis" && one.closest("[title]");
    return { left, top, right: isShort ? Math.min(right, one.getBoundingClientRect().right) : right, bottom };
  };
  const textsIn = (root) => {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!node.data.trim() || !parent || parent.closest("script, style, noscript, option") || !isSeen(parent)) continue;
      const svgText = parent.closest("text");
      if (svgText) {
        if (seen.has(svgText)) continue;
        seen.add(svgText);
        found.push({ one: svgText, text: svgText.textContent.trim(), boxes: [svgText.getBoundingClientRect()], shrink: 0.2 });
        continue;
      }
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter(({ width, height }) => width > 0.5 && height > 0.5);
      if (boxes.length) found.push({ one: parent, text: node.data.trim(), boxes, shrink: 0.2 });
    }
    return found;
  };

  const planes = () => [...document.querySelectorAll(".gv-panel:not([hidden]) .js-plotly-plot")].flatMap((plot) => {
    const { xaxis, yaxis, meta } = plot._fullLayout ?? {};
    if (!xaxis || !meta || meta.isSurface || !plot.checkVisibility()) return [];
    const { left, top } = plot.getBoundingClientRect();
    return { left: left + xaxis._offset, top: top + yaxis._offset, width: xaxis._length, height: yaxis._length };
  });

  // Pictures whose pixels are not those of their boxes.
  const followed = () => {
    const told = [];
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.clientWidth > 0;
    for (const canvas of document.querySelectorAll("canvas")) {
      if (!isSeen(canvas) || canvas.closest(".js-plotly-plot") || (canvas.width === 300 && canvas.height === 150)) continue; // not drawn yet
      if (canvas.classList.contains("gv-canvas") && canvas.dataset.drawn !== "on") continue; // empty over Plotly's picture
      const ratio = window.devicePixelRatio;
      const wanted = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
      if (Math.abs(canvas.width - wanted[0]) > ratio || Math.abs(canvas.height - wanted[1]) > ratio)
        told.push(`stale: canvas ${canvas.id} has ${canvas.width} × ${canvas.height} pixels for ${wanted.join(" × ")}`);
    }
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      const layout = plot._fullLayout;
      if (!layout || !isSeen(plot) || !plot.parentElement.clientHeight) continue;
      const [width, height] = [plot.clientWidth, plot.clientHeight];
      if (Math.abs(layout.width - width) > 1 || Math.abs(layout.height - height) > 1)
        told.push(`stale: ${plot.parentElement.id} is drawn for ${layout.width} × ${layout.height} in ${width} × ${height}`);
      const { len } = plot._fullData?.find(({ type, marker }) => type === "quiver" && marker.showscale)?.marker.colorbar ?? {};
      if (len && layout.xaxis && len > Math.max(60, layout.yaxis._length) + 16) told.push(`stale: the colour bar of ${plot.parentElement.id} is ${len} long beside ${layout.yaxis._length}`);
    }
    return told;
  };

  const faults = () => {

    const told = [];
    const say = (line) => told.includes(line) || told.push(line);
    const short = (text) => JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*, *::before, *::after { pointer-events: auto !important; }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    const across = document.documentElement.scrollWidth;
    if (across > innerWidth + 1) say(`the page is ${across} wide in a window of ${innerWidth}`);
    const root = topDialog() ?? document.body;

    // Each line of each text, as far as it can be seen.
    const lines = [];
    for (const { one, text, boxes, shrink } of textsIn(root)) for (const box of boxes) {
      const shown = shownOf(one, shortened(one, box));
      if (shown.cut) say(`clipped: ${short(text)} in ${nameOf(shown.cut)}`);
      if (shown.width < 2 || shown.height < 4) continue;
      if (!shown.scrolled && (shown.left < -1 || shown.right > innerWidth + 1)) say(`outside: ${short(text)} at ${Math.round(shown.left)}–${Math.round(shown.right)} of ${innerWidth}`);
      const dent = shrink * box.height;
      lines.push({ one, text, left: shown.left + 1, right: shown.right - 1, top: Math.max(shown.top, box.top + dent), bottom: Math.min(shown.bottom, box.bottom - dent) });
    }
    // A field that has one line: what is typed or placed there is wider than it.
    for (const field of root.querySelectorAll("input, select")) {
      if (isSeen(field) && field.tagName === "INPUT" && field.scrollWidth > field.clientWidth + 1 && !field.title) say(`clipped: ${short(field.value)} in ${nameOf(field)}`);
    }

    // Controls that stay where they are, under something else that does: no scrolling uncovers them.
    for (const control of root.querySelectorAll(CONTROLS)) {
      const host = control.closest(".gv-lesson, .gv-sheet, #scrubber, dialog, .mantine-AppShell-header");
      if (!host || getComputedStyle(host).position !== "fixed" || !isSeen(control)) continue;
      const shown = shownOf(control, control.getBoundingClientRect());
      if (shown.scrolled || shown.width < 2 || shown.height < 2) continue;
      const hit = document.elementFromPoint((shown.left + shown.right) / 2, (shown.top + shown.bottom) / 2);
      if (hit && !host.contains(hit) && !hit.contains(control)) say(`hidden: ${nameOf(control)} under ${nameOf(hit)}`);
    }

    // Whether the nearer one hides the other there: something with a ground of its own lies between.
    const covers = (a, b, x, y) => {
      const stack = document.elementsFromPoint(x, y);
      const [at, below] = [a, b].map((one) => stack.findIndex((each) => each === one || one.contains(each)));
      if (at < 0 || below < 0) return true; // one of them cannot be seen there
      const [first, second] = at <= below ? [a, b] : [b, a];
      const from = Math.min(at, below), to = Math.max(at, below);
      const isGround = (each) => {
        const style = getComputedStyle(each);
        const alpha = /rgba?\(([^)]+)\)/.exec(style.backgroundColor)?.[1].split(/[ ,\/]+/)[3] ?? (/\/ ([\d.]+)/.exec(style.backgroundColor)?.[1] ?? 1);
        return style.backgroundColor !== "transparent" && Number(alpha) > 0.75;
      };
      return stack.slice(from, to + 1).some((each) => !each.contains(second) && (each === first || each.contains(first)) && isGround(each));
    };
    const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    const middle = (a, b) => [(Math.max(a.left, b.left) + Math.min(a.right, b.right)) / 2, (Math.max(a.top, b.top) + Math.min(a.bottom, b.bottom)) / 2];
    const within = ([x, y]) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
    const meet = (all, what) => {
      all.sort((a, b) => a.top - b.top);
      all.forEach((a, k) => {
        for (let n = k + 1; n < all.length && all[n].top < a.bottom; n++) {
          const b = all[n];
          if (a.one === b.one || !overlap(a, b) || what.areOne(a, b)) continue;
          const place = middle(a, b);
          if (!within(place)) continue;
          if (!covers(a.one, b.one, ...place)) say(`overlap: ${what.name(a)} and ${what.name(b)}`);
        }
      });
    };
    meet(lines, { areOne: () => false, name: ({ one, text }) => `${short(text)} of ${nameOf(one)}` });
    const controls = [...root.querySelectorAll(CONTROLS)].filter((one) => isSeen(one)).map((one) => ({ one, ...shownOf(one, one.getBoundingClientRect()) })).filter(({ width, height }) => width > 2 && height > 2);
    for (const { one, left, right, scrolled, cut } of controls) {
      if (!scrolled && (left < -1 || right > innerWidth + 1)) say(`outside: ${nameOf(one)}`);
      if (cut) say(`clipped: ${nameOf(one)} in ${nameOf(cut)}`);
    }
    const areOne = ({ one: a }, { one: b }) => a.contains(b) || b.contains(a) || (a.closest("label") && a.closest("label") === b.closest("label")) || (a.closest(".mantine-InputWrapper-root") && a.closest(".mantine-InputWrapper-root") === b.closest(".mantine-InputWrapper-root"));
    meet(controls.map((each) => ({ ...each, left: each.left + 1, right: each.right - 1, top: each.top + 1, bottom: each.bottom - 1 })), { areOne, name: ({ one }) => nameOf(one) });

    // Pictures: within the window, as large as their boxes, one square at one height.
    for (const picture of root.querySelectorAll("canvas, .js-plotly-plot, svg[role=img]")) {
      if (!isSeen(picture)) continue;
      const shown = shownOf(picture, picture.getBoundingClientRect());
      if (shown.width > 2 && !shown.scrolled && (shown.left < -1 || shown.right > innerWidth + 1)) say(`outside: picture ${nameOf(picture)}`);
    }
    for (const line of followed()) say(line);
    const squares = planes();
    for (const { width, height } of squares) if (Math.abs(width - height) > 1) say(`a plane is ${width} × ${height}`);
    for (const { top, width } of squares.slice(1)) {
      if (Math.abs(width - squares[0].width) > 0.5) say(`planes are ${squares[0].width} and ${width} wide`);
      const areBeside = Math.abs(top - squares[0].top) < squares[0].height; // not one below the other
      if (areBeside && Math.abs(top - squares[0].top) > 0.5) say(`planes begin at ${squares[0].top} and ${top}`);
    }
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    return told;
  };

  // Controls that a finger does not hit.
  const small = (least) => {

    const told = [];
    const root = topDialog() ?? document.body;
    for (const one of root.querySelectorAll(`${CONTROLS}, [tabindex="0"]`)) {
      if (!isSeen(one)) continue;
      const place = one.closest("label") || (one.id && document.querySelector(`label[for="${CSS.escape(one.id)}"]`)) || one;
      const [own, around] = [one.getBoundingClientRect(), place.getBoundingClientRect()];
      const [width, height] = [Math.max(own.width, around.width), Math.max(own.height, around.height)];
      if (own.width === 0 || getComputedStyle(one).display === "inline") continue; // a link in a sentence
      if (width < least - 0.5 || height < least - 0.5) told.push(`${nameOf(one)} ${one.getAttribute("aria-label") ?? one.innerText?.slice(0, 20) ?? ""}: ${Math.round(width)} × ${Math.round(height)}`);
    }
    return [...new Set(told)];
  };

  const watch = () => {
    const KINDS = ".gv-picture, .gv-title, .gv-head, .gv-caption, .gv-reading, .gv-range, .gv-play, .gv-number, .gv-loss, .gv-scale, .gv-spread-picture, .gv-rows, .gv-course";
    const where = () => {
      const found = new Map();
      document.querySelectorAll(KINDS).forEach((one, k) => {
        if (!one.checkVisibility()) return;
        const { left, top, width, height } = one.getBoundingClientRect();
        found.set(`${one.className} ${k}`, [left + scrollX, top + scrollY, one.className.includes("gv-number") ? 0 : width, height]);
      });
      planes().forEach(({ left, top, width, height }, k) => found.set(`plane ${k}`, [left + scrollX, top + scrollY, width, height]));
      return found;
    };
    const before = where();
    const most = {};
    let isOn = true;
    const look = () => {
      for (const [name, box] of where()) {
        const by = before.has(name) ? Math.max(...box.map((value, k) => Math.abs(value - before.get(name)[k]))) : Infinity;
        if (by > 0.5) most[name] = Math.max(by, most[name] ?? 0);
      }
    };
    const turn = () => isOn && (look(), requestAnimationFrame(turn));
    turn();
    window.watchedBoxes = () => (look(), (isOn = false), most);
  };

  return { planes, followed, faults, small, watch };
})()
