import { get } from "./api.js";
import { button, empty, field, h, select } from "./dom.js";
import { endless } from "./endless.js";
import { moment, money, number } from "./format.js";
import { newestOf, pages } from "./paging.js";
import { badge, STATUSES } from "./status.js";

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
  const status = select([["", "Any status"], ...STATUSES.map((each) => [each, each])], go);
  const rows = endless({
    caption: "Orders",
    columns: COLUMNS,
    noun: "order",
    key: (order) => order.order_id,
    row,
  });
  const form = h(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => { event.preventDefault(); go(); } },
    h("div", { class: "search" }, field("Order or customer id", search), h("button", { class: "button primary" }, "Search")),
    field("Status", status),
  );
  body.append(form, rows.list);
  head.append(button("Refresh", () => load(), "quiet"));

  async function go() {
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
    return rows.begin(source(search.value.trim(), status.value), () => nothing(search.value.trim(), status.value));
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
    // Whatever else is wrong, the order's own view says it.
    return error.status !== 404;
  }
}

function source(customer, status) {
  if (customer) {
    return pages("orders", { customer_id: customer, limit: SIZE }, "orders", (order) => !status || order.status === status);
  }
  const of = (each) => pages("orders", { status: each, limit: SIZE }, "orders");
  return status ? of(status) : newestOf(STATUSES.map(of), (order) => order.updated_at, SIZE);
}

function nothing(customer, status) {
  const tryOne = h("span", {}, "Submit one in ", h("a", { href: "#/try" }, "Try it"), ", and it shows up here.");
  if (customer.startsWith("ord_")) {
    return empty("There is no order of this id", "No order or customer matches. The order may belong to another environment.");
  }
  if (customer) {
    const missing = status ? `This customer has no order that is ${status}` : "There is no order of this customer";
    return empty(missing, "Ids are case-sensitive, and have to be given whole.");
  }
  if (status) return empty(`No order is ${status}`, "That is this moment's answer; Refresh asks again.");
  return empty("There are no orders yet", tryOne);
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
