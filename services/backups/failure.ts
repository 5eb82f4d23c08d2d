import type { ServerFacts } from "../../db/backups/facts.ts";
import { codeOf, describeDatabaseError } from "../../db/errors.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { BackupRecord } from "./record.ts";

const noSpace = /ENOSPC|No space left/i;

/** Failures in words for everyone: the server's own only when they explain a refusal. */
export function explain(error: unknown): string {
  if (error instanceof HoldfastError) return error.message;
  if (codeOf(error) === "ENOSPC" || noSpace.test(messageOf(error))) {
    return "The disk of the backups is full; older backups are untouched";
  }
  if (codeOf(error) === "42501" || codeOf(error) === "28000") {
    return `The role may not replicate (alter role … replication; a line "replication" in pg_hba.conf): ${
      describeDatabaseError(error)
    }`;
  }
  return `The backup was cut short: ${describeDatabaseError(error)}`;
}

/** Why this role cannot take a base backup, or undefined when it may. */
export function whyNotReplicated({ role, replicates }: ServerFacts): HoldfastError | undefined {
  if (replicates) return undefined;
  return new HoldfastError(
    "forbidden",
    `Role ${role} may not replicate: alter role ${role} replication, and allow it in pg_hba.conf; until then only logical backups are taken`,
  );
}

/** The record of a backup that came to nothing. */
export function failedRecord(
  { id, kind, facts, embedded, startedAt, finishedAt, problem }: {
    id: string;
    kind: BackupRecord["kind"];
    facts: ServerFacts;
    embedded: boolean;
    startedAt: string;
    finishedAt: string;
    problem: string;
  },
): BackupRecord {
  return {
    id,
    kind,
    status: "failed",
    system: facts.system,
    server_version: facts.version,
    embedded,
    database: facts.database,
    started_at: startedAt,
    finished_at: finishedAt,
    duration_seconds: null,
    start_lsn: null,
    end_lsn: null,
    timeline: null,
    segment_bytes: facts.segmentBytes,
    first_xid: null,
    bytes: 0,
    raw_bytes: 0,
    files: {},
    proof: null,
    verified_at: null,
    problems: [problem],
  };
}
