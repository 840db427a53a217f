import { facts, h, table } from "./dom.js";
import { shippedQuantity } from "./shipments.js";
import { amount, isInstant, moment, money, plain } from "./format.js";

// The document of a REJECTED order is shown as it was sent, so any of its fields may have any type.

const ADDRESS = {
  name: "Name",
  company: "Company",
  line1: "Address",
  line2: "Address, line 2",
  city: "City",
  region: "Region",
  postal_code: "Postal code",
  country: "Country",
  phone: "Phone",
  email: "Email",
};

export const isGiven = (value) => value !== null && value !== undefined;
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const shown = (value) => (isGiven(value) ? plain(value) : null);

export function submittedFacts(order) {
  const { placed_at: placed } = order;
  return [
    ["Reference", shown(order.reference)],
    ["Service level", shown(order.service_level)],
    ["Placed", isInstant(placed) ? h("time", { datetime: placed }, moment(placed)) : shown(placed)],
  ];
}

export function address(given) {
  if (!isObject(given)) return h("p", {}, plain(given));
  const names = [...Object.keys(ADDRESS), ...Object.keys(given).filter((name) => !Object.hasOwn(ADDRESS, name))];
  return facts(names.map((name) => [ADDRESS[name] ?? name, shown(given[name])]), "roomy");
}

export function note(text) {
  return h("p", { class: "note" }, plain(text));
}

export const adjustmentsOf = (order) => (Array.isArray(order.adjustments) ? order.adjustments : []);

// The items and the adjustments, and the total that they add up to.
export function items(order) {
  const rows = [
    ...order.items.map((item, position) => itemRow(item, order.currency, shippedText(order, item, position))),
    ...adjustmentsOf(order).map((adjustment) => adjustmentRow(adjustment, order.currency)),
  ];
  if (!rows.length) return h("p", { class: "muted" }, "None.");
  const foot = h("tr", { class: "sum" },
    h("th", { scope: "row", colspan: "3" }, "Total"), h("td", { class: "num" }, money(order.total_amount, order.currency)));
  return table("Items", ["Product", ...["Quantity", "Price", "Amount"].map((name) => ({ name, kind: "num" }))], [...rows, foot], "items");
}

function itemRow(item, currency, shipped) {
  const name = item?.name ?? item?.product_id;
  const more = [
    isGiven(item?.name) && item.product_id,
    isGiven(item?.sku) && `SKU ${plain(item.sku)}`,
    isGiven(item?.line_id) && `line ${plain(item.line_id)}`,
    ...(isObject(item?.metadata) ? Object.entries(item.metadata).map(([key, value]) => `${key}: ${plain(value)}`) : []),
  ];
  return h("tr", {},
    h("td", { class: "product" }, plain(name), subs(more)),
    h("td", { class: "num" }, plain(item?.quantity), subs([shipped])),
    h("td", { class: "num" }, amount(item?.price, currency)),
    h("td", { class: "num" }, lineTotal(item, currency)));
}

// The items of a FULFILLED order were shipped as a whole, unless a warehouse has shipped more.
function shippedText(order, item, position) {
  const shipped = shippedQuantity(order, item, position);
  const isExpected = order.status === "FULFILLED" && shipped === item?.quantity;
  return shipped > 0 && !isExpected && `${shipped} shipped`;
}

function adjustmentRow(adjustment, currency) {
  const { kind, label, line_id: line } = isObject(adjustment) ? adjustment : {};
  return h("tr", {},
    h("th", { scope: "row", colspan: "3", class: "product" }, plain(kind), subs([label, isGiven(line) && `line ${plain(line)}`])),
    h("td", { class: "num" }, amount(adjustment?.amount, currency)));
}

function subs(texts) {
  return texts.filter((text) => isGiven(text) && text !== false).map((text) => h("span", { class: "sub" }, plain(text)));
}

// The product of two binary fractions is rounded to the 15 digits that an amount may have.
function lineTotal(item, currency) {
  const known = typeof item?.quantity === "number" && typeof item?.price === "number";
  return known ? amount(Number((item.quantity * item.price).toPrecision(15)), currency) : "–";
}
