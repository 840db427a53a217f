import { get } from "./api.js";
import { button, empty, field, h, select } from "./dom.js";
import { infiniteList } from "./infinitelist.js";
import { moment, money, number } from "./format.js";
import { filtered, mergeNewest, pages } from "./paging.js";
import { STATUSES } from "./states.js";
import { badge } from "./status.js";

const SIZE = 20;
const ORDER_ID = /^ord_[\w.:-]{1,60}$/;
const COLUMNS = [
  "Order",
  "Status",
  { name: "Customer", kind: "wide-only" },
  { name: "Reference", kind: "widest-only" },
  { name: "Total", kind: "num wide-only" },
  { name: "Attempts", kind: "num wide-only" },
  { name: "Last change", kind: "num" },
];

export function ordersSection(body, head) {
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "ord_…, cust_… or #1001", maxlength: 256 });
  const status = select([["", "Any status"], ...STATUSES.map((each) => [each, each])], runSearch);
  const rows = infiniteList({
    caption: "Orders",
    columns: COLUMNS,
    noun: "order",
    key: (order) => order.order_id,
    row,
  });
  const form = h(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => { event.preventDefault(); runSearch(); } },
    h("div", { class: "search" }, field("Order id, customer id or reference", search), h("button", { class: "button primary" }, "Search")),
    field("Status", status),
  );
  body.append(form, rows.list);
  head.append(button("Refresh", () => load(), "quiet"));

  async function runSearch() {
    const wanted = search.value.trim();
    if (ORDER_ID.test(wanted) && (await exists(wanted))) {
      location.hash = `#/orders/${encodeURIComponent(wanted)}`;
      return;
    }
    const query = new URLSearchParams(Object.entries({ q: wanted, status: status.value }).filter(([, value]) => value));
    const hash = `#/orders${query.size ? `?${query}` : ""}`;
    if (location.hash === hash) load();
    else location.hash = hash;
  }

  function load() {
    return rows.start(source(search.value.trim(), status.value), () => emptyView(search.value.trim(), status.value));
  }

  return {
    show(query) {
      search.value = query.get("q") ?? "";
      status.value = STATUSES.includes(query.get("status")) ? query.get("status") : "";
      load();
    },
    changed: load,
    leave: rows.leave,
  };
}

async function exists(orderId) {
  try {
    await get(`orders/${encodeURIComponent(orderId)}`);
    return true;
  } catch (error) {
    // The order's view shows any other error.
    return error.status !== 404;
  }
}

function source(wanted, status) {
  const by = (name, value) => pages("orders", { [name]: value, limit: SIZE }, "orders");
  if (wanted) {
    const found = mergeNewest([by("customer_id", wanted), by("reference", wanted)], (order) => order.created_at, SIZE);
    return filtered(found, (order) => !status || order.status === status);
  }
  if (status) return by("status", status);
  return mergeNewest(STATUSES.map((each) => by("status", each)), (order) => order.updated_at, SIZE);
}

function emptyView(wanted, status) {
  const tryOne = h("span", {}, "Submit one in ", h("a", { href: "#/try" }, "Try it"), " to see it here.");
  if (ORDER_ID.test(wanted)) {
    return empty("No order, customer or reference matches", "The order may belong to another environment.");
  }
  if (wanted) {
    const missing = status ? `No ${status} order of this customer or with this reference` : "No customer or reference matches";
    return empty(missing, "Enter the complete id or reference; both are case-sensitive.", "A reference finds only the orders that you have submitted.");
  }
  if (status) return empty(`No ${status} orders`, "Refresh to check again.");
  return empty("No orders yet", tryOne);
}

function row(order) {
  return h(
    "tr",
    {},
    h("td", { class: "id-cell" }, h("a", { class: "id", href: `#/orders/${encodeURIComponent(order.order_id)}` }, order.order_id)),
    h("td", {}, badge(order.status)),
    h("td", { class: "name-cell wide-only" }, h("span", { class: "cut" }, order.customer_id ?? "–")),
    h("td", { class: "name-cell widest-only" }, h("span", { class: "cut" }, order.reference ?? "–")),
    h("td", { class: "num wide-only" }, money(order.total_amount, order.currency)),
    h("td", { class: "num wide-only" }, number(order.attempts)),
    h("td", { class: "when-cell" }, h("time", { datetime: order.updated_at }, moment(order.updated_at))),
  );
}
