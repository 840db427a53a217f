import { Unreachable } from "./api.js";
import { button, fill, h, say, table } from "./dom.js";
import { plural } from "./format.js";
import { problemNotice } from "./problem.js";

const EMPTY_PAGES = 25;

// A table that grows while one scrolls. `next` of what `begin` is given yields {entries, more}.
export function endless({ caption, columns, row, noun, key, loaded }) {
  const state = h("p", { class: "list-state", role: "status" });
  const trouble = h("div", {});
  const more = button("Load more", () => grow(), "wide");
  const place = h("div", {}, h("p", { class: "loading" }, "Loading…"));
  const foot = h("div", { class: "list-foot" }, state, more);
  const list = h("div", { class: "list" }, place, trouble, foot);
  const watcher = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && grow(), { rootMargin: "200px" });
  let run = null;

  function begin(next, nothing) {
    watcher.unobserve(more);
    run = { next, nothing, known: new Map(), busy: false, over: false, body: null };
    more.hidden = true;
    fill(trouble);
    return grow();
  }

  async function grow() {
    const mine = run;
    if (!mine || mine.busy || mine.over) return;
    mine.busy = true;
    list.setAttribute("aria-busy", "true");
    try {
      const page = await filled(mine.next);
      if (mine !== run) return;
      add(page);
    } catch (error) {
      if (mine !== run) return;
      mine.over = true;
      if (run.known.size === 0) fill(place);
      fill(trouble, whatIsWrong(error));
    }
    mine.busy = false;
    list.removeAttribute("aria-busy");
  }

  // Of an API that is gone the page tells as a whole, and it loads the list again when the API is back.
  function whatIsWrong(error) {
    if (error instanceof Unreachable) return h("p", { class: "loading" }, "Waiting for the API…");
    return problemNotice(error, button("Try again", () => retry()));
  }

  function retry() {
    run.over = false;
    fill(trouble);
    return grow();
  }

  function add({ entries, more: thereIsMore }) {
    const fresh = entries.filter((entry) => !run.known.has(key(entry)));
    for (const entry of fresh) run.known.set(key(entry), entry);
    run.over = !thereIsMore;
    if (run.known.size === 0 && run.over) fill(place, run.nothing());
    else grownTable().append(...fresh.map(row));
    const shown = plural(run.known.size, noun);
    say(state, run.known.size === 0 ? "" : run.over ? `${shown}, that is all` : `${shown} shown`);
    more.hidden = run.over;
    loaded?.();
    // An observer tells of changes only, so one that is still in view is put in view again.
    watcher.unobserve(more);
    if (!run.over) watcher.observe(more);
  }

  function grownTable() {
    if (!run.body) {
      fill(place, table(caption, columns, [], "rows"));
      run.body = place.querySelector("tbody");
    }
    return run.body;
  }

  return { list, begin, entries: () => [...(run?.known.values() ?? [])], leave: () => watcher.disconnect() };
}

// A page of the API may be short, or hold nothing that fits, and more may follow all the same.
async function filled(next) {
  for (let turn = 0; turn < EMPTY_PAGES; turn += 1) {
    const page = await next();
    if (page.entries.length || !page.more) return page;
  }
  return { entries: [], more: true };
}
