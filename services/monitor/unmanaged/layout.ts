import type { RangeTableRow } from "../../../db/collectors/tables/collectors.ts";
import { suffixedName } from "../../../db/partitions/names.ts";
import { parseBound } from "../../partitions/axis/bound.ts";
import { dateOfDays, daysOfDate, dayUs, splitDay } from "../../partitions/axis/civil.ts";
import { codecs, type KeyCodec, type KeyKind } from "../../partitions/axis/key.ts";
import { highest, lowest } from "../../partitions/axis/span.ts";

const kinds: Record<string, KeyCodec> = {
  "date": codecs.date,
  "timestamp without time zone": codecs.timestamp,
  "timestamp with time zone": codecs.timestamptz,
};

/** A longer gap ends what the partitions cover: weekends and holidays may have none, a stray one may lie far ahead. */
const gapUsMax = 14n * dayUs;
/** Inserts into partitions of so long before the present, or before the end of the last one, count as present ones. */
const recentUs = 8n * dayUs;

/** A partition; its range in microseconds since 1970, of wall clocks in UTC. `highest`: it has no end. */
interface Leaf {
  name: string;
  from: bigint;
  to: bigint;
  inserted: number;
}

/** The partitions of a table around the present. */
export interface Layout {
  /** Why they are not known; then only `table` is. */
  problem?: string;
  table: string;
  /** The last partition of those that follow each other from the present on; of the past ones where none reaches it. */
  last?: Omit<Leaf, "inserted">;
  /** Rows inserted into the partitions of the last days and into later ones, since the server counts them. */
  inserted: number;
}

function keyProblem({ column, key_type, partitions, leaves }: RangeTableRow): string | undefined {
  if (column === null) return "its key is an expression";
  if (!kinds[key_type ?? ""]) {
    return `its key is of type ${key_type}: the time at which its last partition ends is not known`;
  }
  if (partitions === 0) return "it has no partition";
  return leaves.length === 0 ? "there are too many partitions to read" : undefined;
}

function readLeaves({ key_type, leaves, bounds, inserted }: RangeTableRow): Leaf[] | undefined {
  const codec = kinds[key_type ?? ""];
  if (!codec) return undefined;
  const us = (position: bigint) =>
    position === lowest || position === highest ? position : codec.toUs(position);
  const read = bounds.map((text, at) => {
    const bound = parseBound(text, codec);
    return bound.kind !== "range" ? undefined : {
      name: leaves[at] ?? "",
      from: us(bound.span.from),
      to: us(bound.span.to),
      inserted: inserted[at] ?? 0,
    };
  });
  const known = read.filter((leaf) => leaf !== undefined);
  return known.length < read.length
    ? undefined
    : known.sort((a, b) => a.from < b.from ? -1 : a.from > b.from ? 1 : 0);
}

/** Returns the leaves that follow each other without a long gap, group by group. */
function groupsOf(leaves: readonly Leaf[]): Leaf[][] {
  const groups: Leaf[][] = [];
  for (const leaf of leaves) {
    const group = groups.at(-1);
    const before = group?.at(-1);
    if (group && before && leaf.from - before.to <= gapUsMax) group.push(leaf);
    else groups.push([leaf]);
  }
  return groups;
}

/** Lays out the partitions of a table around the time at which it was read. Pure. */
export function layOut(row: RangeTableRow): Layout {
  const { table, taken_at } = row;
  const problem = keyProblem(row);
  if (problem !== undefined) return { table, problem, inserted: 0 };
  const leaves = readLeaves(row);
  if (!leaves) return { table, problem: "a bound of it is not that of one time", inserted: 0 };
  const now = BigInt(Math.floor(taken_at * 1e6));
  const begun = groupsOf(leaves).filter(([first]) => first && first.from <= now + gapUsMax);
  const last = begun.at(-1)?.at(-1);
  if (!last) return { table, problem: "its first partition lies far ahead", inserted: 0 };
  const present = last.to < now ? last.to : now;
  const inserted = leaves.filter(({ to }) => to > present - recentUs)
    .reduce((sum, leaf) => sum + leaf.inserted, 0);
  return { table, last, inserted };
}

/** Returns the months from one midnight to another on the same day of the month; 0 for other ranges. */
function monthsBetween(from: bigint, to: bigint): number {
  const [start, end] = [splitDay(from), splitDay(to)];
  const [a, b] = [dateOfDays(start.days), dateOfDays(end.days)];
  return start.rest === 0n && end.rest === 0n && a.day === b.day
    ? (b.year - a.year) * 12 + b.month - a.month
    : 0;
}

/** The units of lengths shorter than a month, in microseconds. */
const units: [string, bigint][] = [
  ["day", dayUs],
  ["hour", 3_600_000_000n],
  ["minute", 60_000_000n],
  ["second", 1_000_000n],
  ["microsecond", 1n],
];

const counted = (count: number | bigint, unit: string) =>
  `${count} ${unit}${BigInt(count) === 1n ? "" : "s"}`;

function lengthText(length: bigint): string {
  const [unit, us] = units.find(([, one]) => length % one === 0n) ?? ["microsecond", 1n];
  return counted(length / us, unit);
}

/** The partitions that would follow the last one, each as long as it; `from` and `to` as Postgres writes them. */
export interface NextPartitions {
  partitions: { name: string; from: string; to: string }[];
  /** The policy that would create them, without its defaults. */
  policy: { key: KeyKind; interval: string; premake: number };
}

/** Days for which a policy creates partitions ahead, at least two. */
const premakeDays = 7;
/** At most so many partitions follow; of a table that ended longer ago, those from the present on. */
const nextMax = 31n;

function suffixOf(from: string): string {
  const [date = "", clock = ""] = from.split(" ");
  const time = clock.slice(0, 8).replaceAll(":", "");
  return `_p${date.replaceAll("-", "")}${/[1-9]/.test(time) ? `_${time}` : ""}`;
}

/** Returns the time `months` after a midnight. */
function addMonths(us: bigint, months: number): bigint {
  const { year, month, day } = dateOfDays(splitDay(us).days);
  const ahead = month - 1 + months;
  return BigInt(daysOfDate(year + Math.floor(ahead / 12), ahead % 12 + 1, day)) * dayUs;
}

/**
 * Returns the partitions that follow the last one, until one begins after the present; undefined where the last one has no
 * beginning or no end. Pure.
 */
export function nextOf(
  { name, key_type, taken_at }: Pick<RangeTableRow, "name" | "key_type" | "taken_at">,
  { last }: Layout,
): NextPartitions | undefined {
  const codec = kinds[key_type ?? ""];
  if (!codec || !last || last.from === lowest || last.to === highest) return undefined;
  const now = BigInt(Math.floor(taken_at * 1e6));
  const length = last.to - last.from;
  const months = monthsBetween(last.from, last.to);
  const text = (us: bigint) => codec.format(codec.fromUs(us));
  const missed = months > 0 || now < last.to ? 0n : (now - last.to) / length;
  let from = last.to + (missed > nextMax - 2n ? missed * length : 0n);
  const partitions: NextPartitions["partitions"] = [];
  do {
    const to = months > 0 ? addMonths(from, months) : from + length;
    partitions.push({
      name: suffixedName(name, suffixOf(text(from))),
      from: text(from),
      to: text(to),
    });
    from = to;
  } while (from <= now + length && partitions.length < nextMax);
  const premake = Number((BigInt(premakeDays) * dayUs + length - 1n) / length);
  return {
    partitions,
    policy: {
      key: codec.kind,
      interval: months > 0 ? counted(months, "month") : lengthText(length),
      premake: Math.min(20_000, Math.max(2, premake)),
    },
  };
}
