import { getPage } from "./api.js";

// A source is a function that returns the next page as {entries, more} at each call.

export function pages(path, query, name) {
  let cursor = null;
  return async () => {
    const page = await getPage(path, { ...query, cursor }, name);
    cursor = page.cursor;
    return { entries: page.entries, more: cursor !== null, sortedBy: page.sortedBy };
  };
}

// Merges sources that are each sorted newest first. If one has an empty page, this page ends: the API omits entries that
// do not match the filter, and the reader of the list decides how many such pages to read.
export function mergeNewest(sources, at, size) {
  const parts = sources.map((next) => ({ next, buffer: [], more: true }));
  return async () => {
    const entries = [];
    while (entries.length < size) {
      await Promise.all(parts.map(fillBuffer));
      if (parts.some((part) => part.more && !part.buffer.length)) break;
      const nonEmpty = parts.filter((part) => part.buffer.length);
      if (!nonEmpty.length) return { entries, more: false };
      const newest = nonEmpty.reduce((one, other) => (at(other.buffer[0]) > at(one.buffer[0]) ? other : one));
      entries.push(newest.buffer.shift());
    }
    return { entries, more: true };
  };
}

async function fillBuffer(part) {
  if (!part.more || part.buffer.length) return;
  const page = await part.next();
  part.buffer = page.entries;
  part.more = page.more;
}
