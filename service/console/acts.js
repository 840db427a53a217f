import { post } from "./api.js";
import { confirm, open } from "./dialog.js";
import { button, h } from "./dom.js";
import { noteField } from "./note.js";

// Each act on an order returns its result as a sentence; null if the operator has decided against it.

const send = (order, act, body) => post(`orders/${encodeURIComponent(order.order_id)}/${act}`, body);

export async function look(order) {
  const { status, timeline } = await send(order, "look");
  return `The order is ${status}: ${timeline.at(-1).reason}.`;
}

export async function cancel(order) {
  const text = order.delivery?.asked
    ? "The warehouse may have the order. It is asked to cancel it, and decides. This cannot be undone."
    : "The order will not be fulfilled. This cannot be undone.";
  if (!(await confirm("Cancel this order?", text, "Cancel order", "Keep order"))) return null;
  const { cancel_asked: isAsked, status } = await send(order, "cancel");
  if (isAsked) return "The warehouse was asked to cancel the order.";
  return status === "PARTLY_FULFILLED" ? "A part was shipped. The rest is cancelled." : "The order is cancelled.";
}

export async function giveUp(order) {
  const note = await askNote(
    "Give up this order?",
    "The warehouse is not asked to cancel it, and may still ship it: a parcel that comes later is recorded. The order can be redriven from the failed orders.",
    "Give up",
  );
  if (note === null) return null;
  const { status } = await send(order, "give-up", { note });
  return `The order is ${status}.`;
}

function askNote(title, text, yes) {
  return new Promise((resolve) => {
    const note = noteField("giving it up");
    let given = null;
    const form = h("form", { onsubmit },
      h("p", {}, text),
      note.node,
      h("div", { class: "actions" }, h("button", { class: "button danger" }, yes), button("Go back", () => dialog.close())));
    const dialog = open(title, form);
    dialog.addEventListener("close", () => resolve(given));
    note.focus();

    function onsubmit(event) {
      event.preventDefault();
      given = note.read();
      if (given !== null) dialog.close();
    }
  });
}
