import { post } from "./api.js";
import { open } from "./dialog.js";
import { button, field, fill, h, say } from "./dom.js";
import { plural } from "./format.js";
import { problemNotice } from "./problem.js";
import { outcomes } from "./outcomes.js";

const BATCH = 25; // small enough that something is seen to move, as the API paces what it sends

// What is redriven is `one` failure, some `ids`, or all that match a `filter`.
export function openRedrive({ one, ids, filter, what, total, done }) {
  const note = h("input", { type: "text", required: true, maxlength: 200, name: "note", autocomplete: "off" });
  const dry = h("input", { type: "checkbox", name: "dry" });
  const go = h("button", { class: "button primary" }, "Redrive");
  dry.addEventListener("change", () => say(go, dry.checked ? "Dry run" : "Redrive"));
  const form = h(
    "form",
    { onsubmit: begin },
    h("p", {}, `Send ${what} to fulfillment again, with all attempts.`),
    field("Note", note, "Why it will work now, in up to 200 characters. It stands on the order's timeline, where its customer reads it, too."),
    h("label", { class: "choice" }, dry, " Dry run: only tell what would happen"),
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

  function begin(event) {
    event.preventDefault();
    const why = note.value.trim();
    if (!why) {
      note.setCustomValidity("Say why, for whoever reads the timeline.");
      note.reportValidity();
      note.addEventListener("input", () => note.setCustomValidity(""), { once: true });
      return;
    }
    run(why, dry.checked);
  }

  function run(why, isDry) {
    const next = batches({ one, ids, filter }, why, isDry);
    const bar = h("progress", { "aria-label": "Progress", max: total });
    const state = h("p", { role: "status", class: "progress-text" });
    const trouble = h("div", {});
    const end = h("div", { class: "actions" });
    const results = outcomes(isDry);
    let stopped = false;
    leave = () => {
      stopped = true;
      results.leave();
    };
    fill(place, h("div", { class: "progress" }, bar, state), trouble, results.node, end);
    fill(end, button("Stop", () => { stopped = true; }));
    if (!isDry) changedAnything = true;
    proceed();

    async function proceed() {
      let more = true;
      stopped = false;
      fill(trouble);
      try {
        while (more && !stopped) {
          say(state, `${results.count() ? `${plural(results.count(), "order")} so far. ` : ""}Working…`);
          const batch = await next();
          results.add(batch);
          more = batch.more;
          if (total) bar.value = results.count();
        }
        finish(more);
      } catch (error) {
        fill(trouble, problemNotice(error, results.count() > 0 && h("p", {}, "What is listed below is done.")));
        offer(button("Try again", proceed, "primary"));
        say(state, "Interrupted.");
      }
    }

    function finish(more) {
      bar.hidden = true;
      say(state, more ? `Stopped. ${results.summary()}` : results.summary());
      if (more) offer(button("Go on", proceed, "primary"));
      else if (isDry && results.count()) offer(button("Redrive them now", () => run(why, false), "primary"));
      else offer();
    }

    function offer(first) {
      fill(end, first, button("Close", () => dialog.close()));
      end.firstChild.focus();
    }
  }
}

// Yields a batch at each call; one that failed is sent again by the next call, which leaves alone what has moved on.
function batches({ one, ids, filter }, note, isDry) {
  let at = 0;
  let cursor;
  const list = one ? [one.order_id] : ids;
  return async () => {
    if (one && !isDry) return redriveOne(one, note);
    const which = list ? { order_ids: list.slice(at, at + BATCH) } : { ...filter, limit: BATCH, cursor };
    const answer = await post("failed-orders/redrive", { ...which, note, dry_run: isDry });
    at += BATCH;
    cursor = answer.next_cursor;
    return { results: answer.results, removed: answer.dead_letters_removed, more: list ? at < list.length : cursor !== null };
  };
}

// By its epoch: an order that has been redriven and has failed anew meanwhile is another failure than the one looked at.
async function redriveOne({ order_id: id, epoch }, note) {
  const order = await post(`failed-orders/${encodeURIComponent(id)}/redrive`, { note, epoch });
  const isOurs = order.timeline.some((entry) => entry.from === "FAILED" && entry.reason === note);
  const result = isOurs ? { outcome: "redriven", detail: null } : { outcome: "already_redriven", detail: `it is ${order.status}` };
  return { results: [{ order_id: id, ...result }], removed: null, more: false };
}
