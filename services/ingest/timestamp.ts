/** Times of ticks as microseconds since 1970: exact in a double from 1970 to 2199. */

const dayMs = 86_400_000;
export const earliestUs = 0;
/** 2200-01-01, in microseconds: a later time comes from a broken clock. */
export const latestUs = Date.UTC(2200, 0, 1) * 1000;

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : monthDays[month - 1] ?? 0;
}

/** Returns the number of the two digits at `at`, or NaN. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

/** Returns midnight (UTC) of a date in microseconds since 1970; NaN when there is no such day. */
export function midnightUs(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return NaN;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day); // Date.UTC takes the years 0 to 99 for 1900 to 1999
  return midnight.getTime() * 1000;
}

/** Returns midnight of the "YYYY-MM-DD" that `text` begins with. */
function dateUs(text: string): number {
  if (text[4] !== "-" || text[7] !== "-") return NaN;
  return midnightUs(two(text, 0) * 100 + two(text, 2), two(text, 5), two(text, 8));
}

/** Returns the minutes of a trailing "Z" or "±hh:mm" at `at`; NaN for anything else. */
function offsetMinutes(text: string, at: number): number {
  const sign = text[at];
  if (sign === "Z" || sign === "z") return text.length === at + 1 ? 0 : NaN;
  if ((sign !== "+" && sign !== "-") || text[at + 3] !== ":" || text.length !== at + 6) return NaN;
  const hours = two(text, at + 1);
  const minutes = two(text, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  return (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
}

/**
 * Parses an RFC 3339 time to microseconds since 1970; further digits are cut. Returns NaN for anything else, also for a time
 * without an offset, which would be ambiguous.
 */
export function parseTimestamp(text: string): number {
  const separator = text[10];
  if (text.length < 20 || (separator !== "T" && separator !== "t" && separator !== " ")) return NaN;
  const hours = two(text, 11);
  const minutes = two(text, 14);
  const seconds = two(text, 17);
  if (text[13] !== ":" || text[16] !== ":") return NaN;
  // A leap second (:60) is read as the next second, as Postgres does.
  if (!(hours <= 23 && minutes <= 59 && seconds <= 60)) return NaN;
  let at = 19;
  let fraction = 0;
  if (text[at] === ".") {
    let scale = 100_000;
    const first = ++at;
    for (;; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      fraction += digit * scale;
      scale = scale > 1 ? scale / 10 : 0;
    }
    if (at === first || at - first > 12) return NaN;
  }
  const offset = offsetMinutes(text, at);
  return dateUs(text) + ((hours * 60 + minutes - offset) * 60 + seconds) * 1_000_000 + fraction;
}

/** A time that ends in "±hh" or "±hhmm". */
const shortOffset = /^(.{19,32}[+-]\d\d)(\d\d)?$/;

/** Parses what `parseTimestamp` parses, and the offsets of psql and strftime: `+00`, `+0530`. */
export function parseTickTime(text: string): number {
  const us = parseTimestamp(text);
  if (!Number.isNaN(us)) return us;
  const [, start, minutes = "00"] = shortOffset.exec(text) ?? [];
  return start === undefined ? NaN : parseTimestamp(`${start}:${minutes}`);
}

/** Formats microseconds since 1970 as RFC 3339 UTC with microseconds. */
export function formatTimestamp(us: number): string {
  const ms = Math.floor(us / 1000);
  const rest = us - ms * 1000;
  const iso = new Date(ms).toISOString();
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/** Says whether a tick can have this time, from 1970 to 2199; false for NaN. */
export function isStoredTime(us: number): boolean {
  return us >= earliestUs && us < latestUs;
}

/** Returns the UTC day of a time, in days since 1970. */
export function dayOf(us: number): number {
  return Math.floor(us / (dayMs * 1000));
}

/** Returns the "YYYY-MM-DD" of a day number. */
export function dayName(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}
