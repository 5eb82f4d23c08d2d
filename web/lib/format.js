// Numbers, durations, sizes and times as words. Pure; `null` is always "unknown", never 0.

export const UNKNOWN = "unknown";

const isKnown = (value) => typeof value === "number" && Number.isFinite(value);
const formats = new Map();

function fixed(value, min, max) {
  const key = `${min}:${max}`;
  if (!formats.has(key)) {
    formats.set(
      key,
      new Intl.NumberFormat("en", { minimumFractionDigits: min, maximumFractionDigits: max }),
    );
  }
  return formats.get(key).format(value);
}

/** Formats a number with few digits: 1,234 or 12.5 or 0.034. */
export function number(value) {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size >= 100) return fixed(value, 0, 0);
  if (size >= 1 || size === 0) return fixed(value, 0, 1);
  return fixed(value, 0, 3);
}

/** Writes a count with its noun: "1 row", "2 rows". */
export function counted(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A large number at a glance: 812, 14.2 k, 3.1 M, 1 bn (B is for bytes). */
export function compact(value) {
  if (!isKnown(value)) return UNKNOWN;
  for (const [limit, unit] of [[1e12, "T"], [1e9, "bn"], [1e6, "M"], [1e4, "k"]]) {
    if (Math.abs(value) >= limit * 0.99995) {
      const divided = value / (unit === "k" ? 1e3 : limit);
      return `${fixed(divided, 0, Math.abs(divided) >= 100 ? 0 : 1)} ${unit}`;
    }
  }
  return number(value);
}

/** Bytes in powers of 1024 under the names Postgres prints: 12 kB, 3.4 GB. */
export function bytes(value) {
  if (!isKnown(value)) return UNKNOWN;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${fixed(scaled, 0, unit === 0 || Math.abs(scaled) >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** A ratio (0 to 1) in per cent. Never rounds a miss up to a full 100 %. */
export function percent(ratio, digits = 1) {
  if (!isKnown(ratio)) return UNKNOWN;
  const scale = 10 ** digits;
  const shown = ratio < 1 && ratio > 0.9
    ? Math.floor(ratio * 100 * scale) / scale
    : Math.round(ratio * 100 * scale) / scale;
  return `${fixed(shown, 0, digits)} %`;
}

const STEPS = [[31_557_600, "y"], [86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];

/** Seconds in at most two units: 6 d 4 h, 3 min 20 s, 250 ms. */
export function duration(seconds) {
  if (!isKnown(seconds)) return UNKNOWN;
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 1) return milliseconds(seconds * 1000);
  if (seconds < 10) return `${fixed(seconds, 0, 1)} s`;
  const whole = Math.round(seconds);
  const first = STEPS.findIndex(([size]) => whole >= size);
  const [size, unit] = STEPS[first];
  const rest = STEPS[first + 1];
  const left = rest ? Math.floor((whole % size) / rest[0]) : 0;
  return `${Math.floor(whole / size)} ${unit}${left > 0 ? ` ${left} ${rest[1]}` : ""}`;
}

export function milliseconds(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  if (ms >= 10_000) return duration(ms / 1000);
  if (ms >= 100 || ms === 0) return `${fixed(ms, 0, 0)} ms`;
  return ms >= 0.01 ? `${fixed(ms, 0, ms < 1 ? 2 : 1)} ms` : "<0.01 ms";
}

/** Formats an age, in whole seconds and up: "just now", "3 s ago", "2 min ago". */
export function ago(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  if (ms < 1000) return "just now";
  const seconds = Math.floor(ms / 1000);
  return `${duration(seconds < 3600 ? seconds : Math.floor(seconds / 60) * 60)} ago`;
}

const pad = (value) => String(value).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function dateOf(value) {
  if (value === null || value === undefined) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** The time of day, UTC: 12:03:20. */
export function clock(value) {
  const date = dateOf(value);
  if (!date) return UNKNOWN;
  return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
}

export function hourMinute(value) {
  const text = clock(value);
  return text === UNKNOWN ? text : text.slice(0, 5);
}

/** The day, UTC: 27 Jun, with the year when asked. */
export function day(value, withYear = false) {
  const date = dateOf(value);
  if (!date) return UNKNOWN;
  const short = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return withYear ? `${short} ${date.getUTCFullYear()}` : short;
}

export function monthYear(value) {
  const date = dateOf(value);
  return date ? `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}` : UNKNOWN;
}

/** Day and time, UTC: 27 Jun 2013 19:59:58. */
export function dateTime(value) {
  return dateOf(value) ? `${day(value, true)} ${clock(value)}` : UNKNOWN;
}

/** The time, UTC, with the day where that is not the one of `now`: 12:03:20, or 27 Jun 12:03:20. */
export function moment(value, now) {
  const date = dateOf(value);
  if (!date || day(value, true) === day(now, true)) return clock(value);
  return `${day(value, date.getUTCFullYear() !== dateOf(now)?.getUTCFullYear())} ${clock(value)}`;
}

/** The decimals a price column needs: the tick size's, else what the prices themselves carry. */
export function priceDecimals(tickSize, prices) {
  if (isKnown(tickSize) && tickSize > 0) return decimalsIn(tickSize);
  return Math.min(8, Math.max(2, ...prices.filter(isKnown).map(decimalsIn)));
}

function decimalsIn(value) {
  const [, fraction = "", exponent = "0"] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/
    .exec(String(value)) ?? [];
  return Math.min(8, Math.max(0, fraction.length - Number(exponent)));
}

export function price(value, decimals = 2) {
  return isKnown(value) ? fixed(value, decimals, decimals) : UNKNOWN;
}

/** "insert_performance" as words: "Insert performance". */
export function words(name) {
  const text = String(name ?? UNKNOWN).replaceAll("_", " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
