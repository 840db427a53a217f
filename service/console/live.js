import { bars, rateChart, throughputChart } from "./charts.js";
import { fill, h, say } from "./dom.js";
import { between, clock, count, elapsed, minute, number } from "./format.js";
import { problemNotice } from "./problem.js";
import { subscribe } from "./stats.js";
import { STATUSES, TERMINAL } from "./states.js";
import { badge, icon, REASONS } from "./status.js";

const FLOW = STATUSES.filter((status) => !TERMINAL.has(status) || status === "FULFILLED");
const OTHERS = STATUSES.filter((status) => !FLOW.includes(status));
const SECTIONS = { AT_WAREHOUSE: "#/warehouse", FAILED: "#/failed" };
const HOW = {
  stream: "Live: the API streams updates",
  poll: "Live: polling every 5 seconds",
  waiting: "Waiting for the API",
};

export function liveSection(body, head) {
  const how = h("span", { role: "status" });
  const when = h("span", { class: "when" });
  const pulse = h("span", { class: "pulse", "aria-hidden": "true" });
  head.append(h("p", { class: "freshness" }, pulse, how, when));
  const problemPlace = h("div", {});
  const board = makeBoard();
  board.node.hidden = true;
  const hint = h("p", { class: "loading" }, "Loading…");
  body.append(problemPlace, hint, board.node);

  const unsubscribe = subscribe(({ stats, how: by, problem }) => {
    say(how, HOW[by]);
    pulse.dataset.how = by;
    showProblem(problem?.status && !problem.needsCredential ? problem : null);
    hint.hidden = stats !== null || problem !== null;
    board.node.hidden = stats === null;
    if (!stats) return;
    say(when, `Updated ${clock(stats.at)}`);
    board.show(stats);
  });

  // An unchanged alert is not set again: screen readers would repeat it at each poll.
  function showProblem(problem) {
    const text = problem ? `${problem.status} ${problem.message}` : "";
    if (problemPlace.dataset.shown === text) return;
    problemPlace.dataset.shown = text;
    fill(problemPlace, problem && problemNotice(problem));
  }

  return { show() {}, leave: unsubscribe };
}

function makeBoard() {
  const tiles = Object.fromEntries([...FLOW, ...OTHERS].map((status) => [status, tile(status)]));
  const throughput = throughputChart();
  const rate = rateChart();
  const queue = depthCard("Fulfillment queue");
  const alert = h("p", { class: "attention" }, icon("FAILED"), "Action required: ", h("a", { href: "#/failed" }, "failed orders"));
  const dead = depthCard("Dead-letter queue", alert);
  const oldest = oldestCard();
  const took = bars("Time to fulfillment");
  const reasons = bars("Failed orders by reason");
  const brake = h("p", { class: "notice", role: "alert", hidden: true });
  const begin = h("p", { class: "notice begin" }, "No orders yet. ", h("a", { href: "#/try" }, "Submit the first one"), " to see it here.");
  const since = h("p", { class: "muted since" });
  const node = h(
    "div",
    { class: "board" },
    brake,
    begin,
    h("section", { class: "card flow-card" },
      h("h2", { class: "unseen" }, "Orders by status"),
      h("ol", { class: "flow", "aria-label": "Order flow" }, FLOW.map((status) => tiles[status].node)),
      h("ul", { class: "flow exits", "aria-label": "Other terminal statuses" }, OTHERS.map((status) => tiles[status].node))),
    h("div", { class: "grid two" }, h("div", { class: "card" }, throughput.node), h("div", { class: "card" }, rate.node)),
    h("div", { class: "grid three" }, queue.node, dead.node, oldest.node),
    h("div", { class: "grid two even" }, took.node, reasons.node),
    since,
  );
  function show(stats) {
    for (const [status, found] of Object.entries(stats.orders)) tiles[status]?.show(found);
    begin.hidden = Object.values(stats.orders).some((found) => found.count > 0);
    brake.hidden = !stats.brake;
    say(brake, stats.brake ? `The warehouse has taken nothing since ${minute(stats.brake.since)}. Orders wait as PENDING until it does; nothing is lost.` : "");
    throughput.show(stats.last_hour.minutes);
    rate.show(stats.last_hour.minutes, stats.last_hour.success_rate);
    queue.show(stats.queue);
    dead.show(stats.dead_letter_queue);
    oldest.show(stats);
    took.show(percentiles(stats.last_hour.seconds_to_fulfillment), "No order was fulfilled in the last hour.");
    reasons.show(byReason(stats.failed), "No order has failed.");
    // The API shortens the hour if there are too many orders to count.
    const isShort = between(stats.last_hour.since, stats.at) < 59 * 60_000;
    say(since, isShort ? `Rates and times cover orders since ${minute(stats.last_hour.since)} only: the last hour has too many orders to count.` : "");
  }
  return { node, show };
}

function tile(status) {
  const figure = h("span", { class: "figure" });
  const link = h("a", { href: SECTIONS[status] ?? `#/orders?status=${status}`, class: "tile", "data-status": status },
    figure, h("span", { class: "tile-name" }, icon(status), status));
  return {
    node: h("li", {}, link),
    show(found) {
      say(figure, count(found));
      link.dataset.none = found.count === 0;
    },
  };
}

function depthCard(name, alert = null) {
  const figure = h("p", { class: "big" });
  const note = h("p", { class: "muted" });
  const node = h("section", { class: "card depth" }, h("h2", {}, name), figure, note, alert);
  return {
    node,
    show({ visible, in_flight: inFlight }) {
      say(figure, number(visible));
      say(note, `${visible === 1 ? "message" : "messages"} available, ${number(inFlight)} in flight`);
      if (!alert) return;
      const isAlarming = visible + inFlight > 0;
      alert.hidden = !isAlarming;
      node.classList.toggle("alarming", isAlarming);
    },
  };
}

function oldestCard() {
  const figure = h("p", { class: "big" });
  const link = h("a", { class: "id" });
  const state = h("span", {});
  const which = h("p", { class: "oldest-which" }, state, link);
  const nothing = h("p", { class: "muted" }, "All orders are in a terminal status.");
  const node = h("section", { class: "card depth" }, h("h2", {}, "Oldest open order"), figure, which, nothing);
  return {
    node,
    show({ oldest_open: oldest, at }) {
      which.hidden = !oldest;
      nothing.hidden = Boolean(oldest);
      say(figure, oldest ? elapsed(between(oldest.since, at)) : "None");
      if (!oldest) return;
      link.href = `#/orders/${encodeURIComponent(oldest.order_id)}`;
      say(link, oldest.order_id);
      if (state.textContent !== oldest.status) fill(state, badge(oldest.status));
    },
  };
}

function percentiles(seconds) {
  if (!seconds) return [];
  const names = { p50: "50% within", p95: "95% within", p99: "99% within" };
  return Object.entries(names).map(([key, name]) => ({ name, value: seconds[key], text: elapsed(seconds[key] * 1000) }));
}

function byReason(failed) {
  if (!Object.values(failed).some((found) => found.count)) return [];
  return Object.entries(failed).map(([reason, found]) => ({
    name: REASONS[reason] ?? reason, value: found.count, text: count(found), href: `#/failed?reason=${reason}`,
  }));
}

