import * as credential from "./credential.js";

// The API may be mounted below a stage, so its base URL is relative to this file.
const BASE = new URL("..", import.meta.url);

// "reachable" and "unreachable" follow each request; "unauthorized" has a Problem; "reload" asks all views to reload.
export const events = new EventTarget();

export class Unreachable extends Error {
  constructor() {
    super("The API cannot be reached");
  }
}

export class Problem extends Error {
  constructor(status, body) {
    super(body?.title ?? body?.message ?? `The API responded with status ${status}`);
    this.status = status;
    this.type = body?.type ?? null;
    this.detail = body?.detail ?? null;
    this.errors = body?.errors ?? [];
  }

  // The API needs another credential. A caller who is authenticated but is not an operator has no use for one.
  get needsCredential() {
    return (this.status === 401 || this.status === 403) && !this.type?.endsWith(":not-operator");
  }

  // A retry gets the same response. Throttling and server errors are transient.
  get isPermanent() {
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
  const options = { method, body: text, cache: "no-store", headers: { ...type, ...headers, ...credential.headers() } };
  const response = await fetchWithRetries(target, options, method === "GET" ? 1 : 0);
  const body = await parseJson(response);
  if (response.ok) return { status: response.status, headers: response.headers, body };
  const problem = new Problem(response.status, body);
  if (problem.needsCredential) emit("unauthorized", problem);
  throw Object.assign(problem, { body });
}

export async function get(path, query) {
  return (await call("GET", path, { query })).body;
}

export async function post(path, body) {
  return (await call("POST", path, { text: body === undefined ? null : JSON.stringify(body) })).body;
}

export async function getPage(path, query, name) {
  const page = await get(path, query);
  return { entries: page[name], cursor: page.next_cursor, sortedBy: page.sorted_by };
}

// A broken connection may have delivered the request. Only a GET can be repeated without an effect.
async function fetchWithRetries(target, options, retries) {
  try {
    const response = await fetch(target, options);
    emit("reachable");
    return response;
  } catch {
    if (retries > 0) return fetchWithRetries(target, options, retries - 1);
    emit("unreachable");
    throw new Unreachable();
  }
}

async function parseJson(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

function emit(name, detail) {
  events.dispatchEvent(new CustomEvent(name, { detail }));
}
