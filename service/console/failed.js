import { button, empty, field, fill, h, say, select } from "./dom.js";
import { infiniteList } from "./infinitelist.js";
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
  const selected = new Set();
  let filter = {};
  let counts = null;
  const span = select(SPANS, () => { location.hash = hashOf(filter.reason, span.value); });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Reasons" });
  const selectedNote = h("span", { role: "status", class: "selected" });
  const selectAllBox = h("input", { type: "checkbox", onchange: () => selectEvery(selectAllBox.checked) });
  const redriveSelected = button("Redrive selected…", () => redriveIds([...selected]), "primary", { disabled: true });
  const redriveAll = button("Redrive all…", () => redriveMatching(), "");
  const bar = h("div", { class: "toolbar", hidden: true },
    h("label", { class: "choice" }, selectAllBox, " Select all shown"), selectedNote, h("div", { class: "actions" }, redriveSelected, redriveAll));
  const rows = infiniteList({
    caption: "Failed orders",
    columns: () => COLUMNS,
    noun: "failed order",
    key: (failure) => failure.order_id,
    row: (failure) => failedRow(failure, toggle, redriveOne),
    loaded: showSelection,
  });
  body.append(h("div", { class: "filters" }, chips, field("Failed", span)), bar, rows.list);
  head.append(button("Refresh", () => load(), "quiet"));
  const unsubscribe = subscribe(({ stats }) => {
    counts = stats?.failed ?? null;
    showChips();
  });

  function load() {
    selected.clear();
    filter = { reason: filter.reason, failed_after: span.value ? new Date(Date.now() - span.value * HOUR).toISOString() : undefined };
    return rows.start(pages("failed-orders", { ...filter, limit: SIZE }, "failed_orders"), () => emptyView(filter));
  }

  function showChips() {
    // The counts cover all times, so they are not shown with a time filter.
    const countText = (found) => (found && !span.value ? count(found) : "");
    const wanted = [["", "All", countText(total())], ...Object.keys(REASONS).map((reason) => [reason, reason, countText(counts?.[reason])])];
    // Counts change every few seconds. The elements stay the same, so that the focus stays.
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

  function toggle(orderId, isSelected) {
    if (isSelected) selected.add(orderId);
    else selected.delete(orderId);
    showSelection();
  }

  function selectEvery(isSelected) {
    for (const { order_id: id } of rows.entries()) {
      if (isSelected) selected.add(id);
      else selected.delete(id);
    }
    showSelection();
  }

  function showSelection() {
    const shown = rows.entries();
    bar.hidden = shown.length === 0;
    for (const box of rows.list.querySelectorAll("input[data-order]")) box.checked = selected.has(box.dataset.order);
    selectAllBox.checked = shown.length > 0 && selected.size === shown.length;
    selectAllBox.indeterminate = selected.size > 0 && !selectAllBox.checked;
    redriveSelected.disabled = selected.size === 0;
    say(selectedNote, selected.size ? `${number(selected.size)} selected` : "");
    say(redriveAll, filter.reason || span.value ? "Redrive all matching…" : "Redrive all…");
  }

  function redriveOne(failure) {
    openRedrive({ one: failure, label: "this order", total: 1, done: load });
  }

  function redriveIds(ids) {
    openRedrive({ ids, label: plural(ids.length, "selected order"), total: ids.length, done: load });
  }

  function redriveMatching() {
    const found = filter.reason ? counts?.[filter.reason] : total();
    const isKnown = found?.exact && !span.value;
    const when = span.value ? ` that failed ${SPANS.find(([value]) => value === span.value)[1].toLowerCase()}` : "";
    const which = filter.reason ? ` with the reason “${filter.reason}”` : "";
    openRedrive({ filter, label: `every failed order${which}${when}${isKnown ? ` (${number(found.count)} now)` : ""}`, total: isKnown ? found.count : null, done: load });
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

function emptyView(filter) {
  if (filter.reason || filter.failed_after) {
    return empty("No failed order matches", h("a", { href: "#/failed" }, "Show all failed orders"));
  }
  return empty(
    "No order has failed",
    "Orders whose last attempt failed are listed here. Fix the cause, then redrive them.",
  );
}

function failedRow(failure, toggle, redriveOne) {
  const id = failure.order_id;
  const box = h("input", {
    type: "checkbox", "data-order": id, "aria-label": `Select ${id}`, onchange: (event) => toggle(id, event.target.checked),
  });
  return h(
    "tr",
    {},
    h("td", { class: "box" }, box),
    h("td", { class: "id-cell" },
      h("a", { class: "id", href: `#/failed/${encodeURIComponent(id)}` }, id),
      h("span", { class: "sub wide-only" }, failure.customer_id ?? "no customer"),
      failure.reference && h("span", { class: "sub wide-only" }, failure.reference)),
    h("td", {}, h("span", { class: "reason-name" }, failure.reason), h("span", { class: "sub" }, failure.detail)),
    h("td", { class: "num wide-only" }, number(failure.attempts), failure.epoch > 0 && h("span", { class: "sub" }, `redriven ${failure.epoch}×`)),
    h("td", { class: "when-cell wide-only" }, h("time", { datetime: failure.failed_at }, moment(failure.failed_at))),
    h("td", { class: "end wide-only" }, button("Redrive…", () => redriveOne(failure), "small", { "aria-label": `Redrive ${id}…` })),
  );
}
