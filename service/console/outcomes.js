import { fill, h, say, table } from "./dom.js";
import { readOrder } from "./follow.js";
import { plural } from "./format.js";
import { badge, ENDED } from "./status.js";

const EVERY = 1000;
const AT_ONCE = 8;

const TEXTS = {
  redriven: "Redriven",
  would_redrive: "Would be redriven",
  already_redriven: "Was redriven before",
  not_failed: "Is not failed",
  unknown: "There is no such order",
  error: "Not redriven: something went wrong",
};

// What became of each order that was redriven, and where it stands since.
export function outcomes(isDry) {
  const place = h("div", {});
  const onTheirWay = new Map();
  const tally = new Map();
  let body = null;
  let letters = 0;
  let timer = null;
  let left = false;

  function add({ results, removed }) {
    letters += removed ?? 0;
    for (const result of results) addRow(result);
    if (!timer && onTheirWay.size) look();
  }

  function addRow({ order_id: id, outcome, detail }) {
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    if (!body) {
      fill(place, table("What happened to each", ["Order", "Outcome", ...(isDry ? [] : ["Now"])], [], "rows short"));
      body = place.querySelector("tbody");
    }
    // In the section that is shown, so that the order opens above these results and leaves them as they are.
    const section = location.hash.startsWith("#/orders") ? "orders" : "failed";
    const now = h("td", {}, "–");
    const text = h("td", {}, TEXTS[outcome] ?? outcome, detail && h("span", { class: "sub" }, detail));
    const link = h("a", { class: "id", href: `#/${section}/${encodeURIComponent(id)}` }, id);
    body.append(h("tr", {}, h("td", { class: "id-cell" }, link), text, !isDry && now));
    if (!isDry && (outcome === "redriven" || outcome === "already_redriven")) onTheirWay.set(id, now);
  }

  async function look() {
    timer = null;
    if (left) return;
    const some = [...onTheirWay].slice(0, AT_ONCE);
    await Promise.all(some.map(([id, cell]) => lookAt(id, cell)));
    if (onTheirWay.size && !left) timer = setTimeout(look, EVERY);
  }

  async function lookAt(id, cell) {
    onTheirWay.delete(id);
    try {
      const { status } = await readOrder(id);
      fill(cell, badge(status));
      if (ENDED.has(status)) return;
    } catch {
      say(cell, "not known");
    }
    // To the end of the line, so that each gets its turn.
    onTheirWay.set(id, cell);
  }

  function summary() {
    const parts = [...tally].map(([outcome, found]) => `${found} ${(TEXTS[outcome] ?? outcome).toLowerCase()}`);
    if (!parts.length) return "Nothing matched: no order was redriven.";
    const removed = letters ? ` ${plural(letters, "dead letter")} removed.` : "";
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
