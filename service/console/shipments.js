import { facts, h, table } from "./dom.js";
import { moment } from "./format.js";

// Earlier versions of the API show no parcels.
const shipmentsOf = (order) => order.shipments ?? [];
const idOf = (item, position) => item?.line_id ?? String(position + 1);
const quantities = (lines) => lines.map(({ line_id: id, quantity }) => `${id} × ${quantity}`).join(", ");

export function shippedOf(order) {
  return new Map((order.shipped ?? []).map(({ line_id: id, quantity }) => [id, quantity]));
}

export function shippedQuantity(order, item, position) {
  return shippedOf(order).get(idOf(item, position)) ?? 0;
}

export function shippedLines(order) {
  const whole = order.items.filter((item, position) => shippedQuantity(order, item, position) >= item?.quantity);
  return `${whole.length} of ${order.items.length}`;
}

// A parcel that the warehouse did not name has the id *. A link of another kind, such as javascript:, is shown as text. The other
// site learns nothing of this page.
export function tracking({ tracking_url: url, tracking_number: number, id }) {
  const text = number ?? (id === "*" ? "not named" : id);
  return isWebAddress(url) ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text) : h("span", {}, text);
}

function isWebAddress(text) {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

export function trackingList(order) {
  return h("ul", { class: "tracking" }, shipmentsOf(order).map((parcel) => h("li", {}, tracking(parcel))));
}

export function parcels(order) {
  const rows = shipmentsOf(order).map((parcel) => h("tr", {},
    h("td", { class: "product" }, tracking(parcel), parcel.carrier && h("span", { class: "sub" }, parcel.carrier)),
    h("td", {}, quantities(parcel.items)),
    h("td", {}, parcel.shipped_at ? h("time", { datetime: parcel.shipped_at }, moment(parcel.shipped_at)) : "–")));
  return rows.length > 0 && table("Parcels", ["Tracking", "Line × quantity", "Shipped at"], rows, "items");
}

export function due({ due_at: at, delivery }) {
  return at && h("span", {}, h("time", { datetime: at }, moment(at)), delivery?.overdue && h("span", { class: "overdue" }, " overdue"));
}

// Only operators see the delivery.
export function warehouseFacts(order) {
  const { status, delivery, cancel_asked: isCancelAsked } = order;
  const mayHave = delivery?.asked > 0 && status !== "FULFILLED" && status !== "CANCELLED";
  const known = [
    ["Delivery", delivery && h("span", { class: "id" }, delivery.key)],
    ["State there", mayHave ? "the warehouse may have it" : null],
    ["There since", delivery?.at_warehouse_since && moment(delivery.at_warehouse_since)],
    ["Due", due(order)],
    ["Looks without news", delivery?.at_warehouse_since && String(delivery.looks)],
    ["Lines shipped", order.shipped?.length > 0 ? shippedLines(order) : null],
    ["Asks for", delivery?.lines && quantities(delivery.lines)],
    ["Cancellation", isCancelAsked ? "asked for; the warehouse has not answered yet" : null],
  ].filter(([, value]) => value);
  return known.length > 0 && facts(known, "roomy");
}
