import { castLiteral, type ColumnStats } from "../../../db/rehearsals/probe.ts";
import type { Random } from "../../benchmarks/measuring/random.ts";
import type { Comparison } from "./places.ts";
import { tokenize } from "./sql_text.ts";

/** One parameter of a statement. */
export interface Parameter {
  /** Its type as in format_type, such as `timestamp with time zone`. */
  type: string;
  from:
    | { kind: "column"; stats: ColumnStats; comparison: Comparison }
    | { kind: "limit" }
    | { kind: "offset" }
    | { kind: "unknown" };
}

/** Shares of a column's values that a drawn range covers, chosen at random: the width of production's ranges is unknown. */
const rangeShares = [0.001, 0.01, 0.1] as const;

const intervals = ["1 minute", "1 hour", "1 day"];

/** Returns the number of the first parameter that no value can be drawn for; undefined when all can. */
export function firstUndrawable(parameters: readonly Parameter[]): number | undefined {
  const at = parameters.findIndex(({ type, from }) => {
    if (from.kind === "unknown") return !(type === "boolean" || type === "interval");
    return from.kind === "column" && from.stats.common.length + from.stats.bounds.length === 0;
  });
  return at === -1 ? undefined : at + 1;
}

/** Returns a column's value at a quantile of its distribution, 0 to 1, as text. */
function atQuantile({ bounds, common, type }: ColumnStats, place: number): string {
  const values = bounds.length > 1 ? bounds : [...common].sort(orderOf(type));
  const at = Math.min(Math.max(place, 0), 1) * (values.length - 1);
  const low = values[Math.floor(at)] ?? "";
  const high = values[Math.ceil(at)] ?? low;
  return between(low, high, at - Math.floor(at), type) ?? (at % 1 < 0.5 ? low : high);
}

const isNumber = (type: string) =>
  /^(smallint|integer|bigint|real|double precision|numeric)/.test(type);
const isTime = (type: string) => /^(timestamp|date)/.test(type);

const orderOf = (type: string) => (a: string, b: string) =>
  isNumber(type) ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0;

function between(low: string, high: string, share: number, type: string): string | undefined {
  if (isNumber(type)) {
    const value = Number(low) + (Number(high) - Number(low)) * share;
    if (!Number.isFinite(value)) return undefined;
    return /^(smallint|integer|bigint)/.test(type) ? String(Math.round(value)) : String(value);
  }
  if (!isTime(type)) return undefined;
  const [from, to] = [timeOf(low), timeOf(high)];
  if (Number.isNaN(from) || Number.isNaN(to)) return undefined;
  const text = new Date(from + (to - from) * share).toISOString();
  return type === "date"
    ? text.slice(0, 10)
    : type.includes("with time zone")
    ? text
    : text.slice(0, -1);
}

/** Parses a time in DateStyle ISO and time zone UTC. */
const timeOf = (text: string) =>
  Date.parse(text.replace(" ", "T").replace(/\+00$/, "").replace(/^(.{10})$/, "$1T00:00:00") + "Z");

/** Draws an existing value, with its frequency. */
function occurring({ common, common_shares, bounds }: ColumnStats, random: Random): string {
  const covered = common_shares.reduce((sum, share) => sum + share, 0);
  let place = random.next() * (bounds.length === 0 ? covered : 1);
  for (const [at, share] of common_shares.entries()) {
    place -= share;
    if (place < 0) return common[at]!;
  }
  return bounds.length > 0 ? bounds[random.int(bounds.length)]! : common.at(-1) ?? "";
}

/** Draws a value for a written column: an existing one, or one beyond the maximum where values are unique. */
function assigned(stats: ColumnStats, random: Random): string {
  const unique = stats.distinct === -1 && /^(integer|bigint)/.test(stats.type);
  if (!unique) return occurring(stats, random);
  return String(Number(stats.bounds.at(-1) ?? 0) + 1 + random.int(1_000_000_000));
}

const arrayOf = (values: readonly string[]) =>
  `{${values.map((value) => `"${value.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;

function drawColumn(
  stats: ColumnStats,
  comparison: Comparison,
  random: Random,
): string {
  const width = rangeShares[random.int(rangeShares.length)]!;
  switch (comparison) {
    case "any":
      return arrayOf([
        ...new Set(Array.from({ length: 1 + random.int(5) }, () => occurring(stats, random))),
      ]);
    // A lower bound alone usually selects the newest rows.
    case "above":
      return atQuantile(stats, 1 - width);
    case "below":
      return atQuantile(stats, 0.5 + random.next() / 2);
    case "like":
      return `${occurring(stats, random).slice(0, 3).replaceAll(/[%_\\]/g, "\\$&")}%`;
    case "assigned":
      return assigned(stats, random);
    case "equal":
      return occurring(stats, random);
  }
}

/**
 * Draws one value for each parameter. A lower and an upper bound of the same column span 0.1, 1 or 10 % of its values.
 * `rowsPerCall` is used for LIMIT.
 */
export function drawParameters(
  parameters: readonly Parameter[],
  rowsPerCall: number,
  random: Random,
): string[] {
  const drawn = parameters.map(({ type, from }) => {
    switch (from.kind) {
      case "limit":
        return String(Math.max(1, Math.ceil(rowsPerCall)));
      case "offset":
        return "0";
      case "unknown":
        return type === "boolean" ? "true" : intervals[random.int(intervals.length)]!;
      case "column":
        return drawColumn(from.stats, from.comparison, random);
    }
  });
  for (const [low, parameter] of parameters.entries()) {
    const high = upperOf(parameters, parameter);
    if (high === -1 || parameter.from.kind !== "column") continue;
    const width = rangeShares[random.int(rangeShares.length)]!;
    const start = random.next() * (1 - width);
    drawn[low] = atQuantile(parameter.from.stats, start);
    drawn[high] = atQuantile(parameter.from.stats, start + width);
  }
  return drawn;
}

function upperOf(parameters: readonly Parameter[], { from }: Parameter): number {
  if (from.kind !== "column" || from.comparison !== "above") return -1;
  return parameters.findIndex(({ from: other }) =>
    other.kind === "column" && other.comparison === "below" &&
    other.stats.column === from.stats.column && other.stats.table === from.stats.table
  );
}

/** Returns a given value in Postgres' text format; null for NULL. */
export function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) {
    return `{${
      value.map((one) => {
        const text = textOf(one);
        return text === null ? "NULL" : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
      }).join(",")
    }}`;
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Replaces $1, $2 … by literals of their types, so that the planner sees what it sees of bound values. */
export function fillIn(
  sql: string,
  types: readonly string[],
  values: readonly (string | null)[],
): string {
  return tokenize(sql).map(({ kind, text }) => {
    if (kind !== "parameter") return text;
    const at = Number(text.slice(1)) - 1;
    const value = values[at] ?? null;
    return castLiteral(value, types[at] ?? "text");
  }).join("");
}
