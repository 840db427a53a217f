import * as credential from "./credential.js";

// The page may be mounted below a stage; the API is wherever the folder of these files is.
const BASE = new URL("..", import.meta.url);

export const events = new EventTarget();

export class Unreachable extends Error {
  constructor() {
    super("The API cannot be reached");
  }
}

export class Problem extends Error {
  constructor(status, body) {
    super(body?.title ?? body?.message ?? `The API answered ${status}`);
    this.status = status;
    this.type = body?.type ?? null;
    this.detail = body?.detail ?? null;
    this.errors = body?.errors ?? [];
  }

  // Who is known, and is no operator, has nothing to gain by being asked again.
  get isRefusal() {
    return (this.status === 401 || this.status === 403) && !this.type?.endsWith(":not-operator");
  }

  // Asked again, it will be answered in the same way; too many requests and failures of the API pass.
  get isFinal() {
    return this.status < 500 && this.status !== 429;
  }

  get isMissingRoute() {
    return this.status === 404 && (this.type === null || this.type.endsWith(":not-found"));
  }
}

export const url = (path) => new URL(path, BASE).href;

export async function call(method, path, { query = {}, headers = {}, text = null } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const target = url(given.length ? `${path}?${new URLSearchParams(given)}` : path);
  const type = text === null ? {} : { "Content-Type": "application/json" };
  const sent = { method, body: text, cache: "no-store", headers: { ...type, ...headers, ...credential.headers() } };
  const answer = await reached(target, sent, method === "GET" ? 1 : 0);
  const body = await parsed(answer);
  if (answer.ok) return { status: answer.status, headers: answer.headers, body };
  const problem = new Problem(answer.status, body);
  if (problem.isRefusal) tell("refused", problem);
  throw Object.assign(problem, { body });
}

export async function get(path, query) {
  return (await call("GET", path, { query })).body;
}

export async function post(path, body) {
  return (await call("POST", path, { text: body === undefined ? null : JSON.stringify(body) })).body;
}

export async function pick(path, query, name) {
  const page = await get(path, query);
  return { entries: page[name], cursor: page.next_cursor };
}

// A connection may break off by chance, as when a network is changed; what only reads is asked for once more.
async function reached(target, sent, again) {
  try {
    const answer = await fetch(target, sent);
    tell("reached");
    return answer;
  } catch {
    if (again > 0) return reached(target, sent, again - 1);
    tell("unreachable");
    throw new Unreachable();
  }
}

async function parsed(answer) {
  try {
    return await answer.json();
  } catch {
    return null;
  }
}

function tell(what, detail) {
  events.dispatchEvent(new CustomEvent(what, { detail }));
}
