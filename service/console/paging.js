import { pick } from "./api.js";

// Every source is a function that yields {entries, more}, a page at each call.

export function pages(path, query, name, fits = () => true) {
  let cursor = null;
  return async () => {
    const page = await pick(path, { ...query, cursor }, name);
    cursor = page.cursor;
    return { entries: page.entries.filter(fits), more: cursor !== null };
  };
}

// The API lists one state at a time; the newest of all is the newest of the first of each.
export function newestOf(sources, at, size) {
  const parts = sources.map((next) => ({ next, waiting: [], more: true }));
  return async () => {
    const entries = [];
    while (entries.length < size) {
      await Promise.all(parts.map(supply));
      const full = parts.filter((part) => part.waiting.length);
      if (!full.length) return { entries, more: false };
      const newest = full.reduce((one, other) => (at(other.waiting[0]) > at(one.waiting[0]) ? other : one));
      entries.push(newest.waiting.shift());
    }
    return { entries, more: true };
  };
}

async function supply(part) {
  while (part.more && !part.waiting.length) {
    const page = await part.next();
    part.waiting = page.entries;
    part.more = page.more;
  }
}
