import { button, freshId, h } from "./dom.js";

// A <dialog> holds the focus, closes with Escape and gives the focus back; it is gone when it is closed.
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
  return new Promise((decide) => {
    const dialog = open(
      title,
      h("p", {}, text),
      h("div", { class: "actions" },
        button(yes, () => dialog.close("yes"), "danger"),
        button(no, () => dialog.close(), "", { autofocus: true })),
    );
    dialog.addEventListener("close", () => decide(dialog.returnValue === "yes"));
  });
}
