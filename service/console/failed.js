import { button, empty, field, fill, h, say, select } from "./dom.js";
import { endless } from "./endless.js";
import { count, moment, number, plural } from "./format.js";
import { pages } from "./paging.js";
import { openRedrive } from "./redrive.js";
import { subscribe } from "./stats.js";
import { REASONS } from "./status.js";

const SIZE = 20;
const HOUR = 3_600_000;
const SPANS = [["", "Any time"], ["1", "In the last hour"], ["24", "In the last 24 hours"], ["168", "In the last 7 days"]];
const COLUMNS = [
  "Select",
  "Order",
  "Reason",
  { name: "Attempts", kind: "num wide-only" },
  { name: "Failed at", kind: "num wide-only" },
  { name: "Redrive", kind: "num wide-only" },
];

export function failedSection(body, head) {
  const chosen = new Set();
  let filter = {};
  let counts = null;
  const span = select(SPANS, () => { location.hash = hashOf(filter.reason, span.value); });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Reasons" });
  const selected = h("span", { role: "status", class: "selected" });
  const everyBox = h("input", { type: "checkbox", onchange: () => chooseEvery(everyBox.checked) });
  const redriveChosen = button("Redrive selected…", () => redriveIds([...chosen]), "primary", { disabled: true });
  const redriveAll = button("Redrive all…", () => redriveMatching(), "");
  const bar = h("div", { class: "toolbar", hidden: true },
    h("label", { class: "choice" }, everyBox, " Select all shown"), selected, h("div", { class: "actions" }, redriveChosen, redriveAll));
  const rows = endless({
    caption: "Failed orders",
    columns: COLUMNS,
    noun: "failed order",
    key: (failure) => failure.order_id,
    row: (failure) => failedRow(failure, choose, redriveOne),
    loaded: showChosen,
  });
  body.append(h("div", { class: "filters" }, chips, field("Failed", span)), bar, rows.list);
  head.append(button("Refresh", () => load(), "quiet"));
  const unsubscribe = subscribe(({ stats }) => {
    counts = stats?.failed ?? null;
    showChips();
  });

  function load() {
    chosen.clear();
    filter = { reason: filter.reason, failed_after: span.value ? new Date(Date.now() - span.value * HOUR).toISOString() : undefined };
    return rows.begin(pages("failed-orders", { ...filter, limit: SIZE }, "failed_orders"), () => nothing(filter));
  }

  function showChips() {
    // What is counted is counted whenever it failed.
    const told = (found) => (found && !span.value ? count(found) : "");
    const wanted = [["", "All", told(total())], ...Object.keys(REASONS).map((reason) => [reason, reason, told(counts?.[reason])])];
    // Counts come every few seconds: what has the focus must stay the same element.
    if (!chips.children.length) fill(chips, wanted.map(() => h("a", { class: "chip" }, h("span", {}), h("span", { class: "chip-count" }))));
    wanted.forEach(([reason, text, found], index) => showChip(chips.children[index], reason, text, found));
  }

  function total() {
    if (!counts) return null;
    const known = Object.values(counts);
    return { count: known.reduce((sum, each) => sum + each.count, 0), exact: known.every((each) => each.exact) };
  }

  function showChip(chip, reason, text, found) {
    chip.setAttribute("href", hashOf(reason, span.value));
    chip.title = REASONS[reason] ?? "";
    say(chip.firstChild, text);
    say(chip.lastChild, found);
    if ((filter.reason ?? "") === reason) chip.setAttribute("aria-current", "true");
    else chip.removeAttribute("aria-current");
  }

  function choose(orderId, isChosen) {
    if (isChosen) chosen.add(orderId);
    else chosen.delete(orderId);
    showChosen();
  }

  function chooseEvery(isChosen) {
    for (const { order_id: id } of rows.entries()) {
      if (isChosen) chosen.add(id);
      else chosen.delete(id);
    }
    showChosen();
  }

  function showChosen() {
    const shown = rows.entries();
    bar.hidden = shown.length === 0;
    for (const box of rows.list.querySelectorAll("input[data-order]")) box.checked = chosen.has(box.dataset.order);
    everyBox.checked = shown.length > 0 && chosen.size === shown.length;
    everyBox.indeterminate = chosen.size > 0 && !everyBox.checked;
    redriveChosen.disabled = chosen.size === 0;
    say(selected, chosen.size ? `${number(chosen.size)} selected` : "");
    say(redriveAll, filter.reason || span.value ? "Redrive all that match…" : "Redrive all…");
  }

  function redriveOne(failure) {
    openRedrive({ one: failure, what: "this order", total: 1, done: load });
  }

  function redriveIds(ids) {
    openRedrive({ ids, what: plural(ids.length, "selected order"), total: ids.length, done: load });
  }

  function redriveMatching() {
    const found = filter.reason ? counts?.[filter.reason] : total();
    const isKnown = found?.exact && !span.value;
    const when = span.value ? ` that failed ${SPANS.find(([value]) => value === span.value)[1].toLowerCase()}` : "";
    const which = filter.reason ? ` with the reason “${filter.reason}”` : "";
    openRedrive({ filter, what: `every failed order${which}${when}${isKnown ? `, ${number(found.count)} now,` : ""}`, total: isKnown ? found.count : null, done: load });
  }

  return {
    show(query) {
      filter = { reason: Object.hasOwn(REASONS, query.get("reason")) ? query.get("reason") : undefined };
      span.value = SPANS.some(([value]) => value === query.get("hours")) ? query.get("hours") : "";
      showChips();
      load();
    },
    changed: load,
    leave() {
      unsubscribe();
      rows.leave();
    },
  };
}

function hashOf(reason, hours) {
  const query = new URLSearchParams(Object.entries({ reason, hours }).filter(([, value]) => value));
  return `#/failed${query.size ? `?${query}` : ""}`;
}

function nothing(filter) {
  if (filter.reason || filter.failed_after) {
    return empty("No failed order matches", h("a", { href: "#/failed" }, "Show all failed orders"));
  }
  return empty(
    "No order has failed",
    "An order comes here after its last attempt. Once the cause is mended, you redrive it from here.",
  );
}

function failedRow(failure, choose, redriveOne) {
  const id = failure.order_id;
  const box = h("input", {
    type: "checkbox", "data-order": id, "aria-label": `Select ${id}`, onchange: (event) => choose(id, event.target.checked),
  });
  return h(
    "tr",
    {},
    h("td", { class: "box" }, box),
    h("td", { class: "id-cell" },
      h("a", { class: "id", href: `#/failed/${encodeURIComponent(id)}` }, id),
      h("span", { class: "sub wide-only" }, failure.customer_id ?? "no customer")),
    h("td", {}, h("span", { class: "reason-name" }, failure.reason), h("span", { class: "sub" }, failure.detail)),
    h("td", { class: "num wide-only" }, number(failure.attempts), failure.epoch > 0 && h("span", { class: "sub" }, `redriven ${failure.epoch}×`)),
    h("td", { class: "when-cell wide-only" }, h("time", { datetime: failure.failed_at }, moment(failure.failed_at))),
    h("td", { class: "end wide-only" }, button("Redrive…", () => redriveOne(failure), "small", { "aria-label": `Redrive ${id}…` })),
  );
}
