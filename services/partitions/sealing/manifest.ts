import { createHash } from "node:crypto";
import { z } from "zod";
import { codecs, type KeyKind } from "../axis/key.ts";
import { parseBound } from "../axis/bound.ts";
import { highest, lowest } from "../axis/span.ts";

/** Number of rows, and the sums of two words of their hashes modulo 2^64: independent of the order of rows. */
export interface Tally {
  rows: number;
  lane1: bigint;
  lane2: bigint;
}

export const noRows: Tally = { rows: 0, lane1: 0n, lane2: 0n };

const wrap = (value: bigint) => BigInt.asUintN(64, value);
const hex = (value: bigint) => wrap(value).toString(16).padStart(16, "0");

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    rows: a.rows + b.rows,
    lane1: wrap(a.lane1 + b.lane1),
    lane2: wrap(a.lane2 + b.lane2),
  };
}

/** Returns a tally's hash as 32 hexadecimal digits. */
export function hashOf({ lane1, lane2 }: Tally): string {
  return hex(lane1) + hex(lane2);
}

/** Returns the tally of one row, from its bytes as record_send writes them. */
export function tallyRow(bytes: Uint8Array): Tally {
  const digest = createHash("sha256").update(bytes).digest();
  return { rows: 1, lane1: digest.readBigUInt64BE(0), lane2: digest.readBigUInt64BE(8) };
}

/** The content of a sealed leaf. `buckets` are `[rows, hash]` of the key's ranges that `thresholds` divide. */
export const Manifest = z.object({
  version: z.literal(1),
  table: z.string(),
  partition: z.string(),
  bound: z.string(),
  key: z.object({ column: z.string(), type: z.string() }),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.int().min(0),
  min: z.string().nullable(),
  max: z.string().nullable(),
  content_hash: z.string().regex(/^[0-9a-f]{32}$/),
  bytes: z.number().min(0),
  thresholds: z.array(z.string()),
  buckets: z.array(z.tuple([z.int().min(0), z.string()])),
  sealed_at: z.string(),
  sealed_by: z.string(),
});
export type Manifest = z.infer<typeof Manifest>;

/**
 * At most so many ranges of the key are hashed separately, so that a difference is located in one of them (a quarter of an
 * hour of a day).
 */
const bucketsMax = 96n;

/** Returns the ends of the key's ranges within a leaf, as literals; none where the leaf has an open end. */
export function thresholdsOf(bound: string, kind: KeyKind): string[] {
  const codec = codecs[kind];
  const read = parseBound(bound, codec);
  if (read.kind !== "range") return [];
  const { from, to } = read.span;
  if (from === lowest || to === highest) return [];
  const count = to - from < bucketsMax ? to - from : bucketsMax;
  const ends: string[] = [];
  for (let at = 1n; at < count; at++) ends.push(codec.format(from + (to - from) * at / count));
  return ends;
}

/** A range of the key in which a leaf differs; an end is null where it is that of the leaf's bound. */
export interface Difference {
  from: string | null;
  to: string | null;
  kind: "rows missing" | "rows more" | "content changed";
  rows: number;
  expected_rows: number;
}

function kindOf(rows: number, expected: number): Difference["kind"] {
  return rows < expected ? "rows missing" : rows > expected ? "rows more" : "content changed";
}

/** Returns the ranges that differ from the manifest; neighbours of one kind are joined. */
export function compareBuckets(manifest: Manifest, found: readonly Tally[]): Difference[] {
  const differences: (Difference & { last: number })[] = [];
  for (const [at, [expected, hash]] of manifest.buckets.entries()) {
    const tally = found[at] ?? noRows;
    if (tally.rows === expected && hashOf(tally) === hash) continue;
    const kind = kindOf(tally.rows, expected);
    const to = manifest.thresholds[at] ?? null;
    const before = differences.at(-1);
    if (before && before.kind === kind && before.last === at - 1) {
      before.to = to;
      before.last = at;
      before.rows += tally.rows;
      before.expected_rows += expected;
    } else {
      const from = at === 0 ? null : manifest.thresholds[at - 1] ?? null;
      differences.push({ from, to, kind, rows: tally.rows, expected_rows: expected, last: at });
    }
  }
  return differences.map(({ last: _, ...difference }) => difference);
}

/** Returns a difference as text, for a log and an alert. */
export function describeDifference(difference: Difference): string {
  const { from, to, kind, rows, expected_rows } = difference;
  const where = from === null && to === null
    ? ""
    : ` from ${from ?? "its start"} to ${to ?? "its end"}`;
  return `${kind}${where} (${rows} rows, sealed with ${expected_rows})`;
}
