import { h, s } from "./dom.js";

export const REASONS = {
  declined: "The warehouse declined",
  refused: "The warehouse refused permanently",
  error: "The attempt failed with an error",
  abandoned: "No attempt completed",
  unknown: "It may have been shipped",
  closed: "Shipped in part, and no more",
  cancelled: "Shipped in part, the rest cancelled",
};

// The reasons of failures after which the warehouse may have the order.
export const MAY_BE_SHIPPED = new Set(["abandoned", "unknown"]);

// Drawn inside a circle. A status without a shape has the circle only.
const SHAPES = {
  RECEIVED: ["M5.4 8h5.2M8 5.4v5.2"],
  PENDING: ["M8 5v3.2l2.1 1.3"],
  PROCESSING: ["M6.6 5.6v4.8L10.6 8z"],
  AT_WAREHOUSE: ["M4.4 7.4 8 4.9l3.6 2.5v3.9H4.4z"],
  PARTLY_FULFILLED: ["m4.8 8.4 1.8 1.8 2-2.3M10.4 9.6h1.4"],
  FULFILLED: ["m5.2 8.2 2 2 3.7-4.1"],
  REJECTED: ["M4 12 12 4"],
  CANCELLED: ["M5.2 8h5.6"],
  FAILED: ["m5.8 5.8 4.4 4.4M10.2 5.8l-4.4 4.4"],
};

export function icon(status) {
  return s(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    s("circle", { cx: 8, cy: 8, r: 6.6 }),
    SHAPES[status]?.map((d) => s("path", { d })),
  );
}

export function badge(status) {
  return h("span", { class: "badge", "data-status": status }, icon(status), status);
}
