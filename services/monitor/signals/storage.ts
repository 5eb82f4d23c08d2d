import type { CollectorRows } from "../../../db/collectors/list.ts";
import { secondsLeft } from "./durability.ts";
import type { Scoped, Signal, TrendSource, View } from "./signal.ts";

type Table = CollectorRows["tables"];

/** Returns a value per table, the highest first: those are kept when there are too many. */
function tables({ rows }: View, value: (table: Table) => number | null): Scoped[] | undefined {
  return rows("tables")
    ?.map((row) => ({ scope: row.table, value: value(row) }))
    .sort((a, b) => (b.value ?? -1) - (a.value ?? -1));
}

/** The trend of what is used on the server's disk. */
export const diskTrend = "disk_used_bytes";

export const storageSignals: readonly Signal[] = [
  {
    name: "database_growth_bytes_per_day",
    unit: "bytes_per_day",
    collector: "sizes",
    about: "Growth of this database, over up to the last day",
    read: ({ rows, slope }) => {
      const perSecond = rows("sizes") && slope("database_bytes");
      return perSecond === undefined ? null : perSecond * 86_400;
    },
  },
  {
    name: "disk_free_bytes",
    unit: "bytes",
    collector: "sizes",
    about:
      "Free space on the disk of the embedded server; unknown for the server of DATABASE_URL, whose disk is not visible",
    read: ({ disk }) => disk?.free_bytes,
  },
  {
    name: "disk_full_seconds",
    unit: "seconds",
    collector: "sizes",
    about:
      "Time until the disk of the embedded server is full at the rate of the last day, whatever fills it; at most a century",
    read: ({ disk, slope }) => disk && secondsLeft(disk.free_bytes, slope(diskTrend)),
  },
  {
    name: "table_heap_bytes",
    unit: "bytes",
    collector: "tables",
    of: "table",
    about:
      "Size of a table with its partitions and without indexes, as of their last vacuum or analyze",
    read: (view) => tables(view, ({ heap_bytes }) => heap_bytes),
  },
  {
    name: "table_growth_bytes_per_day",
    unit: "bytes_per_day",
    collector: "tables",
    of: "table",
    about: "Growth of a table with its partitions and without indexes, over up to the last day",
    read: (view) =>
      tables(view, ({ table }) => {
        const perSecond = view.slope(`table ${table}`);
        return perSecond === undefined ? null : perSecond * 86_400;
      }),
  },
  {
    name: "table_dead_rows",
    unit: "count",
    collector: "tables",
    of: "table",
    about: "Dead rows of a table with its partitions that vacuum has not removed",
    read: (view) => tables(view, ({ dead_rows }) => dead_rows),
  },
  {
    name: "autovacuum_lag",
    unit: "ratio",
    collector: "tables",
    of: "table",
    about:
      "Dead or inserted rows divided by the threshold of autovacuum, of the worst partition or its TOAST table; about 1 is normal, 0 where autovacuum is off",
    read: (view) => tables(view, ({ vacuum_lag, insert_lag }) => Math.max(vacuum_lag, insert_lag)),
  },
  {
    name: "analyze_lag",
    unit: "ratio",
    collector: "tables",
    of: "table",
    about:
      "Changed rows divided by the analyze threshold of autovacuum, of the worst partition; a high value means stale statistics",
    read: (view) => tables(view, ({ analyze_lag }) => analyze_lag),
  },
  {
    name: "freeze_lag",
    unit: "ratio",
    collector: "tables",
    of: "table",
    about:
      "Age divided by autovacuum_freeze_max_age of the server or the table, of the worst partition; above 1 an anti-wraparound vacuum is due",
    read: (view) => tables(view, ({ freeze_lag }) => freeze_lag),
  },
  {
    name: "unmanaged_runway_seconds",
    unit: "seconds",
    collector: "range_tables",
    of: "table",
    about:
      "Time until the last partition of a table without a policy ends, while rows are inserted; 0 afterwards. Tables that are idle, have ended long ago, have a default partition, or get each partition regularly shortly before the end have no value",
    read: ({ unmanaged }) =>
      unmanaged?.filter(({ state }) => state === "inserting" || state === "unknown")
        .map(({ table, state, runway_seconds }) => ({
          scope: table,
          value: state === "inserting" ? Math.max(0, runway_seconds ?? 0) : null,
        })),
  },
  {
    name: "vacuums_running",
    unit: "count",
    collector: "progress",
    about: "Vacuums in progress, including autovacuum",
    read: ({ rows }) => rows("progress")?.filter(({ command }) => command === "vacuum").length,
  },
  {
    name: "sequence_used_ratio",
    unit: "ratio",
    collector: "sequences",
    of: "sequence",
    about:
      "Share of its values that a sequence has used; the limit is that of the sequence or of the narrowest column that uses it",
    read: ({ rows }) =>
      rows("sequences")?.map((row) => ({
        scope: row.sequence,
        value: row.readable ? row.used_ratio : null,
      })),
  },
  {
    name: "sequence_left_seconds",
    unit: "seconds",
    collector: "sequences",
    of: "sequence",
    about: "Time until a sequence is exhausted at the rate of the last day; at most a century",
    read: ({ rows, slope }) =>
      rows("sequences")?.map((row) => ({
        scope: row.sequence,
        value: !row.readable || row.used_ratio === null
          ? null
          : secondsLeft(1 - row.used_ratio, slope(`sequence ${row.sequence}`)),
      })),
  },
  {
    name: "invalid_indexes",
    unit: "count",
    collector: "indexes",
    about:
      "Indexes that are invalid: they slow down writes and serve no reads; builds in progress do not count",
    read: ({ indexes }) => indexes?.all.filter(({ valid }) => !valid).length,
  },
  {
    name: "duplicate_indexes",
    unit: "count",
    collector: "indexes",
    about: "Indexes that duplicate another index",
    read: ({ indexes }) => indexes?.all.filter((one) => one.duplicate_of !== null).length,
  },
  {
    name: "unused_index_bytes",
    unit: "bytes",
    collector: "indexes",
    about:
      "Size of indexes that have not been read since the statistics began and that nothing else needs; unknown on a standby and for a week after a promotion",
    read: ({ indexes }) =>
      !indexes?.countsComplete
        ? null
        : indexes.all.filter(({ unused }) => unused).reduce((sum, { bytes }) => sum + bytes, 0),
  },
  {
    name: "missing_indexes",
    unit: "count",
    collector: "missing_indexes",
    about: "Foreign keys whose columns are not the first columns of an index",
    read: ({ rows }) => rows("missing_indexes")?.length,
  },
  {
    name: "bloat_bytes",
    unit: "bytes",
    collector: "bloat",
    about: "Estimated space that a rewrite of tables and B-tree indexes over 1 MiB would free",
    read: ({ rows }) => rows("bloat")?.reduce((sum, { bloat_bytes }) => sum + bloat_bytes, 0),
  },
];

const dayMs = 24 * 3_600_000;

export const storageTrends: readonly TrendSource[] = [
  {
    collector: "sizes",
    windowMs: dayMs,
    points: ({ rows }) =>
      rows("sizes")?.map(({ database_bytes }) => ({
        name: "database_bytes",
        value: database_bytes,
      })),
  },
  {
    collector: "tables",
    windowMs: dayMs,
    points: ({ rows }) =>
      rows("tables")?.map(({ table, heap_bytes }) => ({
        name: `table ${table}`,
        value: heap_bytes,
      })),
  },
  {
    collector: "sequences",
    windowMs: dayMs,
    points: ({ rows }) =>
      rows("sequences")?.flatMap(({ sequence, used_ratio }) =>
        used_ratio === null
          ? []
          : [{ name: `sequence ${sequence}`, value: used_ratio, counter: true }]
      ),
  },
];
