// Partitions in plain words: runway, policy, facts, problems, one slot. Pure but for the clock.
import { serverNow } from "../lib/clock.js";
import { ago, bytes, compact, counted, dateTime, duration } from "../lib/format.js";
import { toneFor } from "../metrics/units.js";

/** What the runway means, in words, and its tone by the rule that watches it. */
export function runwayWords(seconds, rule) {
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) {
    return ["unknown", "The time until inserts find no partition is unknown"];
  }
  if (seconds <= 0) return ["bad", "Inserts fail now: no partition takes new rows"];
  const tone = toneFor(rule, seconds);
  return [tone === "plain" ? "info" : tone, `Inserts are safe for ${duration(seconds)}`];
}

/** What is known of the end of a table without a policy, in words, and its tone by the rule that watches it. */
export function unmanagedWords({ state, reason, runway_seconds: left }, rule) {
  if (state === "unknown") return ["unknown", `Not known when inserts fail: ${reason}`];
  if (state === "endless") return ["info", "Its last partition has no end"];
  if (state === "ended") return ["info", `Ended ${ago(-left * 1_000)}; ${reason}`];
  if (state === "idle") return ["info", `Ends in ${duration(left)}; ${reason}`];
  if (state === "extended") return ["info", `Ends in ${duration(left)}; ${reason}`];
  if (left <= 0) {
    return ["bad", `Inserts of the present fail: its last partition ended ${ago(-left * 1_000)}`];
  }
  const tone = toneFor(rule, left);
  return [tone === "plain" ? "info" : tone, `Inserts fail in ${duration(left)}`];
}

const tables = (count) => `${count === 1 ? "a table" : `${count} tables`} without a policy`;

/** The runway of all tables in one line, with what is not known, and the worst tone; `rules` by name. */
export function runwayLine(partitions, rules) {
  const lines = [managedLine(partitions, rules.get("partition_runway"))];
  const {
    tables_unmanaged: used,
    unmanaged_runway_seconds: left,
    tables_unmanaged_unknown: unknown,
  } = partitions ?? {};
  if (typeof used !== "number") {
    if (partitions) lines.push(["unknown", "tables without a policy are not known yet"]);
  } else if (used > 0) {
    const [tone, text] = typeof left !== "number"
      ? ["unknown", "end at an unknown time"]
      : left <= 0
      ? ["bad", "the first has ended: its inserts fail"]
      : [toneFor(rules.get("unmanaged_runway"), left), `the first ends in ${duration(left)}`];
    lines.push([tone === "plain" ? "info" : tone, `of ${tables(used)}, ${text}`]);
  }
  if (unknown > 0) lines.push(["info", `the end of ${tables(unknown)} is not known`]);
  const tones = lines.map(([tone]) => tone);
  const worst = ["bad", "warn", "unknown", "good"].find((one) => tones.includes(one)) ?? "info";
  return [worst, lines.map(([, text]) => text).join("; ")];
}

function managedLine(partitions, rule) {
  const seconds = partitions?.runway_seconds;
  if (typeof seconds !== "number") return ["unknown", "how long inserts are safe is unknown"];
  if (seconds <= 0) return ["bad", "inserts fail now: no partition takes new rows"];
  const tone = toneFor(rule, seconds);
  return [
    tone === "plain" ? "info" : tone,
    `inserts into ${counted(partitions.tables_managed, "table")} with a policy are safe for ${
      duration(seconds)
    }`,
  ];
}

export function policyWords(policy) {
  if (!policy) return "no policy";
  const retention = policy.retention
    ? `keep ${policy.retention.keep}, then ${policy.retention.action}`
    : "keep for ever";
  return [
    `every ${
      policy.key === "id"
        ? `${compact(Number(policy.interval))} ids`
        : shortInterval(policy.interval)
    }`,
    policy.sub_interval
      ? `in pieces of ${
        policy.key === "id"
          ? `${compact(Number(policy.sub_interval))} ids`
          : policy.sub_interval.replace(/^01:00:00$/, "1 hour")
      }`
      : null,
    `premake ${policy.premake ?? "?"}`,
    retention,
    policy.enabled === false ? "PAUSED" : null,
  ].filter(Boolean).join(" · ");
}

/** Postgres's own words, in those of people: "1 mon" is a month, "01:00:00" an hour. */
const shortInterval = (interval) =>
  String(interval ?? "?").replace(/\bmon(s?)\b/, "month$1").replace(/^01:00:00$/, "hour")
    .replace(/^7 days$/, "week").replace(/^3 months$/, "quarter").replace(/^1 /, "");
const rowsWords = (rows) =>
  typeof rows === "number" ? `about ${compact(rows)} rows` : "rows unknown";
export const problemWords = (problem) =>
  typeof problem === "string"
    ? problem
    : String(problem?.message ?? problem?.detail ?? problem?.reason ?? JSON.stringify(problem));

export function tableFacts(table) {
  const rotated = Date.parse(table.last_rotation_at ?? "");
  return [
    table.partitions === 1 ? "1 partition" : `${compact(table.partitions)} partitions`,
    typeof table.sealed === "number" ? `${compact(table.sealed)} sealed` : null,
    rowsWords(table.rows_estimate),
    typeof table.bytes === "number" ? bytes(table.bytes) : "size unknown",
    Number.isFinite(rotated)
      ? `rotated ${ago(Math.max(0, serverNow() - rotated))}`
      : "no rotation recorded",
  ].filter(Boolean).join(" · ");
}

/** Holes in words, unless the server's own problems already speak of them. */
export function holeWords(table, { slots, isTime }) {
  if ((table.problems ?? []).some((problem) => /hole/i.test(problemWords(problem)))) return [];
  return slots.filter((slot) => slot.kind === "hole")
    .map((slot) => `Hole: no partition ${rangeWords(slot, isTime)}`);
}

export function rangeWords({ from, to }, isTime) {
  const bound = (value) =>
    value === null
      ? "open"
      : isTime
      ? dateTime(value).replace(/ 00:00:00$/, "")
      : value.toLocaleString("en");
  return `from ${bound(from)} to ${bound(to)}`;
}

export function slotWords(slot, isTime) {
  if (slot.kind === "hole") return `Hole ${rangeWords(slot, isTime)}: rows for it are refused`;
  const size = slot.state === "planned" ? "" : ` · ${rowsWords(slot.rows)} · ${bytes(slot.bytes)}`;
  const range = slot.state === "default" ? "takes what no other does" : rangeWords(slot, isTime);
  const problem = slot.problem ? ` · not what was sealed: ${slot.problem}` : "";
  return `${slot.name} · ${slot.state}${size} · ${range}${problem}`;
}
