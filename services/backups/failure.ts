import type { ServerFacts } from "../../db/backups/facts.ts";
import type { ReplicationRefusal } from "../../db/backups/walsender.ts";
import { codeOf, describeDatabaseError } from "../../db/errors.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { BackupRecord } from "./record.ts";

const noSpace = /ENOSPC|No space left/i;
/** What a server gives; the codes of the operating system are longer. */
const sqlstate = /^[0-9A-Z]{5}$/;

/** Failures in words for everyone. What the server said stands there as it said it: its cause is not guessed at. */
export function explain(error: unknown): string {
  const ofServer = sqlstate.test(codeOf(error));
  if (error instanceof HoldfastError) {
    return ofServer ? `${error.message} (${describeDatabaseError(error)})` : error.message;
  }
  if (ofServer) {
    // invalid_authorization_specification (also of pg_hba.conf), insufficient_privilege
    const refused = /^(28|42501)/.test(codeOf(error));
    return `${refused ? "The server refused the backup" : "The backup was cut short"}: ${
      describeDatabaseError(error)
    }`;
  }
  if (codeOf(error) === "ENOSPC" || noSpace.test(messageOf(error))) {
    return "The disk of the backups is full; older backups are untouched";
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

/** Why a base backup cannot be streamed from here, by the server's own words. */
export function replicationRefused(
  { code, message, pooler }: ReplicationRefusal,
): HoldfastError {
  const why = pooler
    ? "A pooler stands before the server and takes no replication: base backups need DATABASE_URL to lead to the server itself"
    : 'The server takes no replication from here: allow it in pg_hba.conf (a line "replication")';
  return new HoldfastError(
    "forbidden",
    `${why}; until then only logical backups are taken (${code}: ${message})`,
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
