import { get } from "./api.js";
import { button, empty, field, h, select } from "./dom.js";
import { infiniteList } from "./infinitelist.js";
import { moment, money, number } from "./format.js";
import { mergeNewest, pages } from "./paging.js";
import { STATUSES } from "./states.js";
import { badge } from "./status.js";

const SIZE = 20;
const COLUMNS = [
  "Order",
  "Status",
  { name: "Customer", kind: "wide-only" },
  { name: "Total", kind: "num wide-only" },
  { name: "Attempts", kind: "num wide-only" },
  { name: "Last change", kind: "num" },
];

export function ordersSection(body, head) {
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "ord_… or cust_…", maxlength: 64 });
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
    h("div", { class: "search" }, field("Order or customer id", search), h("button", { class: "button primary" }, "Search")),
    field("Status", status),
  );
  body.append(form, rows.list);
  head.append(button("Refresh", () => load(), "quiet"));

  async function runSearch() {
    const wanted = search.value.trim();
    if (wanted.startsWith("ord_") && (await exists(wanted))) {
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

function source(customer, status) {
  if (customer) {
    return pages("orders", { customer_id: customer, limit: SIZE }, "orders", (order) => !status || order.status === status);
  }
  const withStatus = (each) => pages("orders", { status: each, limit: SIZE }, "orders");
  return status ? withStatus(status) : mergeNewest(STATUSES.map(withStatus), (order) => order.updated_at, SIZE);
}

function emptyView(customer, status) {
  const tryOne = h("span", {}, "Submit one in ", h("a", { href: "#/try" }, "Try it"), " to see it here.");
  if (customer.startsWith("ord_")) {
    return empty("No order or customer matches", "The order may belong to another environment.");
  }
  if (customer) {
    const missing = status ? `This customer has no ${status} orders` : "No orders of this customer";
    return empty(missing, "Enter the complete id. Ids are case-sensitive.");
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
    h("td", { class: "wide-only" }, order.customer_id ?? "–"),
    h("td", { class: "num wide-only" }, money(order.total_amount, order.currency)),
    h("td", { class: "num wide-only" }, number(order.attempts)),
    h("td", { class: "when-cell" }, h("time", { datetime: order.updated_at }, moment(order.updated_at))),
  );
}
