import { Problem } from "./api.js";
import { h, table } from "./dom.js";

export function problemNotice(error, ...more) {
  if (!(error instanceof Problem)) return h("div", { class: "notice error", role: "alert" }, h("p", {}, error.message), more);
  if (error.isMissingRoute) return operatorRoutesDisabled(more);
  return h(
    "div",
    { class: "notice error", role: "alert" },
    h("p", {}, h("strong", {}, error.message), ` (${error.status})`),
    error.detail && h("p", {}, error.detail),
    error.errors.length > 0 && fieldErrors(error.errors),
    more,
  );
}

function operatorRoutesDisabled(more) {
  return h(
    "div",
    { class: "notice", role: "alert" },
    h("p", {}, h("strong", {}, "The operator routes are disabled in this deployment.")),
    h("p", {}, "DOFS_OPERATOR_API=on enables them on AWS."),
    more,
  );
}

export function fieldErrors(errors) {
  const rows = errors.map(({ pointer, detail }) =>
    h("tr", {}, h("td", {}, h("code", {}, pointer === "" ? "(the order)" : pointer)), h("td", {}, detail)));
  return table("Errors by JSON Pointer", ["Field", "Error"], rows);
}
