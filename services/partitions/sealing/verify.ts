import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError, isUnreachable } from "../../../db/errors.ts";
import { describeLeaf } from "../../../db/partitions/proof/content.ts";
import { listSealed, readManifest, type SealedRow } from "../../../db/partitions/proof/sealed.ts";
import { hasRows } from "../../../db/partitions/catalogue/probes.ts";
import { tableOf } from "../policy.ts";
import { measureContent, type Unreadable } from "./content.ts";
import {
  compareBuckets,
  describeDifference,
  type Difference,
  hashOf,
  Manifest,
} from "./manifest.ts";
import { readOddities } from "./ordinary.ts";

/** Verdict on one sealed leaf. `open` has the sealed content, but accepts writes. */
export interface Verdict {
  table: string;
  partition: string;
  status: "intact" | "open" | "changed" | "unreadable" | "gone";
  sealed_at: string | null;
  rows: number | null;
  expected_rows: number | null;
  content_hash: string | null;
  expected_hash: string | null;
  differences: Difference[];
  /** Blocks of the leaf's file that the server could not read. */
  unreadable: Unreadable[];
  problems: string[];
  duration_ms: number;
}

export interface VerifyProgress {
  leaves: number;
  leaves_done: number;
  partition: string | null;
  blocks: number;
  blocks_done: number;
}

export interface VerifyOptions {
  /** `schema.name` of a managed table; all when left out. */
  table?: string | undefined;
  /** One leaf, by `schema.name` or name alone. */
  partition?: string | undefined;
  onProgress?: (progress: VerifyProgress) => void;
  onVerdict?: (verdict: Verdict, leaf: SealedRow) => void | Promise<void>;
  /** Once it has aborted, an error is thrown instead of being a verdict. */
  signal?: AbortSignal | undefined;
  /** Called before each leaf: false leaves out the remaining ones. */
  goesOn?: () => boolean;
}

/** Compares ends of a key as text. */
const byText = (a: string, b: string) => a < b;

function columnProblems(manifest: Manifest, found: Manifest["columns"]): string[] {
  const types = new Map(found.map(({ name, type }) => [name, type]));
  const known = new Set(manifest.columns.map(({ name }) => name));
  return [
    ...manifest.columns.flatMap(({ name, type }) => {
      const now = types.get(name);
      return now === type ? [] : [
        now === undefined ? `column ${name} is gone` : `column ${name} was ${type} and is ${now}`,
      ];
    }),
    ...found.filter(({ name }) => !known.has(name)).map(({ name }) => `column ${name} is new`),
  ];
}

type Judgement = Omit<Verdict, "table" | "partition" | "sealed_at" | "duration_ms">;

/** Returns a judgement on content that was not compared. */
const uncompared = (
  manifest: Manifest,
  status: Verdict["status"],
  problems: string[],
): Judgement => ({
  status,
  rows: null,
  expected_rows: manifest.rows,
  content_hash: null,
  expected_hash: manifest.content_hash,
  differences: [],
  unreadable: [],
  problems,
});

/** Returns the judgement on content that was read and hashed. */
function compareContent(
  manifest: Manifest,
  { total, buckets, unreadable }: Awaited<ReturnType<typeof measureContent>>,
  { columns, guard }: { columns: string[]; guard: string[] },
): Judgement {
  const differences = compareBuckets(manifest, buckets);
  const damaged = unreadable.map(({ from, to, error }) =>
    `block${to - from > 1 ? `s ${from} to ${to - 1}` : ` ${from}`} cannot be read: ${error}`
  );
  const status = () => {
    if (damaged.length > 0) return "unreadable";
    if (differences.length > 0 || columns.length > 0) return "changed";
    return guard.length > 0 ? "open" : "intact";
  };
  return {
    status: status(),
    rows: total.rows,
    expected_rows: manifest.rows,
    content_hash: hashOf(total),
    expected_hash: manifest.content_hash,
    differences,
    unreadable,
    problems: [...columns, ...differences.map(describeDifference), ...damaged, ...guard],
  };
}

/** Compares one sealed leaf with its manifest. */
async function judge(
  sql: Sql,
  row: SealedRow,
  onBlocks: (done: number, of: number) => void,
  signal: AbortSignal | undefined,
): Promise<Judgement> {
  const manifest = Manifest.parse(await readManifest(sql, row.leaf_oid));
  const leaf = await describeLeaf(sql, row.leaf_oid);
  if (!row.present || !leaf) {
    return uncompared(manifest, "gone", ["the table does not exist any more"]);
  }
  const oddity = (await readOddities(sql, [row.leaf_oid], "table")).get(row.leaf_oid);
  if (oddity !== undefined) {
    return uncompared(manifest, "unreadable", [`its content cannot be read: it ${oddity}`]);
  }
  const columns = columnProblems(manifest, leaf.columns);
  const guard = row.guarded ? [] : ["writes are allowed: its triggers are gone or disabled"];
  if (manifest.columns.some(({ name }) => !leaf.columns.some((one) => one.name === name))) {
    return uncompared(manifest, "changed", [...columns, ...guard]);
  }
  const content = await measureContent(sql, {
    leaf: row.present,
    columns: manifest.columns,
    key: manifest.key,
    thresholds: manifest.thresholds,
    blocks: leaf.blocks,
    signal,
    onProgress: (done) => onBlocks(done, leaf.blocks),
  }, byText);
  if (
    content.total.rows === 0 && content.unreadable.length === 0 && await hasRows(sql, row.present)
  ) {
    return uncompared(manifest, "unreadable", ["it has rows, but none could be read"]);
  }
  return compareContent(manifest, content, { columns, guard });
}

/**
 * Compares sealed leaves with their manifests, on one connection that nothing else uses meanwhile, also on a restored
 * server. Reads only, in short transactions. An error of one leaf does not keep the others from being read.
 */
export async function verifySealed(
  sql: Sql,
  { table, partition, onProgress, onVerdict, signal, goesOn = () => true }: VerifyOptions = {},
): Promise<Verdict[]> {
  const wanted = (await listSealed(sql)).filter((row) =>
    row.sealed_at !== null && !row.ended && (table === undefined || tableOf(row) === table) &&
    (partition === undefined || partition === row.leaf_name ||
      partition === `${row.leaf_schema}.${row.leaf_name}`)
  );
  const verdicts: Verdict[] = [];
  for (const [at, row] of wanted.entries()) {
    if (!goesOn()) break;
    const name = `${row.leaf_schema}.${row.leaf_name}`;
    const report = (blocks_done: number, blocks: number) =>
      onProgress?.({
        leaves: wanted.length,
        leaves_done: at,
        partition: name,
        blocks,
        blocks_done,
      });
    const started = performance.now();
    report(0, 0);
    const found = await judge(sql, row, report, signal).catch((error) => {
      if (isUnreachable(error) || signal?.aborted) throw error;
      return {
        status: "unreadable" as const,
        rows: null,
        expected_rows: null,
        content_hash: null,
        expected_hash: null,
        differences: [],
        unreadable: [],
        problems: [`cannot be read: ${describeDatabaseError(error)}`],
      };
    });
    const verdict: Verdict = {
      table: tableOf(row),
      partition: name,
      sealed_at: row.sealed_at,
      ...found,
      duration_ms: Math.round(performance.now() - started),
    };
    verdicts.push(verdict);
    await onVerdict?.(verdict, row);
  }
  onProgress?.({
    leaves: wanted.length,
    leaves_done: verdicts.length,
    partition: null,
    blocks: 0,
    blocks_done: 0,
  });
  return verdicts;
}
