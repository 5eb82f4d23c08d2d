import type { ServerFacts } from "../../db/backups/facts.ts";
import type { ReplicationRefusal } from "../../db/backups/walsender.ts";
import { codeOf, describeDatabaseError } from "../../db/errors.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import { type BackupRecord, emptyRecord } from "./record.ts";

const noSpace = /ENOSPC|No space left/i;
/** SQLSTATEs have five characters; error codes of the operating system are longer. */
const sqlstate = /^[0-9A-Z]{5}$/;

/** Describes why a backup failed. The server's own message is quoted unchanged. */
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

/** Returns why this role cannot take a base backup; undefined when it can. */
export function whyNotReplicated({ role, replicates }: ServerFacts): HoldfastError | undefined {
  if (replicates) return undefined;
  return new HoldfastError(
    "forbidden",
    `Role ${role} may not replicate: alter role ${role} replication, and allow it in pg_hba.conf; until then only logical backups are taken`,
  );
}

/** Returns the error for a server, or a pooler before it, that refused a replication session. */
export function replicationRefused(
  { code, message, pooler }: ReplicationRefusal,
): HoldfastError {
  const why = pooler
    ? "The pooler in front of the server allows no replication: base backups need a DATABASE_URL of the server itself"
    : 'The server allows no replication connection from here: add a "replication" line to pg_hba.conf';
  return new HoldfastError(
    "forbidden",
    `${why}; until then only logical backups are taken (${code}: ${message})`,
  );
}

/** Returns the record of a backup that failed. */
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
    ...emptyRecord({
      id,
      kind,
      status: "failed",
      system: facts.system,
      server_version: facts.version,
      embedded,
      database: facts.database,
      started_at: startedAt,
      segment_bytes: facts.segmentBytes,
    }),
    finished_at: finishedAt,
    problems: [problem],
  };
}
