import { call, Problem } from "./api.js";
import { facts, field, fill, h, say } from "./dom.js";
import { between, elapsed } from "./format.js";
import { isTerminal, pollOrder, readOrder } from "./polling.js";
import { PRESETS } from "./presets.js";
import { fieldErrors, problemNotice } from "./problem.js";
import { badge } from "./status.js";
import { timeline } from "./timeline.js";

const SHOWN_HEADERS = ["Location", "Idempotency-Replayed", "Preference-Applied"];

export function trySection(body) {
  const text = h("textarea", { rows: 18, spellcheck: "false", class: "code", required: true });
  const lenient = h("input", { type: "checkbox" });
  const twice = h("input", { type: "checkbox", onchange: () => ensureKey() });
  const key = h("input", { type: "text", autocomplete: "off", spellcheck: "false", minlength: 16, maxlength: 128 });
  const send = h("button", { class: "button primary" }, "Submit order");
  const responses = h("div", { class: "answers" });
  const progress = h("div", { class: "journey" });
  const announcement = h("p", { class: "unseen", role: "status" });
  const presets = PRESETS.map((preset, index) => presetChoice(preset, index, choose));
  let stop = () => {};

  const form = h(
    "form",
    { class: "card try-form", onsubmit: submit },
    h("fieldset", { class: "presets" }, h("legend", {}, "Example"), presets),
    field("Order (JSON)", text),
    h("div", { class: "options" },
      h("label", { class: "choice" }, lenient, h("span", {}, "Accept now, validate in the workflow ", h("code", {}, "Prefer: handling=lenient"))),
      h("label", { class: "choice" }, twice, h("span", {}, "Send twice"))),
    field("Idempotency-Key", key, "Optional; 1 to 255 characters. Requests with the same key create one order."),
    h("div", { class: "actions" }, send),
  );
  const result = h("section", { class: "card try-result", "aria-labelledby": "result-title" },
    h("h2", { id: "result-title" }, "Result"), announcement, responses, progress);
  body.append(form, result);

  function choose(preset) {
    text.value = JSON.stringify(preset.order, null, 2);
    lenient.checked = Boolean(preset.lenient);
    twice.checked = Boolean(preset.twice);
    key.value = "";
    ensureKey();
  }

  function ensureKey() {
    if (twice.checked && !key.value) key.value = `try-it-${newKey()}`;
  }

  async function submit(event) {
    event.preventDefault();
    stop();
    fill(responses);
    fill(progress);
    send.disabled = true;
    const first = await attempt(twice.checked ? "First response" : "Response");
    const second = twice.checked && first ? await attempt("Second response") : null;
    send.disabled = false;
    if (first && second) responses.append(h("p", { class: "verdict" }, verdict(first, second)));
    // On a phone, the result is below the form.
    if (result.getBoundingClientRect().top > innerHeight / 2) result.scrollIntoView();
    const accepted = second ?? first;
    if (accepted) showProgress(accepted.body.order_id);
  }

  async function attempt(title) {
    const headers = {};
    if (lenient.checked) headers.Prefer = "handling=lenient";
    if (key.value) headers["Idempotency-Key"] = key.value;
    try {
      const response = await call("POST", "order", { text: text.value, headers });
      responses.append(acceptedCard(title, response));
      say(announcement, `${response.status}: the order was accepted.`);
      return response;
    } catch (error) {
      responses.append(error instanceof Problem ? problemCard(title, error) : problemNotice(error));
      return null;
    }
  }

  function showProgress(orderId) {
    let status = null;
    let version = null;
    stop = pollOrder(orderId, readOrder, show, (error) => fill(progress, problemNotice(error)));

    function show(order) {
      if (order.updated_at !== version) fill(progress, progressView(order));
      if (order.status !== status) say(announcement, `The order is now ${order.status}.`);
      ({ status, updated_at: version } = order);
      return isTerminal(order);
    }
  }

  return {
    show() {
      if (text.value) return;
      choose(PRESETS[0]);
      fill(progress, h("p", { class: "muted" }, "Submit an order to follow it here."));
    },
    leave: () => stop(),
  };
}

// crypto.randomUUID exists in secure contexts only, and the console may be served over plain HTTP.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function presetChoice(preset, index, choose) {
  const input = h("input", { type: "radio", name: "preset", checked: index === 0, onchange: () => choose(preset) });
  return h("label", { class: "preset" }, input, h("span", { class: "preset-name" }, preset.name), h("span", { class: "preset-text" }, preset.text));
}

function acceptedCard(title, { status, headers, body }) {
  const given = SHOWN_HEADERS.map((name) => [name, headers.get(name)]).filter(([, value]) => value);
  return h("div", { class: "answer" },
    h("h3", {}, title, h("span", { class: "code-good" }, `${status} Accepted`)),
    facts([["Order", h("a", { class: "id", href: `#/orders/${encodeURIComponent(body.order_id)}` }, body.order_id)], ...given], "roomy"));
}

function problemCard(title, problem) {
  return h("div", { class: "answer" },
    h("h3", {}, title, h("span", { class: "code-bad" }, String(problem.status))),
    h("div", { role: "alert" }, h("p", {}, h("strong", {}, problem.message)), problem.detail && h("p", {}, problem.detail)),
    problem.errors.length > 0 && fieldErrors(problem.errors));
}

function verdict(first, second) {
  const isSame = first.body.order_id === second.body.order_id;
  const isReplay = second.headers.get("Idempotency-Replayed") === "true";
  return isSame && isReplay
    ? "One order: the second response repeats the first."
    : "The two responses differ.";
}

function progressView(order) {
  const passed = elapsed(between(order.created_at, order.updated_at));
  return [
    h("div", { class: "order-state" }, badge(order.status),
      isTerminal(order) ? h("span", { class: "muted" }, `after ${passed}`) : h("span", { class: "muted" }, "in progress…"),
      h("a", { href: `#/orders/${encodeURIComponent(order.order_id)}` }, "Open the order")),
    order.errors.length > 0 && fieldErrors(order.errors),
    timeline(order),
  ];
}
