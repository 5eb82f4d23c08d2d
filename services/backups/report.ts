import { type CopyHealth, type CopyState, noCopies, noCopy } from "./s3/state.ts";
import { type BackupRecord, isProven } from "./record.ts";
import { notAhead } from "./retention.ts";
import type { Job } from "./job.ts";

/** A backup as it is shown. */
export interface Backup {
  id: string;
  kind: "base" | "logical";
  status: "running" | "complete" | "failed" | "corrupt";
  bytes: number;
  raw_bytes: number;
  started_at: string;
  finished_at: string | null;
  duration_seconds: number | null;
  start_lsn: string | null;
  end_lsn: string | null;
  timeline: number | null;
  verified_at: string | null;
  proven_at: string | null;
  recovery_seconds: number | null;
  progress: { step: string; done_bytes: number; total_bytes: number | null } | null;
  /** The copy in the S3-compatible storage. */
  copy: CopyState;
  problems: string[];
  notes: string[];
}

/** Returns a stored backup as it is shown, with the progress of `job` when that works on it. */
export function showBackup(
  record: BackupRecord,
  job: Job | undefined,
  copy: CopyState,
): Backup {
  const own = job?.id === record.id ? job : undefined;
  return {
    id: record.id,
    kind: record.kind,
    status: record.status,
    bytes: record.bytes,
    raw_bytes: record.raw_bytes,
    started_at: record.started_at,
    finished_at: record.finished_at,
    duration_seconds: record.duration_seconds,
    start_lsn: record.start_lsn,
    end_lsn: record.end_lsn,
    timeline: record.timeline,
    verified_at: record.verified_at,
    proven_at: isProven(record) ? record.proof?.at ?? null : null,
    recovery_seconds: record.proof?.recovery_seconds ?? null,
    progress: own ? { step: own.step, ...own.progress } : null,
    copy,
    problems: [...record.problems, ...record.proof?.problems ?? []],
    notes: record.proof?.notes ?? [],
  };
}

/** Returns the backup that a running job takes, as it is shown. */
export const showRunning = ({ id, kind, startedAt, step, progress }: Job): Backup => ({
  id,
  kind,
  status: "running",
  bytes: 0,
  raw_bytes: progress.done_bytes,
  started_at: startedAt,
  finished_at: null,
  duration_seconds: null,
  start_lsn: null,
  end_lsn: null,
  timeline: null,
  verified_at: null,
  proven_at: null,
  recovery_seconds: null,
  progress: { step, ...progress },
  copy: noCopy(),
  problems: [],
  notes: [],
});

/** State of the WAL archive. */
export interface ArchiveState {
  enabled: boolean;
  /** Null: not known. */
  lagSeconds: number | null;
  problem: string | undefined;
}

/** Backups as health, metrics and rules see them. Null: not known, or there is none. */
export interface BackupHealth extends CopyHealth {
  scheduled: boolean;
  last_backup_at: string | null;
  last_backup_bytes: number | null;
  last_backup_seconds: number | null;
  last_proven_restore_at: string | null;
  /** Recovery time of the last proven restore: from the first byte read to a server that answers. */
  recovery_seconds: number | null;
  /** Age of the newest complete backup; without one, the time since this Holdfast started. Null: none scheduled or made. */
  backup_age_seconds: number | null;
  /** The same for the newest backup that a drill has proven. */
  unproven_seconds: number | null;
  archive_enabled: boolean;
  archive_lag_seconds: number | null;
  backups: number;
  proven: number;
  problems: string[];
}

/** Returns the health of backups; `records` are newest first. Pure. */
export function reportBackups(
  { records, archive, copies = noCopies, scheduled, startedAt, now, problems }: {
    records: readonly BackupRecord[];
    archive: ArchiveState;
    copies?: CopyHealth;
    scheduled: boolean;
    startedAt: number;
    now: number;
    problems: readonly string[];
  },
): BackupHealth {
  const complete = records.filter(({ status }) => status === "complete");
  const believed = notAhead(complete, now);
  const [last] = believed.length > 0 ? believed : complete;
  const proven = complete.filter(isProven);
  const trusted = believed.find(isProven);
  const lastProof = proven.map(({ proof }) => proof).filter((proof) => proof !== null)
    .sort((a, b) => a.at < b.at ? 1 : -1)[0];
  const watched = scheduled || complete.length > 0;
  const age = (record: BackupRecord | undefined) =>
    watched ? Math.max(0, now - (record ? Date.parse(record.started_at) : startedAt)) / 1000 : null;
  const corrupt = records.filter(({ status }) => status === "corrupt").map((record) =>
    `backup ${record.id} is damaged: ${record.problems.join("; ")}`
  );
  const unrestorable =
    last?.proof?.problems.map((problem) =>
      `the last drill of backup ${last.id} failed: ${problem}`
    ) ?? [];
  return {
    scheduled,
    last_backup_at: last?.finished_at ?? null,
    last_backup_bytes: last?.bytes ?? null,
    last_backup_seconds: last?.duration_seconds ?? null,
    last_proven_restore_at: lastProof?.at ?? null,
    recovery_seconds: lastProof?.recovery_seconds ?? null,
    backup_age_seconds: age(believed[0]),
    unproven_seconds: age(trusted),
    archive_enabled: archive.enabled,
    archive_lag_seconds: archive.lagSeconds,
    backups: complete.length,
    proven: proven.length,
    ...copies,
    copy_age_seconds: watched ? copies.copy_age_seconds : null,
    problems: [
      ...problems,
      ...archive.problem ? [archive.problem] : [],
      ...corrupt,
      ...unrestorable,
    ],
  };
}
