// Keeps an open page as it would be if it were fetched now, and lets arrow keys move among the cells.
//
// The page is whole without this. When the server says that something changed, the page's own address is fetched again,
// and sections whose HTML is another are put in place of the old ones: one way to draw a page, on the server.
"use strict";

(() => {
  // A page that says that there is nothing here stays as it is.
  if (document.querySelector("[data-still]")) return;

  // At most two fetches a second, fewer where the page is large; never while nobody looks.
  const LEAST_PAUSE = 500;
  // Ages grow without anything having changed.
  const REFRESH = 15000;
  // The server says every five seconds that it is there.
  const SILENCE = 16000;

  const shown = new Map();
  const state = document.getElementById("live");
  const word = state.querySelector(".word");
  let source = null;
  let heard = Date.now();
  let drawn = Date.now();
  let isWanted = false;
  let isFetching = false;
  let pause = LEAST_PAUSE;

  for (const section of document.querySelectorAll("[data-live]")) shown.set(section.id, section.innerHTML);

  const say = (mode, text) => {
    if (state.className === `live ${mode}` && word.textContent === text) return;
    state.className = `live ${mode}`;
    word.textContent = text;
  };
  const seconds = (since) => `${Math.round((Date.now() - since) / 1000)} s`;

  const judge = () => {
    const isSilent = Date.now() - heard > SILENCE;
    if (!isSilent && source && source.readyState === EventSource.OPEN) say("on", "live");
    else if (!isSilent) say("trying", "reconnecting");
    else say("off", `old: no answer for ${seconds(heard)}`);
    document.getElementById("silent").hidden = !isSilent;
    document.body.classList.toggle("gone", isSilent);
  };

  // What the reader had in hand is found again by what it is, not by where it was.
  const nameOf = (element) => {
    if (!element || element === document.body || !element.closest) return null;
    const section = element.closest("[data-live]");
    if (!section) return null;
    if (element.id) return { section, find: () => document.getElementById(element.id) };
    const href = element.getAttribute("href");
    if (href) {
      const same = [...section.querySelectorAll("a")].filter((link) => link.getAttribute("href") === href);
      const at = same.indexOf(element);
      return { section, find: () => [...document.querySelectorAll(`[id="${section.id}"] a`)].filter((link) => link.getAttribute("href") === href)[at] };
    }
    const details = element.closest("details[id]");
    return details && { section, find: () => document.getElementById(details.id)?.querySelector(element.tagName) };
  };

  const isSelected = (section) => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && selection.containsNode(section, true);
  };

  const replace = (old, fresh) => {
    const opened = new Map([...old.querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
    old.replaceChildren(...document.importNode(fresh, true).childNodes);
    old.className = fresh.className;
    for (const one of old.querySelectorAll("details[id]")) if (opened.has(one.id)) one.open = opened.get(one.id);
  };

  const put = (page) => {
    const focused = nameOf(document.activeElement);
    const [left, top] = [scrollX, scrollY];
    let isChanged = false;
    for (const fresh of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(fresh.id);
      if (!old) return location.reload();
      if (shown.get(fresh.id) === fresh.innerHTML && old.className === fresh.className) continue;
      // A reader who is copying something keeps it; the section follows when they are done.
      if (isSelected(old)) continue;
      shown.set(fresh.id, fresh.innerHTML);
      replace(old, fresh);
      isChanged = true;
    }
    document.title = page.title;
    if (!isChanged) return;
    const again = focused && document.activeElement === document.body ? focused.find() : null;
    if (again) {
      const grid = again.closest(".grid");
      if (grid) rove(grid, again);
      again.focus({ preventScroll: true });
    }
    if (scrollX !== left || (scrollY !== top && top < 4)) scrollTo(left, top);
  };

  const refresh = async () => {
    if (document.hidden) { isWanted = true; return; }
    if (isFetching) { isWanted = true; return; }
    isFetching = true;
    isWanted = false;
    const began = Date.now();
    try {
      const reply = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", redirect: "follow" });
      const text = await reply.text();
      heard = Date.now();
      put(new DOMParser().parseFromString(text, "text/html"));
      drawn = Date.now();
    } catch { /* The stream says so too. */ }
    // A page that takes long to draw is drawn less often.
    pause = Math.max(LEAST_PAUSE, 4 * (Date.now() - began));
    setTimeout(() => { isFetching = false; if (isWanted) refresh(); }, Math.max(0, pause - (Date.now() - began)));
    judge();
  };

  const listen = () => {
    if (source) source.close();
    source = new EventSource("/live");
    source.onopen = () => { heard = Date.now(); judge(); };
    source.onerror = judge;
    source.addEventListener("beat", () => { heard = Date.now(); judge(); });
    source.addEventListener("changed", () => { heard = Date.now(); refresh(); });
  };

  // A browser opens few connections to one server: pages that nobody sees give theirs back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source?.close(); source = null; return; }
    heard = Date.now();
    listen();
    refresh();
  });
  setInterval(() => {
    if (document.hidden) return;
    judge();
    if (Date.now() - drawn > REFRESH) refresh();
    if (source && source.readyState === EventSource.CLOSED) listen();
  }, 1000);

  // Arrow keys. One cell of each group is a stop of the Tab key: the one that was last there.
  const rove = (grid, cell) => {
    for (const other of grid.querySelectorAll("a:not([tabindex])")) other.tabIndex = -1;
    cell.removeAttribute("tabindex");
  };
  // The cell above or below: the nearest one on the next row.
  const vertical = (cells, at, step) => {
    const here = cells[at].getBoundingClientRect();
    let row = null;
    let best = null;
    for (let next = at + step; next >= 0 && next < cells.length; next += step) {
      const there = cells[next].getBoundingClientRect();
      if (Math.abs(there.top - here.top) < 2) continue;
      row ??= there.top;
      if (Math.abs(there.top - row) >= 2) break;
      if (best === null || Math.abs(there.left - here.left) < best.far) best = { next, far: Math.abs(there.left - here.left) };
    }
    return best === null ? at : best.next;
  };
  document.addEventListener("keydown", (event) => {
    const grid = event.target.closest?.(".grid");
    if (!grid || event.altKey || event.ctrlKey || event.metaKey) return;
    const cells = [...grid.children];
    const at = cells.indexOf(event.target);
    const moves = {
      ArrowRight: () => Math.min(at + 1, cells.length - 1), ArrowLeft: () => Math.max(at - 1, 0),
      ArrowDown: () => vertical(cells, at, 1), ArrowUp: () => vertical(cells, at, -1),
      Home: () => 0, End: () => cells.length - 1,
    };
    const move = moves[event.key];
    if (at < 0 || !move) return;
    event.preventDefault();
    const next = cells[move()];
    rove(grid, next);
    next.focus();
  });

  listen();
  judge();
})();
