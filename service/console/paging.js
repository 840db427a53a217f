import { getPage } from "./api.js";

// A source is a function that returns the next page as {entries, more} at each call.

export function pages(path, query, name) {
  let cursor = null;
  return async () => {
    const page = await getPage(path, { ...query, cursor }, name);
    cursor = page.cursor;
    return { entries: page.entries, more: cursor !== null };
  };
}

export function filtered(next, matches) {
  return async () => {
    const { entries, more } = await next();
    return { entries: entries.filter(matches), more };
  };
}

// The API has one filter at a time. This merges sources that are each sorted newest first.
export function mergeNewest(sources, at, size) {
  const parts = sources.map((next) => ({ next, buffer: [], more: true }));
  return async () => {
    const entries = [];
    while (entries.length < size) {
      await Promise.all(parts.map(fillBuffer));
      const nonEmpty = parts.filter((part) => part.buffer.length);
      if (!nonEmpty.length) return { entries, more: false };
      const newest = nonEmpty.reduce((one, other) => (at(other.buffer[0]) > at(one.buffer[0]) ? other : one));
      entries.push(newest.buffer.shift());
    }
    return { entries, more: true };
  };
}

async function fillBuffer(part) {
  while (part.more && !part.buffer.length) {
    const page = await part.next();
    part.buffer = page.entries;
    part.more = page.more;
  }
}
