import { Unreachable } from "./api.js";
import { button, fill, h, say, table } from "./dom.js";
import { plural } from "./format.js";
import { problemNotice } from "./problem.js";

const MAX_EMPTY_PAGES = 25;

// A table with infinite scrolling. `start` takes a source, which returns the next page as {entries, more}. The functions
// `columns`, `row` and `loaded` also get the page, which may say more.
export function infiniteList({ caption, columns, row, noun, key, loaded }) {
  const state = h("p", { class: "list-state", role: "status" });
  const errorPlace = h("div", {});
  const more = button("Load more", () => loadMore(), "wide");
  const place = h("div", {}, h("p", { class: "loading" }, "Loading…"));
  const foot = h("div", { class: "list-foot" }, state, more);
  const list = h("div", { class: "list" }, place, errorPlace, foot);
  const watcher = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && loadMore(), { rootMargin: "200px" });
  let run = null;

  function start(next, emptyView) {
    watcher.unobserve(more);
    run = { next, emptyView, known: new Map(), isBusy: false, isComplete: false, body: null };
    more.hidden = true;
    fill(errorPlace);
    return loadMore();
  }

  async function loadMore() {
    const mine = run;
    if (!mine || mine.isBusy || mine.isComplete) return;
    mine.isBusy = true;
    list.setAttribute("aria-busy", "true");
    try {
      const page = await nextNonEmptyPage(mine.next);
      if (mine !== run) return;
      add(page);
    } catch (error) {
      if (mine !== run) return;
      mine.isComplete = true;
      if (run.known.size === 0) fill(place);
      fill(errorPlace, errorView(error));
    }
    mine.isBusy = false;
    list.removeAttribute("aria-busy");
  }

  // The banner of the page reports an unreachable API. The list reloads when the API is reachable.
  function errorView(error) {
    if (error instanceof Unreachable) return h("p", { class: "loading" }, "Waiting for the API…");
    return problemNotice(error, button("Try again", () => retry()));
  }

  function retry() {
    run.isComplete = false;
    fill(errorPlace);
    return loadMore();
  }

  function add(page) {
    const { entries, more: thereIsMore } = page;
    // Two lists that are merged may have the same entry.
    const fresh = entries.filter((entry) => !run.known.has(key(entry)) && run.known.set(key(entry), entry));
    run.isComplete = !thereIsMore;
    if (run.known.size === 0 && run.isComplete) fill(place, run.emptyView());
    else tableBody(page).append(...fresh.map((entry) => row(entry, page)));
    const shown = plural(run.known.size, noun);
    say(state, run.known.size === 0 ? "" : run.isComplete ? `${shown}, end of list` : `${shown} shown`);
    more.hidden = run.isComplete;
    loaded?.(page);
    // The observer reports changes only. Observing again reports a button that is still in view.
    watcher.unobserve(more);
    if (!run.isComplete) watcher.observe(more);
  }

  function tableBody(page) {
    if (!run.body) {
      fill(place, table(caption, columns(page), [], "rows"));
      run.body = place.querySelector("tbody");
    }
    return run.body;
  }

  return { list, start, entries: () => [...(run?.known.values() ?? [])], leave: () => watcher.disconnect() };
}

// A page without a matching entry is not the end of the list: more pages may follow.
async function nextNonEmptyPage(next) {
  let page = await next();
  for (let turn = 1; turn < MAX_EMPTY_PAGES && !page.entries.length && page.more; turn += 1) page = await next();
  return page;
}
