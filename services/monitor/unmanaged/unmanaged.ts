import type { RangeTableRow } from "../../../db/collectors/tables/collectors.ts";
import { durationText } from "../../../lib/text/format.ts";
import { highest } from "../../partitions/axis/span.ts";
import { type Activity, createActivities } from "./activity.ts";
import { type Layout, layOut, nextOf, type NextPartitions } from "./layout.ts";

export const unmanagedStates = [
  "inserting",
  "extended",
  "idle",
  "ended",
  "endless",
  "unknown",
] as const;

/**
 * `inserting`: rows are inserted, and the runway counts. `extended`: so are they, and another tool adds partitions shortly
 * before the end. `idle`: no rows are inserted. `ended`: so it is, and the last partition is past. `endless`: the last
 * partition has no end. `unknown`: see `reason`.
 */
export type UnmanagedState = typeof unmanagedStates[number];

/** A range-partitioned table without a policy and without a default partition. */
export interface UnmanagedTable {
  table: string;
  state: UnmanagedState;
  /** Why it has this state. */
  reason: string;
  key: string | null;
  partitions: number;
  last_partition: string | null;
  /** When its last partition ends, RFC 3339; a key without a time zone is read as UTC. */
  ends_at: string | null;
  /** Seconds until then by the server's clock, negative afterwards. */
  runway_seconds: number | null;
  /** Mean of the last two readings. */
  inserts_per_second: number | null;
  managed_by: "pg_partman" | null;
}

/** A judged table with what its cure needs. */
export interface JudgedTable extends UnmanagedTable {
  row: RangeTableRow;
  next: NextPartitions | undefined;
}

const day = 86_400;
const week = 7 * day;
/** So long before the end its tables need the next partition; also the level of the warning. */
const leadSecondsMax = 3 * day;
interface LaidOut {
  row: RangeTableRow;
  layout: Layout;
  next: NextPartitions | undefined;
}

/** What is known of one table at a moment; `runway` and `length` (of its last partition) in seconds. */
interface Known {
  runway: number;
  length: number;
  inserted: number;
  activity: Activity | undefined;
  nowMs: number;
}

const since = (at: number | undefined, nowMs: number) =>
  at === undefined ? Infinity : (nowMs - at) / 1_000;

/**
 * Returns whether rows are inserted, with the reason. A week after the end, only inserts that go on for more than a day
 * count: loading old data is no sign that rows of the present are refused.
 */
function usage(
  { runway, length, inserted, activity, nowMs }: Known,
): ["yes" | "no" | "unknown", string] {
  const last = since(activity?.insertedAt, nowMs);
  const watched = since(activity?.since, nowMs);
  if (runway < -week) {
    const lasted = since(activity?.insertedSince, nowMs) - last;
    return last <= 2 * day && lasted >= day
      ? ["yes", `rows are inserted into its last partitions, the last ${durationText(last)} ago`]
      : ["no", "no rows are inserted into its last partitions day after day"];
  }
  if (last <= week) return ["yes", `rows were inserted ${durationText(last)} ago`];
  if (inserted === 0) return ["no", "the server has counted no inserts into its last partitions"];
  if (Number.isFinite(watched) && watched >= week) {
    return ["no", "no rows were inserted for a week"];
  }
  // Of a short partition, a count says that rows were inserted lately; of a long one, it may be a year old.
  return length <= week + day
    ? ["yes", "rows were inserted into its partitions of the last days"]
    : ["unknown", "no rows were seen to be inserted since Holdfast watches it"];
}

/**
 * Returns how many seconds before the end of the last partition the next one is due. Partitions of less than three days may
 * be added every day, shortly before the end: half of the time that was left then is due. Until Holdfast has watched for
 * three days, a quarter of a partition is, and what is not due is not `known` to be right.
 */
function leadOf({ length, activity, nowMs }: Known): { seconds: number; known: boolean } {
  if (length >= leadSecondsMax) return { seconds: leadSecondsMax, known: true };
  if (since(activity?.extendedAt, nowMs) <= leadSecondsMax) {
    return { seconds: Math.min(leadSecondsMax, (activity?.marginSeconds ?? 0) / 2), known: true };
  }
  const watched = since(activity?.since, nowMs);
  return Number.isFinite(watched) && watched >= leadSecondsMax
    ? { seconds: leadSecondsMax, known: true }
    : { seconds: length / 4, known: false };
}

function stateOf(known: Known): [UnmanagedState, string] {
  const [used, reason] = usage(known);
  if (used === "no") return [known.runway > 0 ? "idle" : "ended", reason];
  if (used === "unknown") return ["unknown", reason];
  const lead = leadOf(known);
  if (known.runway > leadSecondsMax || known.runway <= lead.seconds) return ["inserting", reason];
  return lead.known
    ? ["extended", "partitions are added regularly, and the next ones are not due yet"]
    : ["unknown", "Holdfast has watched it for too short a time to know when partitions are added"];
}

/** The last time that RFC 3339 can write. */
const lastSecond = Date.parse("9999-12-31T23:59:59Z") / 1_000;

const managedBy = ({ by_partman }: RangeTableRow) => by_partman ? "pg_partman" : null;

function judge(
  { row, layout, next, activity }: LaidOut & { activity: Activity | undefined },
  { nowMs, serverSeconds }: { nowMs: number; serverSeconds: number },
): JudgedTable {
  const { last, inserted, problem } = layout;
  const base = {
    table: row.table,
    key: row.column,
    partitions: row.partitions,
    last_partition: last?.name ?? null,
    ends_at: null,
    runway_seconds: null,
    inserts_per_second: activity?.perSecond ?? null,
    managed_by: managedBy(row),
    row,
    next,
  } as const;
  if (!last) return { ...base, state: "unknown", reason: problem ?? "it has no partition" };
  if (last.to === highest) {
    return { ...base, state: "endless", reason: "its last partition has no end" };
  }
  const end = Number(last.to) / 1e6;
  const runway = end - serverSeconds;
  const known = { runway, length: end - Number(last.from) / 1e6, inserted, activity, nowMs };
  const [state, reason] = row.in_recovery
    ? ["unknown" as const, "inserts are not counted on a standby"]
    : stateOf(known);
  return {
    ...base,
    state,
    reason,
    ends_at: end < lastSecond ? new Date(end * 1_000).toISOString() : null,
    runway_seconds: Math.round(runway),
  };
}

/** Returns a table as the API shows it, without what its cure needs. */
export function publicTable({ row: _row, next: _next, ...table }: JudgedTable): UnmanagedTable {
  return table;
}

/** Returns the totals of the tables without a policy; null while they are not known. */
export function unmanagedTotals(tables: readonly JudgedTable[] | undefined) {
  const used = tables?.filter(({ state }) => state === "inserting" || state === "extended");
  const runways = used?.flatMap(({ runway_seconds }) => runway_seconds ?? []) ?? [];
  return {
    tables_unmanaged: used?.length ?? null,
    unmanaged_runway_seconds: runways.length > 0 ? Math.min(...runways) : null,
    tables_unmanaged_unknown: tables?.filter(({ state }) => state === "unknown").length ?? null,
  };
}

const inOrder = ({ runway_seconds }: UnmanagedTable) => runway_seconds ?? Infinity;
const ranks: Record<UnmanagedState, number> = {
  inserting: 0,
  unknown: 1,
  extended: 2,
  idle: 3,
  ended: 4,
  endless: 5,
};

/** Makes what judges the range-partitioned tables without a policy; each reading is laid out once. */
export function createUnmanagedJudge() {
  const activities = createActivities();
  let last: { rows: readonly RangeTableRow[]; tables: LaidOut[] } | undefined;

  function lay(rows: readonly RangeTableRow[]): LaidOut[] {
    if (last?.rows !== rows) {
      const tables = rows.map((row) => {
        const layout = layOut(row);
        return { row, layout, next: nextOf(row, layout) };
      });
      last = { rows, tables };
    }
    return last.tables;
  }

  return {
    /** Takes in a reading made at `at`, in milliseconds. */
    note(rows: readonly RangeTableRow[], at: number): void {
      activities.note(lay(rows).map(({ layout }) => layout), at, rows[0]?.taken_at ?? 0);
    },
    /**
     * Returns the tables that are not `managed`, those first whose runway counts and is shortest. `readAt` is when the rows
     * were read and `nowMs` the present, both by Holdfast's clock in milliseconds.
     */
    judge(
      rows: readonly RangeTableRow[],
      managed: ReadonlySet<string>,
      { readAt, nowMs }: { readAt: number; nowMs: number },
    ): JudgedTable[] {
      return lay(rows).filter(({ row }) => !managed.has(row.table)).map((one) => {
        const serverSeconds = one.row.taken_at + (nowMs - readAt) / 1_000;
        const activity = activities.of(one.row.table);
        return judge({ ...one, activity }, { nowMs, serverSeconds });
      }).sort((a, b) => ranks[a.state] - ranks[b.state] || inOrder(a) - inOrder(b));
    },
  };
}
