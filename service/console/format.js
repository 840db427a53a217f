const NUMBER = new Intl.NumberFormat("en-US");
const PERCENT = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-US", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const MINUTE = new Intl.DateTimeFormat("en-US", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MOMENT = new Intl.DateTimeFormat("en-US", {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

export const number = (value) => NUMBER.format(value);
export const percent = (share) => PERCENT.format(share);
export const count = ({ count: found, exact }) => `${NUMBER.format(found)}${exact ? "" : "+"}`;
export const plural = (found, one, many = `${one}s`) => `${NUMBER.format(found)} ${found === 1 ? one : many}`;
export const clock = (instant) => CLOCK.format(new Date(instant));
export const minute = (instant) => MINUTE.format(new Date(instant));
export const moment = (instant) => MOMENT.format(new Date(instant));
export const between = (earlier, later) => Math.max(0, new Date(later) - new Date(earlier));

export function elapsed(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${plural(Math.floor(hours / 24), "day")} ${hours % 24} h`;
}

export const isInstant = (value) => typeof value === "string" && !Number.isNaN(Date.parse(value));

// The decimals of the currency, or more where a price has more. A lenient order may hold anything where an amount belongs.
export function amount(value, currency) {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : JSON.stringify(value);
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals(currency), maximumFractionDigits: 8 });
}

export function money(value, currency) {
  const digits = amount(value, currency);
  return typeof value === "number" && typeof currency === "string" ? `${digits} ${currency}` : digits;
}

function decimals(currency) {
  try {
    return new Intl.NumberFormat("en-US", { style: "currency", currency }).resolvedOptions().minimumFractionDigits;
  } catch {
    return 2;
  }
}

export function plain(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
