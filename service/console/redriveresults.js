import { fill, h, say, table } from "./dom.js";
import { plural } from "./format.js";
import { isTerminal, readOrder } from "./polling.js";
import { badge } from "./status.js";

const INTERVAL = 1000;
const CONCURRENCY = 8;

export const OUTCOMES = {
  redriven: "Redriven",
  would_redrive: "Would be redriven",
  already_redriven: "Already redriven",
  not_failed: "Not failed",
  delivery_open: "The warehouse can still ship it",
  unknown: "No such order",
  error: "Not redriven: error",
};

// A table of the outcome of each order of a redrive, and of its status since.
export function redriveResults(isDry) {
  const place = h("div", {});
  const unfinished = new Map();
  const tally = new Map();
  let body = null;
  let removedMessages = 0;
  let timer = null;
  let left = false;

  function add({ results, removed }) {
    removedMessages += removed ?? 0;
    for (const result of results) addRow(result);
    if (!timer && unfinished.size) poll();
  }

  function addRow({ order_id: id, reference, outcome, detail }) {
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    if (!body) {
      fill(place, table("Results", ["Order", "Outcome", ...(isDry ? [] : ["Status"])], [], "rows short"));
      body = place.querySelector("tbody");
    }
    // A link into the current section opens the order above this dialog and leaves the section as it is.
    const section = location.hash.match(/^#\/(orders|warehouse)/)?.[1] ?? "failed";
    const status = h("td", {}, "–");
    const text = h("td", {}, OUTCOMES[outcome] ?? outcome, detail && h("span", { class: "sub" }, detail));
    const link = h("a", { class: "id", href: `#/${section}/${encodeURIComponent(id)}` }, id);
    body.append(h("tr", {}, h("td", { class: "id-cell" }, link, reference && h("span", { class: "sub" }, reference)), text, !isDry && status));
    if (!isDry && (outcome === "redriven" || outcome === "already_redriven")) unfinished.set(id, status);
  }

  async function poll() {
    timer = null;
    if (left) return;
    const batch = [...unfinished].slice(0, CONCURRENCY);
    await Promise.all(batch.map(([id, cell]) => showStatus(id, cell)));
    if (unfinished.size && !left) timer = setTimeout(poll, INTERVAL);
  }

  async function showStatus(id, cell) {
    unfinished.delete(id);
    try {
      const order = await readOrder(id);
      fill(cell, badge(order.status));
      if (isTerminal(order)) return;
    } catch {
      say(cell, "unknown");
    }
    // Moves the order to the end, so that each one is polled in turn.
    unfinished.set(id, cell);
  }

  function summary() {
    const parts = [...tally].map(([outcome, found]) => `${found} ${(OUTCOMES[outcome] ?? outcome).toLowerCase()}`);
    if (!parts.length) return "No order matched.";
    const removed = removedMessages ? ` ${plural(removedMessages, "message")} removed from the dead-letter queue.` : "";
    return `${parts.join(", ")}.${removed}`;
  }

  return {
    node: place,
    add,
    summary,
    count: () => [...tally.values()].reduce((sum, found) => sum + found, 0),
    leave() {
      left = true;
      clearTimeout(timer);
    },
  };
}
