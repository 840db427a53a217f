import { h } from "./dom.js";
import { between, clock, elapsed, moment } from "./format.js";
import { badge } from "./status.js";

export function timeline(order) {
  const steps = order.timeline.map((entry, index) => step(entry, order.timeline[index - 1]));
  return h("ol", { class: "timeline", "aria-label": "Timeline" }, steps);
}

function step(entry, before) {
  const passed = before && elapsed(between(before.at, entry.at));
  return h(
    "li",
    { "data-status": entry.to },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("div", { class: "step" },
      h("div", { class: "step-head" }, badge(entry.to), h("span", { class: "actor" }, `by ${entry.actor}`)),
      entry.reason && h("p", { class: "reason" }, entry.reason)),
    h("div", { class: "when" },
      h("time", { datetime: entry.at, title: moment(entry.at) }, clock(entry.at)),
      passed && h("span", { class: "passed" }, `+${passed}`)),
  );
}
