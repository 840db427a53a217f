import { Problem } from "./api.js";
import { h, table } from "./dom.js";

export function problemNotice(error, ...more) {
  if (!(error instanceof Problem)) return h("div", { class: "notice error", role: "alert" }, h("p", {}, error.message), more);
  if (error.isMissingRoute) return routesAreOff(more);
  return h(
    "div",
    { class: "notice error", role: "alert" },
    h("p", {}, h("strong", {}, error.message), ` (${error.status})`),
    error.detail && h("p", {}, error.detail),
    error.errors.length > 0 && fieldErrors(error.errors),
    more,
  );
}

function routesAreOff(more) {
  return h(
    "div",
    { class: "notice", role: "alert" },
    h("p", {}, h("strong", {}, "This deployment has no operators' routes.")),
    h("p", {}, "They are off on a public API unless the deployment asks for them."),
    more,
  );
}

export function fieldErrors(errors) {
  const rows = errors.map(({ pointer, detail }) =>
    h("tr", {}, h("td", {}, h("code", {}, pointer === "" ? "(the order)" : pointer)), h("td", {}, detail)));
  return table("What is wrong, by JSON pointer", ["Where", "What"], rows);
}
