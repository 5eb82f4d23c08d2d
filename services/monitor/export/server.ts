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

/** Rates are Prometheus' own business: it gets the counters instead. */
export const shownUnits: readonly Unit[] = ["seconds", "bytes", "ratio", "count", "flag"];

/** The name of a signal as a metric: in base units, which the name carries. */
export function metricName(name: string, unit: Unit): string {
  return unit === "ratio" && !name.endsWith("_ratio")
    ? `holdfast_${name}_ratio`
    : `holdfast_${name}`;
}

/** Every signal that is no rate; one that is not known has no sample. */
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
    counter("io_reads", "Reads of pg_stat_io (16 and later)", samples(({ reads }) => reads)),
    counter("io_read_bytes", "Bytes read, of pg_stat_io", samples(({ read_bytes }) => read_bytes)),
    counter("io_writes", "Writes of pg_stat_io", samples(({ writes }) => writes)),
    counter(
      "io_write_bytes",
      "Bytes written, of pg_stat_io",
      samples(({ write_bytes }) => write_bytes),
    ),
    counter("io_fsyncs", "Fsyncs of pg_stat_io", samples(({ fsyncs }) => fsyncs)),
    counter(
      "io_read_seconds",
      "Time spent reading, of pg_stat_io; 0 without track_io_timing",
      samples(({ read_ms }) => read_ms / 1000),
    ),
    counter(
      "io_write_seconds",
      "Time spent writing, of pg_stat_io; 0 without track_io_timing",
      samples(({ write_ms }) => write_ms / 1000),
    ),
  ];
}

/** The server's counters as they stand; a reset of its statistics is a reset here too. */
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
    counter("database_deadlocks", "Deadlocks", one(database?.deadlocks)),
    counter("database_temp_files", "Temporary files finished", one(database?.temp_files)),
    counter("database_temp_bytes", "Bytes of temporary files", one(database?.temp_bytes)),
    counter("wal_bytes", "Bytes of WAL written", one(wal?.bytes)),
    counter("wal_records", "WAL records written", one(wal?.records)),
    counter("wal_full_pages", "Full page images written to the WAL", one(wal?.full_pages)),
    counter(
      "wal_buffers_full",
      "Times WAL was written for want of buffers",
      one(wal?.buffers_full),
    ),
    counter(
      "checkpoints",
      "Checkpoints, by what began them",
      !checkpoints ? [] : [
        { labels: { kind: "timed" }, value: checkpoints.timed },
        { labels: { kind: "requested" }, value: checkpoints.requested },
      ],
    ),
    counter(
      "checkpoint_write_seconds",
      "Time checkpoints spent writing",
      one(checkpoints && checkpoints.write_ms / 1000),
    ),
    counter(
      "checkpoint_sync_seconds",
      "Time checkpoints spent in fsync",
      one(checkpoints && checkpoints.sync_ms / 1000),
    ),
    counter("checkpoint_buffers", "Buffers checkpoints wrote", one(checkpoints?.buffers)),
    counter("archiver_segments", "WAL segments archived", one(archiver?.archived)),
    counter("archiver_failures", "Failed tries to archive a segment", one(archiver?.failed)),
    ...ioFamilies(view.rows("io") ?? []),
  ];
}

/** What watching itself does: each collector's last success, cost and rest. */
export function collectorFamilies({ readings, view, unreachable }: Snapshot): Family[] {
  const of = (value: (reading: Snapshot["readings"]["server"]) => number | undefined): Sample[] =>
    Object.entries(readings).flatMap(([collector, reading]) => {
      const found = value(reading as Snapshot["readings"]["server"]);
      return found === undefined ? [] : [{ labels: { collector }, value: found }];
    });
  return [
    gauge(
      "collector_up",
      "1 when what a collector reads is fresh; 0 when it is stale, failed, or not on this server",
      Object.keys(readings).map((collector) => ({
        labels: { collector },
        value: Number(!unreachable && view.rows(collector as keyof CollectorRows) !== undefined),
      })),
    ),
    gauge(
      "collector_duration_seconds",
      "What a collector's last question took",
      of(({ durationMs }) => durationMs === undefined ? undefined : durationMs / 1000),
    ),
    gauge(
      "collector_last_success_timestamp_seconds",
      "When a collector last answered",
      of(({ at }) => at === undefined ? undefined : at / 1000),
    ),
    gauge(
      "collector_resting",
      "1 while a collector is left out because it cost too much",
      of(({ budget }) => Number(budget.resting > 0)),
    ),
  ];
}
