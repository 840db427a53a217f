import { events } from "./api.js";
import { watchConnection } from "./connection.js";
import { fill, h } from "./dom.js";
import { failedSection } from "./failed.js";
import { liveSection } from "./live.js";
import { drawer } from "./order.js";
import { ordersSection } from "./orders.js";
import { trySection } from "./tryit.js";
import { warehouseSection } from "./warehouse.js";

const SECTIONS = {
  live: { title: "Live", make: liveSection },
  orders: { title: "Orders", make: ordersSection },
  warehouse: { title: "At the warehouse", make: warehouseSection },
  failed: { title: "Failed", make: failedSection },
  try: { title: "Try it", make: trySection },
};
const SECTIONS_WITH_DRAWER = new Set(["orders", "warehouse", "failed"]);
const main = document.getElementById("main");

let shown = null;
let previous = null;

function parseRoute() {
  const [, path, query] = location.hash.match(/^#?\/?([^?]*)\??(.*)$/);
  const [wanted, id] = path.split("/");
  const name = Object.hasOwn(SECTIONS, wanted) ? wanted : "live";
  return { name, id: id && SECTIONS_WITH_DRAWER.has(name) ? decode(id) : null, query };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function showRoute() {
  const route = parseRoute();
  const isNew = shown?.name !== route.name;
  if (isNew) openSection(route);
  if (isNew || (!route.id && shown.query !== route.query)) {
    shown.query = route.query;
    shown.section.show(new URLSearchParams(route.query));
  }
  drawer.show(route.id, { close: () => closeDrawer(route.name), changed: () => shown.section.changed?.() });
  document.title = `${route.id ?? SECTIONS[route.name].title} – DOFS console`;
  previous = route;
}

function openSection(route) {
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

// If the order was opened from this list, closing it goes back and adds no history entry.
function closeDrawer(name) {
  if (closeDrawer.by === name) history.back();
  else location.hash = `#/${name}${shown.query ? `?${shown.query}` : ""}`;
}

addEventListener("hashchange", () => {
  const next = parseRoute();
  closeDrawer.by = next.id && !previous.id && previous.name === next.name ? next.name : null;
  showRoute();
});
events.addEventListener("reload", () => shown.section.show(new URLSearchParams(shown.query ?? "")));
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

watchConnection();
showRoute();
