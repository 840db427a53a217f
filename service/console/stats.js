import { events, get, Problem, url } from "./api.js";
import * as credential from "./credential.js";

const INTERVAL = 5000;

const listeners = new Set();
let latest = { stats: null, how: "waiting", problem: null };
let source = null;
let timer = null;
let round = 0;
let streamWorks = true;

// Statistics are requested only while a view subscribes and the tab is visible.
export function subscribe(listener) {
  listeners.add(listener);
  listener(latest);
  if (listeners.size === 1) start();
  return () => {
    listeners.delete(listener);
    if (!listeners.size) stop();
  };
}

function start() {
  if (document.hidden) return;
  // An EventSource cannot send the header of a credential, so polling replaces it.
  if (streamWorks && !credential.load()) openStream();
  else poll();
}

function stop() {
  round += 1;
  source?.close();
  source = null;
  clearTimeout(timer);
}

function openStream() {
  let received = false;
  source = new EventSource(url("stats/live"));
  source.onmessage = (message) => {
    received = true;
    publish({ stats: JSON.parse(message.data), how: "stream", problem: null });
  };
  source.onerror = () => {
    if (!received && source.readyState === EventSource.CLOSED) streamWorks = false;
    stop();
    poll();
  };
}

async function poll() {
  const current = round;
  try {
    const stats = await get("stats");
    if (current !== round) return;
    publish({ stats, how: "poll", problem: null });
  } catch (error) {
    if (current !== round) return;
    publish({ stats: latest.stats, how: "waiting", problem: error });
    // The "reload" event restarts polling after an unreachable API or a rejected credential.
    if (!(error instanceof Problem) || error.isPermanent) return;
  }
  timer = setTimeout(start, INTERVAL);
}

function publish(update) {
  latest = update;
  for (const listener of listeners) listener(update);
}

function restart() {
  stop();
  if (listeners.size) start();
}

events.addEventListener("reload", restart);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stop();
  else restart();
});
