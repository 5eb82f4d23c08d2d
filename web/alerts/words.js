// Words for what an alert carries. Pure.
import { duration, words } from "../lib/format.js";

const MOST_ITEMS = 10;

/** Any value as text: a list with semicolons, an object as its names and values. */
export function plain(value) {
  if (Array.isArray(value)) {
    const shown = value.slice(0, MOST_ITEMS).map(plain);
    const more = value.length - shown.length;
    return [...shown, ...(more > 0 ? [`${more} more`] : [])].join("; ") || "none";
  }
  if (value !== null && typeof value === "object") {
    return Object.entries(value)
      .map(([name, one]) => `${name.replaceAll("_", " ")} ${plain(one)}`).join(", ");
  }
  return value === null || value === undefined ? "unknown" : String(value);
}

/** What an alert is about: `table market.ticks`. */
export function scopeWords(scope) {
  return scope ? plain(scope) : "";
}

/** That an alert has ended, without the bad news that it brought. */
export function overWords(alert) {
  const what = words(String(alert.rule ?? alert.alert_type ?? "an alert"));
  const about = scopeWords(alert.scope);
  const seconds = (Date.parse(alert.resolved_at) - Date.parse(alert.started_at)) / 1_000;
  const after = seconds >= 0 ? ` after ${duration(seconds)}` : "";
  return `${what}${about ? ` (${about})` : ""} is over${after}`;
}
