import { call, events, Unreachable } from "./api.js";
import * as credential from "./credential.js";
import { open } from "./dialog.js";
import { button, field, fill, h } from "./dom.js";

const PROBE_EVERY = 3000;

const banner = h("div", { role: "alert" });
const door = h("div", {});
let probing = null;
let asking = null;
let wantsNone = false;

export function watchConnection() {
  document.getElementById("notices").append(banner, door);
  events.addEventListener("unreachable", goneDown);
  events.addEventListener("reached", comeBack);
  events.addEventListener("refused", ({ detail }) => askForCredential(detail));
  showCredential();
}

function goneDown() {
  if (probing) return;
  probing = setInterval(probe, PROBE_EVERY);
  fill(
    banner,
    h("div", { class: "notice error banner" },
      h("p", {}, h("strong", {}, "The API cannot be reached."), " What you see may be out of date. Trying again every few seconds."),
      button("Try now", probe)),
  );
}

async function probe() {
  try {
    await call("GET", "health");
  } catch (error) {
    if (error instanceof Unreachable) return;
  }
}

function comeBack() {
  if (!probing) return;
  clearInterval(probing);
  probing = null;
  fill(banner);
  events.dispatchEvent(new Event("again"));
}

// It lies above every other dialog: whatever was refused was perhaps asked for from one.
function askForCredential(problem) {
  if (asking || wantsNone) return;
  const known = credential.kept();
  const why = known
    ? `The API answered ${problem.status} to this ${credential.KINDS[known.kind].text}. It may be wrong or out of date.`
    : `The API answered ${problem.status}: it wants to know who asks.`;
  const kinds = Object.entries(credential.KINDS).map(([kind, { text }]) => kindChoice(kind, text, known?.kind ?? "api_key"));
  const value = h("input", { type: "password", required: true, autocomplete: "off", spellcheck: "false", name: "value", autofocus: true,
    pattern: "\\s*[\\x21-\\x7e]+\\s*", title: "Letters, digits and signs of ASCII, with no space inside" });
  const form = h(
    "form",
    { onsubmit: enter },
    h("p", {}, why),
    h("fieldset", { class: "choices" }, h("legend", {}, "What you have"), kinds),
    field("Key or token", value, "Kept in this tab only, and gone when you close it."),
    h("div", { class: "actions" },
      h("button", { class: "button primary" }, "Use it"),
      known && button("Forget it", forget),
      button("Not now", () => asking.close())),
  );
  asking = open("Sign in to the API", form);
  asking.addEventListener("close", () => {
    asking = null;
    wantsNone = true;
    showDoor();
  });
}

function kindChoice(kind, text, chosen) {
  const input = h("input", { type: "radio", name: "kind", value: kind, checked: kind === chosen });
  return h("label", { class: "choice" }, input, ` ${text}`);
}

function enter(event) {
  event.preventDefault();
  const given = new FormData(event.target);
  credential.keep(given.get("kind"), given.get("value").trim());
  changed();
}

function forget() {
  credential.forget();
  changed();
}

function changed() {
  asking?.close();
  // A dialog tells of its closing a moment later, so this is said after it.
  setTimeout(() => {
    wantsNone = false;
    showDoor();
    showCredential();
    events.dispatchEvent(new Event("again"));
  });
}

function showDoor() {
  const way = button("Sign in…", () => {
    wantsNone = false;
    events.dispatchEvent(new Event("again"));
  });
  fill(door, wantsNone && h("div", { class: "notice banner" }, h("p", {}, "The API wants to know who asks."), way));
}

function showCredential() {
  const known = credential.kept();
  const shown = known ? [`${credential.KINDS[known.kind].text} in use for this tab. `, button("Forget it", forget, "link")] : [];
  fill(document.getElementById("credential"), shown);
}
