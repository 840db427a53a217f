import { cancel, giveUp, look } from "./acts.js";
import { button, empty, fill, h, say } from "./dom.js";
import { infiniteList } from "./infinitelist.js";
import { moment, plural } from "./format.js";
import { pages } from "./paging.js";
import { problemNotice } from "./problem.js";
import { due, shippedLines, trackingList } from "./shipments.js";

const SIZE = 20;
const COLUMNS = [
  "Order",
  { name: "There since", kind: "num wide-only" },
  "Due",
  { name: "Shipped", kind: "wide-only" },
  { name: "Actions", kind: "widest-only" },
];

export function warehouseSection(body, head) {
  const result = h("p", { role: "status", class: "act-result" });
  const problemPlace = h("div", {});
  const rows = infiniteList({
    caption: "Orders at the warehouse",
    columns: () => COLUMNS,
    noun: "order",
    key: (order) => order.order_id,
    row: (order) => row(order, act),
  });
  body.append(result, problemPlace, rows.list);
  head.append(button("Refresh", () => load(), "quiet"));

  function load() {
    return rows.start(pages("orders", { status: "AT_WAREHOUSE", limit: SIZE }, "orders"), () =>
      empty("No order is at the warehouse", "Orders that the warehouse has accepted, and not shipped yet, are listed here."));
  }

  async function act(done, order) {
    fill(problemPlace);
    say(result, "");
    try {
      const text = await done(order);
      if (text === null) return;
      say(result, `${order.order_id}: ${text}`);
    } catch (error) {
      fill(problemPlace, problemNotice(error, h("p", { class: "id" }, order.order_id)));
    }
    load();
  }

  return { show: load, changed: load, leave: rows.leave };
}

function row(order, act) {
  const { order_id: id, delivery, cancel_asked: isCancelAsked } = order;
  const action = (text, done) => button(text, () => act(done, order), "small", { "aria-label": `${text} ${id}` });
  const actions = [
    action("Look now", look),
    isCancelAsked ? h("span", { class: "sub" }, "cancellation asked for") : action("Ask to cancel…", cancel),
    action("Give up…", giveUp),
  ];
  return h(
    "tr",
    {},
    h("td", { class: "id-cell" },
      h("a", { class: "id", href: `#/warehouse/${encodeURIComponent(id)}` }, id),
      h("span", { class: "sub wide-only" }, order.customer_id ?? "no customer"),
      order.reference && h("span", { class: "sub wide-only" }, order.reference)),
    h("td", { class: "when-cell wide-only" }, delivery
      ? [moment(delivery.at_warehouse_since), h("span", { class: "sub" }, `${plural(delivery.looks, "look")} without news`)]
      : "–"),
    h("td", {}, due(order) ?? "–"),
    h("td", { class: "wide-only" }, `${shippedLines(order)} lines`, trackingList(order)),
    h("td", { class: "end widest-only" }, delivery && h("div", { class: "actions" }, actions)),
  );
}
