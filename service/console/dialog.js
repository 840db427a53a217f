import { button, freshId, h } from "./dom.js";

// A modal <dialog> traps the focus, closes with Escape and restores the focus. It is removed when it closes.
export function open(title, ...content) {
  const heading = freshId("dialog");
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": heading, onclose: () => dialog.remove() },
    h("h2", { id: heading, tabindex: "-1" }, title),
    content,
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function confirm(title, text, yes, no) {
  return new Promise((resolve) => {
    const dialog = open(
      title,
      h("p", {}, text),
      h("div", { class: "actions" },
        button(yes, () => dialog.close("yes"), "danger"),
        button(no, () => dialog.close(), "", { autofocus: true })),
    );
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
  });
}
