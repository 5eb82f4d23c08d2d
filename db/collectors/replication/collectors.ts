import { always, collectorOf, type Counters } from "../collector.ts";
import archiver from "./archiver.sql" with { type: "text" };
import replication from "./replication.sql" with { type: "text" };
import slots from "./slots.sql" with { type: "text" };
import standby from "./standby.sql" with { type: "text" };
import wal from "./wal.sql" with { type: "text" };

/** WAL, its archive and those who receive it. */
export const replicationCollectors = [
  collectorOf<{
    application_name: string;
    client: string;
    /** An archiver keeps WAL and replays none: pg_receivewal, Barman, or the stream beside a pg_basebackup. */
    kind: "standby" | "subscriber" | "archiver" | "connecting";
    state: string | null;
    sync_state: string | null;
    unsent_bytes: number | null;
    /** WAL that it has not flushed to its disk. */
    unflushed_bytes: number | null;
    lag_bytes: number | null;
    lag_seconds: number | null;
  }>()({
    name: "replication",
    tier: "stats",
    grant: "pg_monitor",
    questions: always(replication),
  }),
  collectorOf<{
    in_recovery: boolean;
    /** A position in bytes of WAL; null before anything was streamed. */
    received: number | null;
    /** A position in bytes of WAL. */
    replayed: number | null;
    xact_age_seconds: number | null;
    paused: boolean | null;
    /** Whether a walreceiver streams; null: hidden. */
    streaming: boolean | null;
    /** Whether a primary is configured; null: hidden. */
    streams: boolean | null;
    sees_startup: boolean;
    wait_event: string | null;
  }>()({ name: "standby", tier: "stats", questions: always(standby) }),
  collectorOf<{
    slot: string;
    type: string;
    active: boolean;
    wal_status: string | null;
    retained_bytes: number | null;
    safe_bytes: number | null;
    inactive_seconds: number | null;
    invalidation_reason: string | null;
  }>()({ name: "slots", tier: "stats", questions: always(slots) }),
  collectorOf<
    Counters & {
      records: number;
      full_pages: number;
      bytes: number;
      buffers_full: number;
    }
  >()({ name: "wal", tier: "stats", questions: always(wal) }),
  collectorOf<
    Counters & {
      enabled: boolean;
      archived: number;
      failed: number;
      last_failed_wal: string | null;
      failing: boolean;
      last_archived_seconds: number | null;
    }
  >()({ name: "archiver", tier: "stats", questions: always(archiver) }),
];
