import { call, events, Unreachable } from "./api.js";
import * as credential from "./credential.js";
import { open } from "./dialog.js";
import { button, field, fill, h } from "./dom.js";

const PROBE_INTERVAL = 3000;

const banner = h("div", { role: "alert" });
const signInNotice = h("div", {});
let probing = null;
let signInDialog = null;
let isDismissed = false;

export function watchConnection() {
  document.getElementById("notices").append(banner, signInNotice);
  events.addEventListener("unreachable", showUnreachable);
  events.addEventListener("reachable", hideUnreachable);
  events.addEventListener("unauthorized", ({ detail }) => askForCredential(detail));
  showCredential();
}

function showUnreachable() {
  if (probing) return;
  probing = setInterval(probe, PROBE_INTERVAL);
  fill(
    banner,
    h("div", { class: "notice error banner" },
      h("p", {}, h("strong", {}, "The API cannot be reached."), " The data shown may be out of date. Retrying every 3 seconds."),
      button("Retry now", probe)),
  );
}

async function probe() {
  try {
    await call("GET", "health");
  } catch (error) {
    if (error instanceof Unreachable) return;
  }
}

function hideUnreachable() {
  if (!probing) return;
  clearInterval(probing);
  probing = null;
  fill(banner);
  events.dispatchEvent(new Event("reload"));
}

// Opens above any other dialog, since a request of that dialog may be the one that was rejected.
function askForCredential(problem) {
  if (signInDialog || isDismissed) return;
  const known = credential.load();
  const why = known
    ? `The API responded with status ${problem.status} to this ${credential.KINDS[known.kind].text}. It may be wrong or expired.`
    : `The API responded with status ${problem.status}. It requires a credential.`;
  const kinds = Object.entries(credential.KINDS).map(([kind, { text }]) => kindChoice(kind, text, known?.kind ?? "api_key"));
  const value = h("input", { type: "password", required: true, autocomplete: "off", spellcheck: "false", name: "value", autofocus: true,
    pattern: "\\s*[\\x21-\\x7e]+\\s*", title: "Printable ASCII characters without spaces" });
  const form = h(
    "form",
    { onsubmit: signIn },
    h("p", {}, why),
    h("fieldset", { class: "choices" }, h("legend", {}, "Credential type"), kinds),
    field("Key or token", value, "Stored in this tab only, until you close it."),
    h("div", { class: "actions" },
      h("button", { class: "button primary" }, "Sign in"),
      known && button("Sign out", signOut),
      button("Not now", () => signInDialog.close())),
  );
  signInDialog = open("Sign in to the API", form);
  signInDialog.addEventListener("close", () => {
    signInDialog = null;
    isDismissed = true;
    showSignInNotice();
  });
}

function kindChoice(kind, text, selected) {
  const input = h("input", { type: "radio", name: "kind", value: kind, checked: kind === selected });
  return h("label", { class: "choice" }, input, ` ${text}`);
}

function signIn(event) {
  event.preventDefault();
  const values = new FormData(event.target);
  credential.save(values.get("kind"), values.get("value").trim());
  reload();
}

function signOut() {
  credential.remove();
  reload();
}

function reload() {
  signInDialog?.close();
  // A dialog dispatches its close event later, so this has to run after it.
  setTimeout(() => {
    isDismissed = false;
    showSignInNotice();
    showCredential();
    events.dispatchEvent(new Event("reload"));
  });
}

function showSignInNotice() {
  const openDialog = button("Sign in…", () => {
    isDismissed = false;
    events.dispatchEvent(new Event("reload"));
  });
  fill(signInNotice, isDismissed && h("div", { class: "notice banner" }, h("p", {}, "The API requires a credential."), openDialog));
}

function showCredential() {
  const known = credential.load();
  const shown = known ? [`${credential.KINDS[known.kind].text} in use for this tab. `, button("Sign out", signOut, "link")] : [];
  fill(document.getElementById("credential"), shown);
}
