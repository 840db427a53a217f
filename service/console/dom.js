// Builds all elements of the page. Data is inserted as text only, never as HTML.

// Characters that reverse the text after them: with one, an id can look like another id.
const REORDERING = /[\u202a-\u202e\u2066-\u2069]/g;

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  return setUp(document.createElement(tag), attributes, children);
}

export function s(tag, attributes = {}, ...children) {
  return setUp(document.createElementNS(SVG, tag), attributes, children);
}

function setUp(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  fill(node, ...children);
  return node;
}

export function fill(node, ...children) {
  const shown = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  node.replaceChildren(...shown.map((child) => (typeof child === "string" ? legible(child) : child)));
  return node;
}

function legible(text) {
  return text.replace(REORDERING, (character) => `\\u${character.codePointAt(0).toString(16)}`);
}

// A screen reader announces a live region whenever its text is set, even to the same text.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let ids = 0;

export function freshId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

export function button(text, onclick, kind = "", attributes = {}) {
  return h("button", { type: "button", class: `button ${kind}`.trim(), onclick, ...attributes }, text);
}

export function field(text, input, hint) {
  input.id ||= freshId("field");
  const note = hint && h("p", { class: "hint", id: `${input.id}-hint` }, hint);
  if (note) input.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: input.id }, text), input, note);
}

export function select(options, onchange) {
  return h("select", { onchange }, options.map(([value, text]) => h("option", { value }, text)));
}

export function facts(pairs, kind = "") {
  const given = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: `facts ${kind}`.trim() }, given.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

export function table(caption, columns, rows, kind = "") {
  const heads = columns.map((column) => h("th", { scope: "col", class: column.kind, "aria-sort": column.sort }, column.name ?? column));
  // A scrollable region needs keyboard access. Rows with links and buttons have it already.
  const region = kind.includes("rows") ? {} : { tabindex: "0", role: "region", "aria-label": caption };
  return h(
    "div",
    { class: `scroll ${kind}`.trim(), ...region },
    h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)),
  );
}

export function empty(title, ...more) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), more.map((line) => h("p", {}, line)));
}
