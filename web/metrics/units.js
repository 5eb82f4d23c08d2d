// A metric's value in its unit, and what a level of it means. Pure.
import { bytes, compact, duration, milliseconds, number, percent, UNKNOWN } from "../lib/format.js";

const SHOW = {
  ratio: (value) => percent(value, value < 0.1 ? 2 : 1),
  times: (value) => `${number(value)}×`,
  seconds: duration,
  milliseconds,
  bytes,
  bytes_per_second: (value) => `${bytes(value)}/s`,
  bytes_per_day: (value) => `${bytes(value)}/day`,
  per_second: (value) => `${compact(value)}/s`,
  per_minute: (value) => `${compact(value)}/min`,
  per_hour: (value) => `${compact(value)}/h`,
  count: compact,
  flag: (value) => (value >= 1 ? "yes" : "no"),
};

/** A value of a metric as text; what is not a number is unknown. */
export function show(unit, value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return UNKNOWN;
  return (SHOW[unit] ?? compact)(value);
}

/** Returns the status of a value under its rule: good, warn, bad; unknown without a value. */
export function toneFor(rule, value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "unknown";
  if (!rule || rule.enabled === false) return "plain";
  const beyond = (level) =>
    typeof level === "number" && (rule.direction === "below" ? value <= level : value >= level);
  if (beyond(rule.critical)) return "bad";
  return beyond(rule.warning) ? "warn" : "good";
}

/** The level that a rule judges first: "warning at 80 %". */
export function levelWords(rule) {
  if (!rule || rule.enabled === false) return "no level";
  const level = rule.warning ?? rule.critical;
  if (typeof level !== "number") return "no level";
  if (rule.unit === "flag") return "";
  return `${rule.warning === null ? "critical" : "warning"} ${
    rule.direction === "below" ? "at or below" : "at"
  } ${show(rule.unit, level)}`;
}

const BY_NAME = [
  [/_bytes_per_second$/, "bytes_per_second"],
  [/_per_second$/, "per_second"],
  [/_per_minute$/, "per_minute"],
  [/_per_hour$/, "per_hour"],
  [/_seconds$/, "seconds"],
  [/_ms$/, "milliseconds"],
  [/_bytes$/, "bytes"],
  [/(_ratio|_utilization)$/, "ratio"],
];

/** The unit that a metric's name carries. */
export function unitOf(name) {
  return BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? "count";
}

const upTo = (most, factors) =>
  Array.from({ length: most }, (_, power) => factors.map((factor) => factor * 10 ** power)).flat();

const CLOCK = [
  1,
  2,
  5,
  10,
  15,
  30,
  60,
  120,
  300,
  600,
  900,
  1_800,
  3_600,
  7_200,
  10_800,
  21_600,
  43_200,
];
const TIMES = [
  ...upTo(3, [1, 2, 5]).map((step) => step / 1000),
  ...CLOCK,
  ...upTo(8, [1, 2, 5]).map((days) => days * 86_400),
];
const POWERS = Array.from({ length: 61 }, (_, power) => 2 ** power);

/** The distances between the labels of a value axis that are round in its unit: 15 min, not 16 min 40 s; null: decimal. */
export function axisSteps(unit) {
  if (unit === "seconds") return TIMES;
  return /^bytes/.test(unit) ? POWERS : null;
}
