import { fill, h, s, say, table } from "./dom.js";
import { minute, number, percent } from "./format.js";

const WIDTH = 60;
const HEIGHT = 100;

// Charts update in place, so that an open table below a chart stays open.
function frame(kind, name, legend) {
  const drawing = s("svg", { class: "drawing", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  const top = h("span", { class: "axis-top" });
  const bottom = h("span", { class: "axis-bottom" });
  const from = h("span", {});
  const rows = h("tbody", {});
  const details = h("details", {}, h("summary", {}, "Show as a table"));
  const node = h(
    "figure",
    { class: `chart ${kind}` },
    h("figcaption", { class: "chart-head" }, h("h2", {}, name), legend),
    h("div", { class: "plot" }, drawing, top, bottom),
    h("div", { class: "axis", "aria-hidden": "true" }, from, h("span", {}, "now")),
    details,
  );
  return { node, drawing, top, bottom, from, rows, details };
}

export function throughputChart() {
  const legend = h("div", { class: "legend" },
    h("span", { class: "key good" }, "fulfilled, upward"), h("span", { class: "key bad" }, "failed, downward"));
  const parts = frame("throughput", "Orders per minute", legend);
  const columns = ["Minute", "Fulfilled", "Failed"];
  return {
    node: parts.node,
    show(minutes) {
      const up = Math.max(1, ...minutes.map((each) => each.fulfilled));
      const down = Math.max(0, ...minutes.map((each) => each.failed));
      // Both directions share one scale. The margin below keeps the base line visible.
      const unit = (HEIGHT - 2) / (up + Math.max(down, up * 0.08));
      const base = 1 + up * unit;
      const bars = minutes.map((each, index) => bar(each, index + WIDTH - minutes.length, base, unit));
      fill(parts.drawing, s("line", { class: "base", x1: 0, x2: WIDTH, y1: base, y2: base }), bars);
      parts.drawing.setAttribute("aria-label", throughputText(minutes));
      say(parts.top, number(up));
      say(parts.bottom, down ? number(down) : "");
      say(parts.from, minutes.length ? minute(minutes[0].at) : "");
      fillTable(parts, "Orders per minute", columns, minutes, (each) => [minute(each.at), number(each.fulfilled), number(each.failed)]);
    },
  };
}

function bar(each, x, base, unit) {
  const { fulfilled, failed, at } = each;
  return s("g", {},
    s("rect", { class: "hover", x, y: 0, width: 1, height: HEIGHT },
      s("title", {}, `${minute(at)}: ${number(fulfilled)} fulfilled, ${number(failed)} failed`)),
    fulfilled > 0 && s("rect", { class: "good", x: x + 0.14, y: base - fulfilled * unit, width: 0.72, height: fulfilled * unit }),
    failed > 0 && s("rect", { class: "bad", x: x + 0.14, y: base, width: 0.72, height: failed * unit }));
}

function throughputText(minutes) {
  const fulfilled = minutes.reduce((sum, each) => sum + each.fulfilled, 0);
  const failed = minutes.reduce((sum, each) => sum + each.failed, 0);
  return `Orders per minute in the last hour: ${number(fulfilled)} fulfilled and ${number(failed)} failed in total.`;
}

export function rateChart() {
  const figure = h("span", { class: "big" });
  const parts = frame("rate", "Success rate", figure);
  const columns = ["Minute", "Success rate"];
  return {
    node: parts.node,
    show(minutes, overall) {
      const rates = minutes.map(({ fulfilled, failed }) => (fulfilled + failed ? fulfilled / (fulfilled + failed) : null));
      say(figure, overall === null ? "–" : percent(overall));
      fill(parts.drawing, grid(), line(rates, WIDTH - minutes.length));
      parts.drawing.setAttribute("aria-label", rateText(rates, overall));
      say(parts.top, "100%");
      say(parts.bottom, "0%");
      say(parts.from, minutes.length ? minute(minutes[0].at) : "");
      fillTable(parts, "Success rate per minute", columns, minutes, (each, index) =>
        [minute(each.at), rates[index] === null ? "no orders" : percent(rates[index])]);
    },
  };
}

function grid() {
  return [1, 50, 99].map((y) => s("line", { class: "grid-line", x1: 0, x2: WIDTH, y1: y, y2: y }));
}

function line(rates, offset) {
  const known = rates.map((rate, index) => [index + offset + 0.5, rate]).filter(([, rate]) => rate !== null);
  const points = known.map(([x, rate]) => `${x} ${99 - rate * 98}`);
  if (!points.length) return [];
  const path = `M${points.join("L")}`;
  return [
    s("path", { class: "rate-area", d: `${path}V99H${known[0][0]}Z` }),
    s("path", { class: "rate-line", d: path, "vector-effect": "non-scaling-stroke" }),
    // A zero-length line with round ends is a dot that stays round when the drawing is stretched.
    s("path", { class: "rate-last", d: `M${points.at(-1)}h0`, "vector-effect": "non-scaling-stroke" }),
  ];
}

function rateText(rates, overall) {
  if (overall === null) return "Success rate: no order was fulfilled or failed in the last hour.";
  const known = rates.filter((rate) => rate !== null);
  const worst = known.length ? `, ${percent(Math.min(...known))} in the worst minute` : "";
  return `Success rate in the last hour: ${percent(overall)}${worst}.`;
}

// The rows are built only while the table is open.
function fillTable(parts, caption, columns, minutes, cells) {
  const draw = () => {
    const rows = minutes.map((each, index) => h("tr", {}, cells(each, index).map((cell) => h("td", { class: "num" }, cell)))).reverse();
    if (!parts.details.querySelector("table")) parts.details.append(table(caption, columns, [], "short"));
    fill(parts.details.querySelector("tbody"), rows);
  };
  parts.details.ontoggle = () => parts.details.open && draw();
  if (parts.details.open) draw();
}

export function bars(name, note) {
  const list = h("ul", { class: "bars" });
  const emptyNote = h("p", { class: "muted" });
  const node = h("section", { class: "card" }, h("h2", {}, name), note && h("p", { class: "muted" }, note), list, emptyNote);
  return {
    node,
    show(entries, emptyText) {
      const most = Math.max(...entries.map((entry) => entry.value), 0);
      if (list.children.length !== entries.length) fill(list, entries.map(({ href }) => barRow(href)));
      entries.forEach((entry, index) => showBar(list.children[index], entry, most));
      say(emptyNote, entries.length ? "" : emptyText);
    },
  };
}

function barRow(href) {
  return h(
    "li",
    {},
    h(href ? "a" : "span", { class: "bar-name" }),
    h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill" })),
    h("span", { class: "bar-value" }),
  );
}

function showBar(row, { name, text, value, href }, most) {
  const [label, track, figure] = row.children;
  say(label, name);
  if (href) label.setAttribute("href", href);
  track.firstChild.style.width = `${most ? (100 * value) / most : 0}%`;
  say(figure, text);
}

