import type { CollectorRows } from "../../../db/collectors/list.ts";
import { signals } from "../signals/list.ts";
import type { Unit } from "../signals/signal.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Family, Sample } from "./exposition.ts";

const counter = (name: string, help: string, samples: Sample[]): Family => ({
  name: `holdfast_${name}`,
  type: "counter",
  help,
  samples,
});
const gauge = (name: string, help: string, samples: Sample[]): Family => ({
  name: `holdfast_${name}`,
  type: "gauge",
  help,
  samples,
});

/** Units of the signals that are exposed. Prometheus works out rates itself, from the counters. */
export const shownUnits: readonly Unit[] = ["seconds", "bytes", "ratio", "count", "flag"];

/** Returns the metric name of a signal, which ends in its base unit. */
export function metricName(name: string, unit: Unit): string {
  return unit === "ratio" && !name.endsWith("_ratio")
    ? `holdfast_${name}_ratio`
    : `holdfast_${name}`;
}

/** Returns a family for every signal that is not a rate; an unknown signal has no sample. */
export function signalFamilies(snapshot: Snapshot): Family[] {
  return signals.filter(({ unit }) => shownUnits.includes(unit)).map((
    { name, unit, of, about },
  ) => ({
    name: metricName(name, unit),
    type: "gauge",
    help: about,
    samples: snapshot.unreachable
      ? []
      : snapshot.signals.flatMap((signal): Sample[] =>
        signal.name !== name || signal.value === null
          ? []
          : [{ value: signal.value, ...(of ? { labels: { [of]: signal.scope } } : {}) }]
      ),
  }));
}

function ioFamilies(rows: CollectorRows["io"][]): Family[] {
  const samples = (value: (row: CollectorRows["io"]) => number): Sample[] =>
    rows.map((row) => ({
      labels: { backend: row.backend, object: row.object },
      value: value(row),
    }));
  return [
    counter(
      "io_reads",
      "Read operations, from pg_stat_io (Postgres 16 and later)",
      samples(({ reads }) => reads),
    ),
    counter(
      "io_read_bytes",
      "Bytes read, from pg_stat_io",
      samples(({ read_bytes }) => read_bytes),
    ),
    counter("io_writes", "Write operations, from pg_stat_io", samples(({ writes }) => writes)),
    counter(
      "io_write_bytes",
      "Bytes written, from pg_stat_io",
      samples(({ write_bytes }) => write_bytes),
    ),
    counter("io_fsyncs", "Fsync calls, from pg_stat_io", samples(({ fsyncs }) => fsyncs)),
    counter(
      "io_read_seconds",
      "Time spent reading, from pg_stat_io; 0 without track_io_timing",
      samples(({ read_ms }) => read_ms / 1000),
    ),
    counter(
      "io_write_seconds",
      "Time spent writing, from pg_stat_io; 0 without track_io_timing",
      samples(({ write_ms }) => write_ms / 1000),
    ),
  ];
}

/** Returns the server's counters; a reset of its statistics resets them too. */
export function counterFamilies({ view, unreachable }: Snapshot): Family[] {
  if (unreachable) return [];
  const database = view.rows("database")?.[0];
  const wal = view.rows("wal")?.[0];
  const checkpoints = view.rows("checkpoints")?.[0];
  const archiver = view.rows("archiver")?.[0];
  const one = (value: number | undefined): Sample[] => value === undefined ? [] : [{ value }];
  return [
    counter("database_commits", "Transactions committed", one(database?.commits)),
    counter("database_rollbacks", "Transactions rolled back", one(database?.rollbacks)),
    counter("database_blocks_hit", "Blocks found in shared buffers", one(database?.blocks_hit)),
    counter("database_blocks_read", "Blocks read into shared buffers", one(database?.blocks_read)),
    counter("database_rows_inserted", "Rows inserted", one(database?.rows_inserted)),
    counter("database_rows_updated", "Rows updated", one(database?.rows_updated)),
    counter("database_rows_deleted", "Rows deleted", one(database?.rows_deleted)),
    counter("database_deadlocks", "Deadlocks detected", one(database?.deadlocks)),
    counter("database_temp_files", "Temporary files written", one(database?.temp_files)),
    counter("database_temp_bytes", "Bytes written to temporary files", one(database?.temp_bytes)),
    counter("wal_bytes", "Bytes of WAL generated", one(wal?.bytes)),
    counter("wal_records", "WAL records generated", one(wal?.records)),
    counter("wal_full_pages", "Full page images in the WAL", one(wal?.full_pages)),
    counter(
      "wal_buffers_full",
      "Times that WAL was written because the WAL buffers were full",
      one(wal?.buffers_full),
    ),
    counter(
      "checkpoints",
      "Checkpoints, by what started them",
      !checkpoints ? [] : [
        { labels: { kind: "timed" }, value: checkpoints.timed },
        { labels: { kind: "requested" }, value: checkpoints.requested },
      ],
    ),
    counter(
      "checkpoint_write_seconds",
      "Time that checkpoints spent writing",
      one(checkpoints && checkpoints.write_ms / 1000),
    ),
    counter(
      "checkpoint_sync_seconds",
      "Time that checkpoints spent in fsync",
      one(checkpoints && checkpoints.sync_ms / 1000),
    ),
    counter("checkpoint_buffers", "Buffers that checkpoints wrote", one(checkpoints?.buffers)),
    counter("archiver_segments", "WAL segments archived", one(archiver?.archived)),
    counter("archiver_failures", "Failed attempts to archive a WAL segment", one(archiver?.failed)),
    ...ioFamilies(view.rows("io") ?? []),
  ];
}

/** Returns what each collector does: its last success, its duration, and whether it is paused. */
export function collectorFamilies({ readings, view, unreachable }: Snapshot): Family[] {
  const of = (value: (reading: Snapshot["readings"]["server"]) => number | undefined): Sample[] =>
    Object.entries(readings).flatMap(([collector, reading]) => {
      const found = value(reading as Snapshot["readings"]["server"]);
      return found === undefined ? [] : [{ labels: { collector }, value: found }];
    });
  return [
    gauge(
      "collector_up",
      "1 when the values of a collector are fresh; 0 when they are stale, when it failed, or when this server does not have them",
      Object.keys(readings).map((collector) => ({
        labels: { collector },
        value: Number(!unreachable && view.rows(collector as keyof CollectorRows) !== undefined),
      })),
    ),
    gauge(
      "collector_duration_seconds",
      "Duration of the last query of a collector",
      of(({ durationMs }) => durationMs === undefined ? undefined : durationMs / 1000),
    ),
    gauge(
      "collector_last_success_timestamp_seconds",
      "Time of the last success of a collector",
      of(({ at }) => at === undefined ? undefined : at / 1000),
    ),
    gauge(
      "collector_resting",
      "1 while a collector is paused because it took too long",
      of(({ budget }) => Number(budget.resting > 0)),
    ),
  ];
}
