import type { LatencySummary } from "../measuring/histogram.ts";

/** What was measured of one arm during and after its work, to explain its figures. Null: not measured or unknown. */
export interface ArmEvidence {
  arm: string;
  wal_bytes_per_unit: number | null;
  table_bytes_per_unit: number | null;
  index_bytes_per_unit: number | null;
  /** Shared buffers touched by one execution of its query, hits and reads together. */
  buffers: number | null;
  /** The part of them that was read from outside shared buffers. */
  buffers_read: number | null;
  /** Short hash of the plan's shape; equal for equal plans. */
  plan_hash: string | null;
  /** The nodes of that plan, outermost first. */
  plan: string | null;
  /** Tables and partitions that the plan scans, and leaves that it skips. */
  relations_scanned: number | null;
  partitions_pruned: number | null;
  /** Wait events of its sessions ("CPU" for none), as shares of the samples. */
  waits: Record<string, number>;
  /** Latencies of single operations from their scheduled start, milliseconds. */
  latency_ms: LatencySummary | null;
}

export interface Evidence {
  baseline: ArmEvidence;
  candidate: ArmEvidence;
  /** Blocks measured again because the machine was disturbed, and disturbed blocks that were kept. */
  reruns: number;
  disturbed: number;
  /** Error probability of the interval; 0.05 over all analyses (measuring/sequential.ts). */
  alpha: number;
}

export function emptyEvidence(arm: string): ArmEvidence {
  return {
    arm,
    wal_bytes_per_unit: null,
    table_bytes_per_unit: null,
    index_bytes_per_unit: null,
    buffers: null,
    buffers_read: null,
    plan_hash: null,
    plan: null,
    relations_scanned: null,
    partitions_pruned: null,
    waits: {},
    latency_ms: null,
  };
}

/** Returns the evidence of a pair as sentences without a full stop. Pure. */
export function sentencesOf({ baseline, candidate, reruns, disturbed }: Evidence, unit: string) {
  const notes: string[] = [];
  const one = singular(unit);
  const pair = (of: (arm: ArmEvidence) => number | null, digits = 0) => {
    const [c, b] = [of(candidate), of(baseline)];
    return c === null || b === null
      ? undefined
      : `${c.toFixed(digits)} against ${b.toFixed(digits)}`;
  };
  const add = (words: string | undefined, before: string, after = "") => {
    if (words !== undefined) notes.push(`${before} ${words}${after}`);
  };
  add(pair((arm) => arm.wal_bytes_per_unit), `WAL per ${one}`, " bytes");
  add(pair((arm) => arm.table_bytes_per_unit), `Table per ${one}`, " bytes");
  add(pair((arm) => arm.index_bytes_per_unit), `Indexes per ${one}`, " bytes");
  add(pair((arm) => arm.buffers), "Buffers of one execution");
  add(pair((arm) => arm.relations_scanned), "Relations scanned");
  add(pair((arm) => arm.partitions_pruned), "Partitions pruned");
  if (candidate.plan && baseline.plan) {
    notes.push(
      candidate.plan_hash === baseline.plan_hash
        ? `Both have the same plan: ${candidate.plan}`
        : `Plan ${candidate.plan} against ${baseline.plan}`,
    );
  }
  add(pair((arm) => arm.latency_ms?.p99 ?? null, 1), "Latency p99", " ms");
  const waits = [candidate, baseline].map((arm) => topWaits(arm.waits));
  if (waits.every((words) => words !== "")) notes.push(`Time went to ${waits.join(" against ")}`);
  if (reruns > 0) notes.push(`${reruns} disturbed blocks were measured again`);
  if (disturbed > 0) notes.push(`${disturbed} disturbed blocks were kept`);
  return notes;
}

function topWaits(waits: Record<string, number>): string {
  return Object.entries(waits)
    .filter(([, share]) => share >= 0.05)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name, share]) => `${name} ${Math.round(share * 100)} %`)
    .join(", ");
}

function singular(unit: string): string {
  const [what = "unit"] = unit.split("/");
  return what.endsWith("s") ? what.slice(0, -1) : what;
}
