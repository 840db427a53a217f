import { call, Problem } from "./api.js";
import { facts, field, fill, h, say } from "./dom.js";
import { follow, hasEnded, readOrder } from "./follow.js";
import { between, elapsed } from "./format.js";
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
  const answers = h("div", { class: "answers" });
  const journey = h("div", { class: "journey" });
  const news = h("p", { class: "unseen", role: "status" });
  const presets = PRESETS.map((preset, index) => presetChoice(preset, index, choose));
  let stop = () => {};

  const form = h(
    "form",
    { class: "card try-form", onsubmit: submit },
    h("fieldset", { class: "presets" }, h("legend", {}, "Start from"), presets),
    field("Order (JSON)", text),
    h("div", { class: "options" },
      h("label", { class: "choice" }, lenient, h("span", {}, "Leave the judgment to the workflow ", h("code", {}, "Prefer: handling=lenient"))),
      h("label", { class: "choice" }, twice, h("span", {}, "Send it twice"))),
    field("Idempotency-Key", key, "Optional; 16 to 128 characters. The same key is the same order."),
    h("div", { class: "actions" }, send),
  );
  const result = h("section", { class: "card try-result", "aria-labelledby": "result-title" },
    h("h2", { id: "result-title" }, "What happens"), news, answers, journey);
  body.append(form, result);

  function choose(preset) {
    text.value = JSON.stringify(preset.order, null, 2);
    lenient.checked = Boolean(preset.lenient);
    twice.checked = Boolean(preset.twice);
    key.value = "";
    ensureKey();
  }

  function ensureKey() {
    if (twice.checked && !key.value) key.value = `try-it-${freshKey()}`;
  }

  async function submit(event) {
    event.preventDefault();
    stop();
    fill(answers);
    fill(journey);
    send.disabled = true;
    const first = await attempt(twice.checked ? "First time" : "The answer");
    const second = twice.checked && first ? await attempt("Second time") : null;
    send.disabled = false;
    if (first && second) answers.append(h("p", { class: "verdict" }, verdict(first, second)));
    // On a phone what happens is below the form.
    if (result.getBoundingClientRect().top > innerHeight / 2) result.scrollIntoView();
    const accepted = second ?? first;
    if (accepted) watch(accepted.body.order_id);
  }

  async function attempt(title) {
    const headers = {};
    if (lenient.checked) headers.Prefer = "handling=lenient";
    if (key.value) headers["Idempotency-Key"] = key.value;
    try {
      const answer = await call("POST", "order", { text: text.value, headers });
      answers.append(answerCard(title, answer));
      say(news, `${answer.status}: the order is taken in.`);
      return answer;
    } catch (error) {
      answers.append(error instanceof Problem ? refusalCard(title, error) : problemNotice(error));
      return null;
    }
  }

  function watch(orderId) {
    let status = null;
    let version = null;
    stop = follow(orderId, readOrder, show, (error) => fill(journey, problemNotice(error)));

    function show(order) {
      if (order.updated_at !== version) fill(journey, journeyOf(order));
      if (order.status !== status) say(news, `The order is now ${order.status}.`);
      ({ status, updated_at: version } = order);
      return hasEnded(order);
    }
  }

  return {
    show() {
      if (text.value) return;
      choose(PRESETS[0]);
      fill(journey, h("p", { class: "muted" }, "Submit an order, and follow it here to its end."));
    },
    leave: () => stop(),
  };
}

// randomUUID is there in secure contexts only, and a deployment may be looked at over plain HTTP.
function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function presetChoice(preset, index, choose) {
  const input = h("input", { type: "radio", name: "preset", checked: index === 0, onchange: () => choose(preset) });
  return h("label", { class: "preset" }, input, h("span", { class: "preset-name" }, preset.name), h("span", { class: "preset-text" }, preset.text));
}

function answerCard(title, { status, headers, body }) {
  const given = SHOWN_HEADERS.map((name) => [name, headers.get(name)]).filter(([, value]) => value);
  return h("div", { class: "answer" },
    h("h3", {}, title, h("span", { class: "code-good" }, `${status} Accepted`)),
    facts([["Order", h("a", { class: "id", href: `#/orders/${encodeURIComponent(body.order_id)}` }, body.order_id)], ...given], "roomy"));
}

function refusalCard(title, problem) {
  return h("div", { class: "answer" },
    h("h3", {}, title, h("span", { class: "code-bad" }, String(problem.status))),
    h("div", { role: "alert" }, h("p", {}, h("strong", {}, problem.message)), problem.detail && h("p", {}, problem.detail)),
    problem.errors.length > 0 && fieldErrors(problem.errors));
}

function verdict(first, second) {
  const isSame = first.body.order_id === second.body.order_id;
  const isReplay = second.headers.get("Idempotency-Replayed") === "true";
  return isSame && isReplay
    ? "One order: the second answer is the first again, and says so."
    : "These are two answers that differ.";
}

function journeyOf(order) {
  const passed = elapsed(between(order.created_at, order.updated_at));
  return [
    h("div", { class: "order-state" }, badge(order.status),
      hasEnded(order) ? h("span", { class: "muted" }, `after ${passed}`) : h("span", { class: "muted" }, "on its way…"),
      h("a", { href: `#/orders/${encodeURIComponent(order.order_id)}` }, "Open the order")),
    order.errors.length > 0 && fieldErrors(order.errors),
    timeline(order),
  ];
}
