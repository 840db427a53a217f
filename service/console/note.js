import { field, h } from "./dom.js";

// A required note of one line, for the timeline of orders. `read` returns it; null if it is blank, and says so.
export function noteField(what) {
  const input = h("input", { type: "text", required: true, maxlength: 200, name: "note", autocomplete: "off" });
  const hint = `Reason for ${what}, up to 200 characters. It is added to the order's timeline, which the customer can read.`;

  function read() {
    const reason = input.value.trim();
    if (reason) return reason;
    input.setCustomValidity(`Enter the reason for ${what}.`);
    input.reportValidity();
    input.addEventListener("input", () => input.setCustomValidity(""), { once: true });
    return null;
  }

  return { node: field("Note", input, hint), read, focus: () => input.focus() };
}
