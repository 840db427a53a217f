import { get, getPage } from "./api.js";
import { button, empty, field, h, say, select } from "./dom.js";
import { infiniteList } from "./infinitelist.js";
import { moment, money, number } from "./format.js";
import { mergeNewest, pages } from "./paging.js";
import { STATUSES } from "./states.js";
import { badge } from "./status.js";

const SIZE = 20;
const ORDER_ID = /^ord_[\w.:-]{1,60}$/;
const TIMES = { created: "Created", updated: "Updated" };

export function ordersSection(body, head) {
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "ord_…, cust_… or #1001", maxlength: 256 });
  const status = select([["", "Any status"], ...STATUSES.map((each) => [each, each])], runSearch);
  const [from, to] = [dateInput(runSearch), dateInput(runSearch)];
  const inputs = { q: search, status, from, to };
  const dates = h("div", { class: "dates" }, field("", from), field("", to));
  const rows = infiniteList({
    caption: "Orders",
    columns: ({ time }) => columns(time),
    noun: "order",
    key: (order) => order.order_id,
    row: (order, { time }) => row(order, time),
    loaded: ({ time }) => showTime(time),
  });
  const form = h(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => { event.preventDefault(); runSearch(); } },
    h("div", { class: "search" }, field("Order id, customer id or reference", search), h("button", { class: "button primary" }, "Search")),
    field("Status", status),
    dates,
  );
  body.append(form, rows.list);
  head.append(button("Refresh", () => load(), "quiet"));
  showTime("updated");

  async function runSearch() {
    if (!form.checkValidity()) return; // a year that is not typed completely
    const filter = filterOf(inputs);
    if (ORDER_ID.test(filter.q) && (await exists(filter.q))) {
      location.hash = `#/orders/${encodeURIComponent(filter.q)}`;
      return;
    }
    const query = new URLSearchParams(Object.entries(filter));
    const hash = `#/orders${query.size ? `?${query}` : ""}`;
    if (location.hash === hash) load();
    else location.hash = hash;
  }

  function load() {
    const filter = filterOf(inputs);
    return rows.start(source(filter), () => emptyView(filter));
  }

  function showTime(time) {
    const [fromLabel, toLabel] = dates.querySelectorAll("label");
    say(fromLabel, `${TIMES[time]} from`);
    say(toLabel, `${TIMES[time]} to`);
  }

  return {
    show(query) {
      for (const [name, input] of Object.entries(inputs)) input.value = query.get(name) ?? "";
      if (status.selectedIndex < 0) status.value = "";
      load();
    },
    changed: load,
    leave: rows.leave,
  };
}

function dateInput(onchange) {
  return h("input", { type: "date", min: "2000-01-01", max: "9999-12-30", onchange });
}

// The filters that are given, as the link of the list has them.
function filterOf(inputs) {
  const given = Object.entries(inputs).map(([name, input]) => [name, input.validity.valid ? input.value.trim() : ""]);
  return Object.fromEntries(given.filter(([, value]) => value));
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

// A search is sorted by creation. How other lists are sorted depends on the caller, and the API says it.
function source({ q, status, from, to }) {
  const by = (filter, time) => pages("orders", { ...filter, status, ...span(time, from, to), limit: SIZE }, "orders");
  if (q) {
    const found = mergeNewest([by({ customer_id: q }, "created"), by({ reference: q }, "created")], (order) => order.created_at, SIZE);
    return async () => ({ ...(await found()), time: "created" });
  }
  let next = null;
  return async () => {
    const isTimeNeeded = !next && (from || to);
    next ??= by({}, isTimeNeeded ? timeOf(await getPage("orders", { status, limit: 1 }, "orders")) : "updated");
    const page = await next();
    return { ...page, time: timeOf(page) };
  };
}

const timeOf = ({ sortedBy }) => (sortedBy === "created_at" ? "created" : "updated");

// From the start of one day to the end of another, in the time zone of the browser.
function span(time, from, to) {
  return { [`${time}_after`]: from && midnight(from, 0), [`${time}_before`]: to && midnight(to, 1) };
}

function midnight(date, daysLater) {
  const instant = new Date(`${date}T00:00:00`);
  instant.setDate(instant.getDate() + daysLater);
  return instant.toISOString();
}

function emptyView({ q, status, from, to }) {
  const showAll = h("a", { href: "#/orders" }, "Show all orders");
  if (q && (status || from || to)) return empty("No order of this customer or with this reference matches the filters", showAll);
  if (ORDER_ID.test(q)) {
    return empty("No order, customer or reference matches", "The order may belong to another environment.");
  }
  if (q) {
    return empty(
      "No customer or reference matches",
      "Enter the complete id or reference; both are case-sensitive.",
      "A reference finds only the orders that you have submitted.",
    );
  }
  if (from || to) return empty("No order matches the filters", showAll);
  if (status) return empty(`No ${status} orders`, "Refresh to check again.");
  return empty("No orders yet", h("span", {}, "Submit one in ", h("a", { href: "#/try" }, "Try it"), " to see it here."));
}

function columns(time) {
  return [
    "Order",
    "Status",
    { name: "Customer", kind: "wide-only" },
    { name: "Reference", kind: "widest-only" },
    { name: "Total", kind: "num wide-only" },
    { name: "Attempts", kind: "num wide-only" },
    { name: [TIMES[time], h("span", { "aria-hidden": "true" }, " ↓")], kind: "num", sort: "descending" },
  ];
}

function row(order, time) {
  const at = order[`${time}_at`];
  return h(
    "tr",
    {},
    h("td", { class: "id-cell" }, h("a", { class: "id", href: `#/orders/${encodeURIComponent(order.order_id)}` }, order.order_id)),
    h("td", {}, badge(order.status)),
    h("td", { class: "name-cell wide-only" }, h("span", { class: "cut" }, order.customer_id ?? "–")),
    h("td", { class: "name-cell widest-only" }, h("span", { class: "cut" }, order.reference ?? "–")),
    h("td", { class: "num wide-only" }, money(order.total_amount, order.currency)),
    h("td", { class: "num wide-only" }, number(order.attempts)),
    h("td", { class: "when-cell" }, h("time", { datetime: at }, moment(at))),
  );
}
