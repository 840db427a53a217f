import { events } from "./api.js";
import { watchConnection } from "./connection.js";
import { fill, h } from "./dom.js";
import { failedSection } from "./failed.js";
import { liveSection } from "./live.js";
import { drawer } from "./order.js";
import { ordersSection } from "./orders.js";
import { trySection } from "./tryit.js";

const SECTIONS = {
  live: { title: "Live", make: liveSection },
  orders: { title: "Orders", make: ordersSection },
  failed: { title: "Failed", make: failedSection },
  try: { title: "Try it", make: trySection },
};
const WITH_ORDERS = new Set(["orders", "failed"]);
const main = document.getElementById("main");

let shown = null;
let cameFrom = null;

function parsed() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [wanted, id] = path.split("/");
  const name = Object.hasOwn(SECTIONS, wanted) ? wanted : "live";
  return { name, id: id && WITH_ORDERS.has(name) ? unescaped(id) : null, query };
}

function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function follow() {
  const route = parsed();
  const changed = shown?.name !== route.name;
  if (changed) change(route);
  if (changed || (!route.id && shown.query !== route.query)) {
    shown.query = route.query;
    shown.section.show(new URLSearchParams(route.query));
  }
  drawer.show(route.id, { close: () => leaveDrawer(route.name), changed: () => shown.section.changed?.() });
  document.title = `${route.id ?? SECTIONS[route.name].title} – DOFS console`;
  cameFrom = route;
}

function change(route) {
  shown?.section.leave?.();
  const heading = h("h1", { tabindex: "-1" }, SECTIONS[route.name].title);
  const body = h("div", { class: `page ${route.name}` });
  fill(main, h("div", { class: "page-head", id: "page-head" }, heading), body);
  const first = shown === null;
  shown = { name: route.name, query: null, section: SECTIONS[route.name].make(body, main.firstChild) };
  for (const link of document.querySelectorAll("#sections a")) {
    if (link.hash === `#/${route.name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!first && !route.id) heading.focus({ preventScroll: true });
  if (!first) scrollTo(0, 0);
}

// Going back, where the list is what we came from, keeps the browser's history as short as it looks.
function leaveDrawer(name) {
  if (leaveDrawer.by === name) history.back();
  else location.hash = `#/${name}${shown.query ? `?${shown.query}` : ""}`;
}

addEventListener("hashchange", () => {
  const next = parsed();
  leaveDrawer.by = next.id && !cameFrom.id && cameFrom.name === next.name ? next.name : null;
  follow();
});
events.addEventListener("again", () => shown.section.show(new URLSearchParams(shown.query ?? "")));
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

watchConnection();
follow();
