import { randomUUID } from "node:crypto";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Change } from "../../../db/history/changes.ts";
import {
  findIncident,
  type IncidentRow,
  listIncidents,
  readMaintenance,
  readSessions,
  saveIncident,
} from "../../../db/history/incidents.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Point } from "../history/recent.ts";
import type { RootBlocker } from "../diagnosis/locks.ts";
import type { Snapshot } from "../snapshot.ts";
import type { WriteAccess } from "../write_access/access.ts";
import { frameOf, type Recording, reportOf, rootsOf } from "./report.ts";

/** An incident in the list; bytes is null while it is recorded. Interrupted: its Holdfast ended before it was closed. */
export type IncidentSummary = Omit<IncidentRow, "bytes"> & {
  status: "recording" | "complete" | "interrupted";
  bytes: number | null;
};

export interface Incidents {
  /** Sees each snapshot: opens an incident for an alert that turned critical, and closes it some minutes later. */
  observe(snapshot: Snapshot): void;
  /** Newest first. */
  list(
    query: { before: { openedAt: string; id: string } | undefined; limit: number },
  ): Promise<IncidentSummary[]>;
  /** The whole report; throws not_found. */
  get(id: string): Promise<Record<string, unknown>>;
  /** Waits for what is being read or written. */
  settle(): Promise<void>;
}

const minute = 60_000;
const beforeMs = 10 * minute;
const afterMs = 3 * minute;
/** Reports that wait for the database to come back, and those kept in it. */
const unsavedMax = 20;
const keptMax = 200;
const looksMax = 240;
const alertsMax = 50;
const deadlineMs = 3_000;
/** How often what is recorded is kept, so that a killed process leaves it behind. */
const draftEveryMs = minute;
/** After its end an open incident of another process counts as interrupted, once this has passed too. */
const draftGraceMs = minute;

const iso = (ms: number) => new Date(ms).toISOString();

/** Freezes what surrounds a critical alert, mostly from what the monitor has in memory anyway. */
export function createIncidents(
  { pool, reader, history, changes, access, now, log, followMs = afterMs }: {
    /** The monitor's own connection: the application's may be what is stuck. */
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
  const startedAt = now();
  let recording: Recording | undefined;
  let unsaved: { row: IncidentRow; text: string; report: Record<string, unknown> }[] = [];
  let critical = new Set<string>();
  /** When what is recorded was last kept. */
  let draftAt = 0;
  const looks: { at: number; roots: RootBlocker[] }[] = [];
  let work: Promise<void> = Promise.resolve();

  function inTurn(job: () => Promise<void>): void {
    work = work.then(job).catch((error) =>
      log.warn("incident_not_saved", { error: describeDatabaseError(error) })
    );
  }

  async function lookAtSessions(at: number): Promise<Recording["sessions"]> {
    const taken_at = iso(at);
    try {
      const sessions = await pool.run(readSessions, { deadlineMs });
      return [{ taken_at, sessions, problem: null }];
    } catch (error) {
      return [{ taken_at, sessions: null, problem: describeDatabaseError(error).slice(0, 200) }];
    }
  }

  /** With what memory has of its time. */
  function filled(one: Recording): Recording {
    const names = history.names();
    return {
      ...one,
      blocking: looks.filter(({ at }) => at >= one.from && at <= one.until),
      changes: changes.between(one.from, one.until),
      samples: new Map(
        names.map((name) => [name, history.recent(name, one.from, one.until) ?? []]),
      ),
    };
  }

  function rowOf({ id, openedAt, until, alerts, after }: Recording, bytes: number): IncidentRow {
    const [alert] = alerts;
    return {
      id,
      alert_id: alert?.id ?? id,
      alert_type: alert?.alert_type ?? "",
      scope: alert?.scope ?? "",
      opened_at: iso(openedAt),
      closed_at: after ? iso(until) : null,
      bytes,
    };
  }

  async function save(): Promise<void> {
    if (!access.canWrite()) return;
    for (const one of unsaved) {
      await pool.transaction((sql) => saveIncident(sql, one.row, one.text, keptMax), {
        deadlineMs,
      });
      unsaved = unsaved.filter((other) => other !== one);
    }
  }

  /** Keeps what there is of the incident under way. */
  async function saveDraft(one: Recording): Promise<void> {
    if (!access.canWrite() || recording !== one) return;
    const { text } = reportOf(filled(one));
    const row = rowOf(one, new TextEncoder().encode(text).length);
    await pool.transaction((sql) => saveIncident(sql, row, text, keptMax), { deadlineMs });
  }

  /** What became of a stored incident that was not closed. */
  const statusOf = (openedAt: string): "interrupted" | "recording" =>
    now() - Date.parse(openedAt) > followMs + draftGraceMs ? "interrupted" : "recording";

  function open(snapshot: Snapshot, alerts: Recording["alerts"]): void {
    const opened: Recording = {
      id: randomUUID(),
      openedAt: snapshot.now,
      from: snapshot.now - beforeMs,
      until: snapshot.now + followMs,
      alerts,
      before: frameOf(snapshot),
      after: undefined,
      sessions: [],
      blocking: [],
      changes: [],
      maintenance: null,
      samples: new Map(),
    };
    recording = opened;
    log.info("incident_opened", { incident: opened.id, alert_type: alerts[0]?.alert_type });
    draftAt = snapshot.now;
    inTurn(async () => {
      opened.sessions = await lookAtSessions(snapshot.now);
      await saveDraft(opened);
    });
  }

  function close(open: Recording, snapshot: Snapshot): void {
    recording = undefined;
    const done = filled({ ...open, until: snapshot.now, after: frameOf(snapshot) });
    inTurn(async () => {
      const sessions = [...open.sessions, ...await lookAtSessions(snapshot.now)];
      const maintenance = access.isWatchOnly() ? null : await pool.run(
        (sql) => readMaintenance(sql, iso(done.from), iso(done.until)),
        { deadlineMs },
      ).catch(() => null);
      const { report, text } = reportOf({ ...done, sessions, maintenance });
      const row = rowOf(done, new TextEncoder().encode(text).length);
      unsaved = [...unsaved, { row, text, report }].slice(-unsavedMax);
      const { id, alert_type, bytes } = row;
      log.info("incident_recorded", { incident: id, alert_type, bytes });
      await save();
    });
  }

  function rememberLook({ now: at }: Snapshot, roots: RootBlocker[] | undefined): void {
    if (roots) looks.push({ at, roots });
    while (looks.length > looksMax || at - (looks[0]?.at ?? at) > beforeMs + followMs) {
      looks.shift();
    }
  }

  return {
    observe(snapshot) {
      rememberLook(snapshot, rootsOf(snapshot));
      const bad = snapshot.firing.filter(({ severity }) => severity === "critical");
      // Those that were critical before this start have had their incident.
      const turned = bad.filter(({ id, started_at }) =>
        !critical.has(id) && Date.parse(started_at) >= startedAt
      );
      critical = new Set(bad.map(({ id }) => id));
      if (turned.length > 0 && recording) {
        recording.alerts = [...recording.alerts, ...turned].slice(0, alertsMax);
      } else if (turned.length > 0) open(snapshot, turned.slice(0, alertsMax));
      if (recording && snapshot.now >= recording.until) close(recording, snapshot);
      else if (recording && snapshot.now - draftAt >= draftEveryMs && !snapshot.unreachable) {
        const one = recording;
        draftAt = snapshot.now;
        inTurn(() => saveDraft(one));
      } else if (unsaved.length > 0 && !snapshot.unreachable && access.canWrite()) inTurn(save);
    },
    async list({ before, limit }) {
      const rows = access.isWatchOnly()
        ? []
        : await reader.run((sql) => listIncidents(sql, { before, limit }));
      const known = new Set([recording?.id, ...unsaved.map(({ row }) => row.id)]);
      const stored = rows.filter(({ id }) => !known.has(id)).map((row) => ({
        ...row,
        status: row.closed_at === null ? statusOf(row.opened_at) : "complete" as const,
      }));
      if (before) return stored;
      const waiting = unsaved.map(({ row }) => ({ ...row, status: "complete" as const }))
        .reverse();
      const running = recording
        ? [{ ...rowOf(recording, 0), bytes: null, status: "recording" as const }]
        : [];
      return [...running, ...waiting, ...stored].slice(0, limit);
    },
    async get(id) {
      if (recording?.id === id) return reportOf(filled(recording)).report;
      const waiting = unsaved.find(({ row }) => row.id === id);
      if (waiting) return waiting.report;
      const found = access.isWatchOnly()
        ? undefined
        : await reader.run((sql) => findIncident(sql, id));
      if (!found) throw new HoldfastError("not_found", `No incident has the id ${id}`);
      return found.status === "recording"
        ? { ...found, status: statusOf(String(found.opened_at)) }
        : found;
    },
    settle: () => work,
  };
}
