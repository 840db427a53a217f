import { post } from "./api.js";
import { confirm, open } from "./dialog.js";
import { button, fill, h, say } from "./dom.js";
import { plural } from "./format.js";
import { noteField } from "./note.js";
import { problemNotice } from "./problem.js";
import { redriveResults } from "./redriveresults.js";
import { UNSUCCESSFUL } from "./states.js";
import { MAY_BE_SHIPPED } from "./status.js";

const BATCH = 25; // small, to show progress: the API limits the rate of redrives

// Redrives `one` failure, the orders with some `ids`, or all failed orders that match a `filter`.
export function openRedrive({ one, ids, filter, label, total, done }) {
  const note = noteField("the redrive");
  const dry = h("input", { type: "checkbox", name: "dry" });
  const renew = h("input", { type: "radio", name: "delivery" });
  const go = h("button", { class: "button primary" }, "Redrive");
  dry.addEventListener("change", () => say(go, dry.checked ? "Dry run" : "Redrive"));
  const form = h(
    "form",
    { onsubmit: submit },
    h("p", {}, `Redrive ${label}. Fulfillment starts again with all attempts. An order that was shipped in part asks for the remainder only.`),
    one && MAY_BE_SHIPPED.has(one.reason) && deliveryChoice(renew),
    note.node,
    h("label", { class: "choice" }, dry, " Dry run: show the outcomes without any change"),
    h("div", { class: "actions" }, go, button("Cancel", () => dialog.close())),
  );
  const place = h("div", {}, form);
  const dialog = open("Redrive", place);
  let changedAnything = false;
  let leave = () => {};
  dialog.addEventListener("close", () => {
    leave();
    if (changedAnything) done();
  });
  note.focus();

  function submit(event) {
    event.preventDefault();
    const reason = note.read();
    if (reason !== null) start(reason, dry.checked);
  }

  async function start(reason, isDry) {
    if (!renew.checked || isDry || (await confirmRenewal())) run(reason, isDry);
  }

  function run(reason, isDry) {
    const next = batches({ one, ids, filter, renewed: renew.checked }, reason, isDry);
    const bar = h("progress", { "aria-label": "Progress", max: total });
    const progress = h("p", { role: "status", class: "progress-text" });
    const errorPlace = h("div", {});
    const buttons = h("div", { class: "actions" });
    const results = redriveResults(isDry);
    let stopped = false;
    leave = () => {
      stopped = true;
      results.leave();
    };
    fill(place, h("div", { class: "progress" }, bar, progress), errorPlace, results.node, buttons);
    fill(buttons, button("Stop", () => { stopped = true; }));
    if (!isDry) changedAnything = true;
    runBatches();

    async function runBatches() {
      let more = true;
      stopped = false;
      fill(errorPlace);
      try {
        while (more && !stopped) {
          say(progress, `${results.count() ? `${plural(results.count(), "order")} so far. ` : ""}Working…`);
          const batch = await next();
          results.add(batch);
          more = batch.more;
          if (total) bar.value = results.count();
        }
        finish(more);
      } catch (error) {
        fill(errorPlace, problemNotice(error, results.count() > 0 && h("p", {}, "The orders listed below are done.")));
        offer(button("Try again", runBatches, "primary"));
        say(progress, "Interrupted.");
      }
    }

    function finish(more) {
      bar.hidden = true;
      say(progress, more ? `Stopped. ${results.summary()}` : results.summary());
      if (more) offer(button("Continue", runBatches, "primary"));
      else if (isDry && results.count()) offer(button("Redrive them now", () => start(reason, false), "primary"));
      else offer();
    }

    function offer(first) {
      fill(buttons, first, button("Close", () => dialog.close()));
      buttons.firstChild.focus();
    }
  }
}

function deliveryChoice(renew) {
  return h("fieldset", { class: "choices" },
    h("legend", {}, "It may have been shipped"),
    h("label", { class: "choice" }, h("input", { type: "radio", name: "delivery", checked: true }), " Send it again under the same number (safe)"),
    h("label", { class: "choice" }, renew, " It never shipped: cancel the old delivery there and send a new one"));
}

function confirmRenewal() {
  const text = "The warehouse is asked to cancel the old delivery. Only if it confirms that, the order is sent under a new number.";
  return confirm("Send a new delivery?", text, "Cancel the old one and send", "Go back");
}

// Returns a function that redrives the next batch. After an error, the next call repeats the same batch. The API does
// not redrive an order twice for one failure.
function batches({ one, ids, filter, renewed }, note, isDry) {
  let at = 0;
  let cursor;
  const list = one ? [one.order_id] : ids;
  return async () => {
    if (one && !isDry) return redriveOne(one, note, renewed);
    const which = list ? { order_ids: list.slice(at, at + BATCH) } : { ...filter, limit: BATCH, cursor };
    const answer = await post("failed-orders/redrive", { ...which, note, dry_run: isDry });
    at += BATCH;
    cursor = answer.next_cursor;
    return { results: answer.results, removed: answer.dead_letters_removed, more: list ? at < list.length : cursor !== null };
  };
}

// The epoch identifies the failure that is shown. A later failure, which the operator has not seen, is not redriven.
async function redriveOne({ order_id: id, epoch }, note, renewed) {
  const order = await post(`failed-orders/${encodeURIComponent(id)}/redrive`, { note, epoch, ...(renewed && { new_delivery: true }) });
  const isOwnRedrive = order.timeline.some((entry) => UNSUCCESSFUL.has(entry.from) && entry.reason === note);
  const result = isOwnRedrive ? { outcome: "redriven", detail: null } : { outcome: "already_redriven", detail: `The order is ${order.status}.` };
  return { results: [{ order_id: id, reference: order.reference, ...result }], removed: null, more: false };
}
