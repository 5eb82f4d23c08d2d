import type { PolicyRow } from "../../db/partitions.ts";
import { coveredUntil, findHoles, type Range } from "../partitions/bounds.ts";
import type { Leaf } from "../partitions/catalogue.ts";
import { formatTimestamp } from "../ingest/timestamp.ts";

/** One managed table as it stood when it was read. */
export interface TableReading {
  policy: PolicyRow;
  leaves: Leaf[];
  lastRotationAt: string | null;
  defaultRows: number;
}

export interface ChildReport {
  partition: string;
  from: string | null;
  to: string | null;
  state: "planned" | "hot" | "sealing" | "sealed" | "detached" | "archived";
  rows_estimate: number | null;
  bytes: number;
  sealed_at: string | null;
}

export interface TableReport {
  table: string;
  policy: ReturnType<typeof policyReport> | null;
  partitions: number;
  rows_estimate: number | null;
  bytes: number;
  runway_seconds: number | null;
  holes: { from: string; to: string }[];
  default_rows: number;
  last_rotation_at: string | null;
  sealed: number;
  problems: string[];
  children: ChildReport[];
}

/** A policy as the API shows it. */
export function policyReport(policy: PolicyRow) {
  const { schema_name, table_name, ...rest } = policy;
  return { table: `${schema_name}.${table_name}`, ...rest };
}

function boundText(us: number): string | null {
  return Number.isFinite(us) ? formatTimestamp(us) : null;
}

function childReport(leaf: Leaf, nowUs: number): ChildReport {
  const { range } = leaf;
  return {
    partition: `${leaf.schema}.${leaf.name}`,
    from: range ? boundText(range.fromUs) : null,
    to: range ? boundText(range.toUs) : null,
    state: leaf.detach_pending ? "detached" : range && range.fromUs > nowUs ? "planned" : "hot",
    rows_estimate: leaf.rows_estimate,
    bytes: leaf.bytes,
    sealed_at: null,
  };
}

/** Gaps between leaves matter where rows may still come: from the horizon on. History may have gaps. */
function holesThatMatter(ranges: readonly Range[], nowUs: number, horizonDays: number): Range[] {
  const since = nowUs - horizonDays * 86_400_000_000;
  return findHoles(ranges).filter((hole) => hole.toUs > nowUs || hole.fromUs >= since);
}

/** Judges one managed table: cover, runway, holes, leftovers. Pure. */
export function reportTable(
  { policy, leaves, lastRotationAt, defaultRows }: TableReading,
  nowUs: number,
  horizonDays: number,
): TableReport {
  const ranges = leaves.flatMap(({ range, detach_pending }) =>
    range && !detach_pending ? [range] : []
  );
  const holes = holesThatMatter(ranges, nowUs, horizonDays);
  const runway = (coveredUntil(ranges, nowUs) - nowUs) / 1_000_000;
  const pending = leaves.filter((leaf) => leaf.detach_pending).map(({ name }) => name);
  const problems = [
    ...(runway <= 0 ? ["no partition takes rows of the present: inserts fail"] : []),
    ...(holes.length > 0
      ? [`${holes.length} hole(s) between partitions: inserts into them fail`]
      : []),
    ...(defaultRows > 0 ? ["the default partition holds rows"] : []),
    ...(pending.length > 0 ? [`detach not finished: ${pending.join(", ")}`] : []),
  ];
  const rows = leaves.map((leaf) => leaf.rows_estimate);
  return {
    table: `${policy.schema_name}.${policy.table_name}`,
    policy: policyReport(policy),
    partitions: leaves.length,
    rows_estimate: rows.every((estimate) => estimate === null)
      ? leaves.length === 0 ? 0 : null
      : rows.reduce<number>((sum, estimate) => sum + (estimate ?? 0), 0),
    bytes: leaves.reduce((sum, { bytes }) => sum + bytes, 0),
    runway_seconds: Number.isFinite(runway) ? Math.round(runway) : null,
    holes: holes.map(({ fromUs, toUs }) => ({
      from: formatTimestamp(fromUs),
      to: formatTimestamp(toUs),
    })),
    default_rows: defaultRows,
    last_rotation_at: lastRotationAt,
    sealed: 0,
    problems,
    children: leaves
      .map((leaf) => ({ leaf, order: leaf.range?.fromUs ?? -Infinity }))
      .sort((a, b) => a.order - b.order)
      .map(({ leaf }) => childReport(leaf, nowUs)),
  };
}
