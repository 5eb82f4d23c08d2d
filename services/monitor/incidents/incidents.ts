import { describeDatabaseError } from "../../../db/errors.ts";
import type { Change } from "../../../db/history/changes.ts";
import { type IncidentRow, readMaintenance, readSessions } from "../../../db/history/incidents.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import { createSerialQueue } from "../../../lib/serial_queue.ts";
import type { Logger } from "../../../log.ts";
import type { Point } from "../history/recent.ts";
import type { Snapshot } from "../snapshot.ts";
import type { WriteAccess } from "../write_access/access.ts";
import { type Recording, reportOf, rowOf } from "./report.ts";
import { IncidentStore } from "./store.ts";
import { IncidentTracker } from "./tracker.ts";

/** An incident in the list; bytes is null while it is recorded. Interrupted: its Holdfast ended before it was closed. */
export type IncidentSummary = Omit<IncidentRow, "bytes"> & {
  status: "recording" | "complete" | "interrupted";
  bytes: number | null;
};

export interface Incidents {
  /** Takes in each snapshot: opens an incident for an alert that turned critical, and closes it some minutes later. */
  observe(snapshot: Snapshot): void;
  /** Returns incidents, newest first. */
  list(
    query: { before: { openedAt: string; id: string } | undefined; limit: number },
  ): Promise<IncidentSummary[]>;
  /** Returns the incidents that the database does not have, or not as they are now, from memory; newest first. */
  recent(): IncidentSummary[];
  /** Returns the complete report; throws not_found. */
  get(id: string): Promise<Record<string, unknown>>;
  /** Waits for the reads and writes under way. */
  settle(): Promise<void>;
}

const minute = 60_000;
const deadlineMs = 3_000;
/** An open incident of another process counts as interrupted once this has passed after its end. */
const draftGraceMs = minute;

const iso = (ms: number) => new Date(ms).toISOString();

/** Records what surrounds a critical alert, mostly from what the monitor has in memory. */
export function createIncidents(
  { pool, reader, history, changes, access, now, log, followMs = 3 * minute }: {
    /** The monitor's own connection: the application's pool may be blocked. */
    pool: Pool;
    reader: Pick<Pool, "run">;
    history: {
      recent(name: string, from: number, to: number): Point[] | undefined;
      names(): string[];
    };
    changes: { between(from: number, to: number): Change[] };
    access: Pick<WriteAccess, "canWrite" | "isWatchOnly">;
    now: () => number;
    log: Logger;
    followMs?: number;
  },
): Incidents {
  const tracker = new IncidentTracker({ startedAt: now(), followMs });
  const store = new IncidentStore({ pool, reader, access, deadlineMs });
  const queue = createSerialQueue();

  function enqueue(job: () => Promise<void>): void {
    queue.run(job).catch((error) =>
      log.warn("incident_not_saved", { error: describeDatabaseError(error) })
    );
  }

  async function sessionsAt(at: number): Promise<Recording["sessions"][number]> {
    const taken_at = iso(at);
    try {
      const sessions = await pool.run(readSessions, { deadlineMs });
      return { taken_at, sessions, problem: null };
    } catch (error) {
      return { taken_at, sessions: null, problem: describeDatabaseError(error).slice(0, 200) };
    }
  }

  /** Returns the recording with the blockers, changes and samples that memory has of its time. */
  function withMemory(one: Recording): Recording {
    const samples = history.names()
      .map((name) => [name, history.recent(name, one.from, one.until) ?? []] as const);
    return {
      ...one,
      blocking: tracker.blockingBetween(one.from, one.until),
      changes: changes.between(one.from, one.until),
      samples: new Map(samples),
    };
  }

  async function saveDraft(one: Recording): Promise<void> {
    if (tracker.recording !== one) return;
    const { text, bytes } = reportOf(withMemory(one));
    await store.saveDraft(rowOf(one, bytes), text);
  }

  function maintenanceIn({ from, until }: Recording): Promise<unknown[] | null> {
    if (access.isWatchOnly()) return Promise.resolve(null);
    return pool.run((sql) => readMaintenance(sql, iso(from), iso(until)), { deadlineMs })
      .catch(() => null);
  }

  function open(recording: Recording): void {
    const { id, alerts, openedAt } = recording;
    log.info("incident_opened", { incident: id, alert_type: alerts[0]?.alert_type });
    enqueue(async () => {
      recording.sessions.push(await sessionsAt(openedAt));
      await saveDraft(recording);
    });
  }

  function close(recording: Recording): void {
    const done = withMemory(recording);
    enqueue(async () => {
      done.sessions.push(await sessionsAt(done.until));
      done.maintenance = await maintenanceIn(done);
      const { report, text, bytes } = reportOf(done);
      const row = rowOf(done, bytes);
      store.add({ row, text, report });
      log.info("incident_recorded", { incident: row.id, alert_type: row.alert_type, bytes });
      await store.flush();
    });
  }

  /** Returns the status of a stored incident that was not closed. */
  const openStatus = (openedAt: string): "interrupted" | "recording" =>
    now() - Date.parse(openedAt) > followMs + draftGraceMs ? "interrupted" : "recording";

  /** Returns the incidents that are not in the database as they are in memory, newest first. */
  function inMemory(): IncidentSummary[] {
    const { recording } = tracker;
    const running = recording
      ? [{ ...rowOf(recording, 0), bytes: null, status: "recording" as const }]
      : [];
    const closed = store.unsaved.map(({ row }) => ({ ...row, status: "complete" as const }));
    return [...running, ...closed.reverse()];
  }

  return {
    observe(snapshot) {
      const transitions = tracker.observe(snapshot);
      for (const { kind, recording } of transitions) {
        if (kind === "opened") open(recording);
        else if (kind === "closed") close(recording);
        else enqueue(() => saveDraft(recording));
      }
      const isWritable = !snapshot.unreachable && access.canWrite();
      const isBusy = transitions.some(({ kind }) => kind !== "opened");
      if (!isBusy && store.unsaved.length > 0 && isWritable) enqueue(() => store.flush());
    },
    async list(query) {
      const rows = await store.list(query);
      const recent = inMemory();
      const known = new Set(recent.map(({ id }) => id));
      const stored = rows.filter(({ id }) => !known.has(id)).map((row) => ({
        ...row,
        status: row.closed_at === null ? openStatus(row.opened_at) : "complete" as const,
      }));
      return query.before ? stored : [...recent, ...stored].slice(0, query.limit);
    },
    recent: inMemory,
    async get(id) {
      const { recording } = tracker;
      if (recording?.id === id) return reportOf(withMemory(recording)).report;
      const unsaved = store.unsaved.find(({ row }) => row.id === id);
      if (unsaved) return unsaved.report;
      const found = await store.find(id);
      if (!found) throw new HoldfastError("not_found", `No incident has the id ${id}`);
      return found.status === "recording"
        ? { ...found, status: openStatus(String(found.opened_at)) }
        : found;
    },
    settle: queue.idle,
  };
}
