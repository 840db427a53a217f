import { cancel, giveUp, look } from "./acts.js";
import { events, get } from "./api.js";
import { address, adjustmentsOf, isGiven, items, note, submittedFacts } from "./document.js";
import { button, facts, fill, h, say } from "./dom.js";
import { isTerminal, pollOrder, readOrder } from "./polling.js";
import { elapsed, between, moment, money, number, plain } from "./format.js";
import { fieldErrors, problemNotice } from "./problem.js";
import { openRedrive } from "./redrive.js";
import { parcels, warehouseFacts } from "./shipments.js";
import { CANCELLABLE, UNSUCCESSFUL } from "./states.js";
import { badge, REASONS } from "./status.js";
import { timeline } from "./timeline.js";

const body = h("div", { class: "drawer-body" });
const title = h("h2", { id: "drawer-title", tabindex: "-1" });
const announcement = h("p", { class: "unseen", role: "status" });
const panel = h(
  "dialog",
  { class: "drawer", "aria-labelledby": "drawer-title" },
  h("div", { class: "drawer-head" }, title, button("Close", () => panel.close(), "quiet")),
  announcement,
  body,
);
let hooks = null;
let shown = { id: null, stop: () => {} };

panel.addEventListener("close", () => {
  shown.stop();
  const isOpen = shown.id !== null;
  shown = { id: null, stop: () => {} };
  if (isOpen) hooks.close();
});

events.addEventListener("reload", () => shown.id !== null && watch());

export const drawer = {
  show(id, given) {
    if (id === shown.id) return;
    shown.stop();
    hooks = given;
    shown = { id, status: null, stop: () => {} };
    if (id === null) panel.close();
    else open();
  },
};

function open() {
  fill(title, h("span", { class: "kicker" }, "Order"), h("span", { class: "id" }, shown.id));
  fill(body, h("p", { class: "loading" }, "Loading…"));
  say(announcement, "");
  if (!panel.isConnected) document.body.append(panel);
  if (!panel.open) panel.showModal();
  title.focus();
  watch();
}

function watch() {
  shown.stop();
  shown.stop = pollOrder(shown.id, read, present, showError);
}

async function read(id) {
  const order = await readOrder(id);
  if (!UNSUCCESSFUL.has(order.status)) return { order, failure: null };
  try {
    const failure = await get(`failed-orders/${encodeURIComponent(id)}`);
    return { order: failure.order, failure };
  } catch (error) {
    // The order was redriven meanwhile, or the operator routes are disabled, or the caller is not an operator.
    if (error.status !== 404 && error.status !== 403) throw error;
    return { order, failure: null };
  }
}

function showError(error) {
  shown.version = null;
  fill(body, problemNotice(error));
}

function present({ order, failure }) {
  const version = `${order.status} ${order.updated_at}`;
  if (version !== shown.version) {
    shown.version = version;
    fill(body, parts(order, failure));
    if (shown.status && shown.status !== order.status) say(announcement, `The order is now ${order.status}.`);
    shown.status = order.status;
  }
  return isTerminal(order);
}

function parts(order, failure) {
  return [
    h("div", { class: "order-state" }, badge(order.status), actions(order, failure)),
    summary(order),
    order.errors.length > 0 && part("Validation errors", fieldErrors(order.errors)),
    isGiven(order.submission) && part("As it was sent", h("pre", { class: "sent", tabindex: "0" }, JSON.stringify(order.submission, null, 2))),
    failure && part("Failure", failureFacts(failure)),
    part("Warehouse", warehouseFacts(order)),
    part("Parcels", parcels(order)),
    part("Timeline", timeline(order)),
    isGiven(order.ship_to) && part("Ship to", address(order.ship_to)),
    isGiven(order.note) && part("Note", note(order.note)),
    part(adjustmentsOf(order).length ? "Items and adjustments" : "Items", items(order)),
    Object.keys(order.metadata).length > 0 && part("Metadata", facts(Object.entries(order.metadata).map(([k, v]) => [k, plain(v)]))),
  ];
}

function part(heading, content) {
  return content && h("section", { class: "part" }, h("h3", {}, heading), content);
}

function summary(order) {
  return facts([
    ["Customer", order.customer_id ?? "–"],
    ["Owner", order.owner && h("span", { class: "id" }, order.owner)], // only operators see it
    ...submittedFacts(order),
    ["Total", money(order.total_amount, order.currency)],
    ["Attempts", number(order.attempts)],
    ["Created", moment(order.created_at)],
    [isTerminal(order) ? "Duration" : "Updated", isTerminal(order) ? elapsed(between(order.created_at, order.updated_at)) : moment(order.updated_at)],
  ]);
}

function failureFacts(failure) {
  return facts([
    ["Reason", `${failure.reason}: ${(REASONS[failure.reason] ?? failure.reason).toLowerCase()}`],
    ["Last error", failure.detail],
    ["Failed at", moment(failure.failed_at)],
    ["Earlier redrives", failure.epoch === 0 ? "none" : number(failure.epoch)],
    ["Message id", failure.message_id ?? "none"],
  ], "roomy");
}

function actions(order, failure) {
  const offered = h("div", { class: "actions" });
  if (CANCELLABLE.has(order.status) && !order.cancel_asked) offered.append(button("Cancel order", () => act(cancel, order), "danger"));
  if (order.delivery && order.status === "AT_WAREHOUSE") offered.append(button("Give up…", () => act(giveUp, order), "danger"));
  if (order.delivery?.asked && (order.status === "AT_WAREHOUSE" || UNSUCCESSFUL.has(order.status))) {
    offered.append(button("Look now", () => act(look, order)));
  }
  if (failure) offered.append(button("Redrive…", () => redriveOne(failure), "primary"));
  return offered;
}

async function act(done, order) {
  try {
    const text = await done(order);
    if (text === null) return;
    say(announcement, text);
  } catch (error) {
    shown.version = null;
    body.prepend(problemNotice(error));
    return;
  }
  hooks.changed();
  watch();
}

function redriveOne(failure) {
  openRedrive({ one: failure, label: "this order", total: 1, done: () => { hooks.changed(); watch(); } });
}
