import { events, get, Problem, url } from "./api.js";
import * as credential from "./credential.js";

const EVERY = 5000;

const listeners = new Set();
let latest = { stats: null, how: "waiting", problem: null };
let source = null;
let timer = null;
let round = 0;
let streamWorks = true;

// Numbers are fetched while somebody looks at them, and only then.
export function subscribe(listener) {
  listeners.add(listener);
  listener(latest);
  if (listeners.size === 1) begin();
  return () => {
    listeners.delete(listener);
    if (!listeners.size) end();
  };
}

function begin() {
  if (document.hidden) return;
  // An EventSource cannot send a header, so with a credential there is nothing but asking.
  if (streamWorks && !credential.kept()) listen();
  else poll();
}

function end() {
  round += 1;
  source?.close();
  source = null;
  clearTimeout(timer);
}

function listen() {
  let heard = false;
  source = new EventSource(url("stats/live"));
  source.onmessage = (message) => {
    heard = true;
    publish({ stats: JSON.parse(message.data), how: "stream", problem: null });
  };
  source.onerror = () => {
    if (!heard && source.readyState === EventSource.CLOSED) streamWorks = false;
    end();
    poll();
  };
}

async function poll() {
  const mine = round;
  try {
    const stats = await get("stats");
    if (mine !== round) return;
    publish({ stats, how: "poll", problem: null });
  } catch (error) {
    if (mine !== round) return;
    publish({ stats: latest.stats, how: "waiting", problem: error });
    // Without a connection or a right to ask there is nothing to ask for; "again" tells when there is.
    if (!(error instanceof Problem) || error.isFinal) return;
  }
  timer = setTimeout(begin, EVERY);
}

function publish(news) {
  latest = news;
  for (const listener of listeners) listener(news);
}

function restart() {
  end();
  if (listeners.size) begin();
}

events.addEventListener("again", restart);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) end();
  else restart();
});
