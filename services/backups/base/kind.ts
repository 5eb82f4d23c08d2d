import { sqlState } from "../../../db/sql_state.ts";
import type { ServerFacts } from "../../../db/backups/facts.ts";
import { probeReplication } from "../../../db/backups/walsender.ts";
import type { Target } from "../../../db/connection.ts";
import { HoldfastError } from "../../../errors.ts";
import { replicationRefused, whyNotReplicated } from "../failure.ts";
import type { BackupRecord } from "../record.ts";
import { findPgDump } from "./pg_dump.ts";

type Kind = BackupRecord["kind"];

/**
 * Chooses the kind of a backup: the wanted one, else a base backup where role and server allow it, else a logical one.
 * Throws `forbidden` or `conflict` when the server or this machine cannot make that kind.
 */
export async function chooseKind(
  facts: ServerFacts,
  wanted: Kind | undefined,
  server: { target: Target; embedded: unknown },
): Promise<Kind> {
  const refusal = whyNotReplicated(facts) ??
    (wanted === "logical" ? undefined : await tryReplication(facts, server));
  const kind = wanted ?? (refusal ? "logical" : "base");
  if (refusal && kind === "base") throw refusal;
  if (kind === "logical" && !findPgDump(Math.floor(facts.version / 10_000))) {
    throw refusal ??
      new HoldfastError("conflict", "This machine has no pg_dump that fits the server's version");
  }
  return kind;
}

/** Tries a replication session: the role's rights do not show whether pg_hba.conf or a pooler refuses one. */
async function tryReplication(
  { system }: ServerFacts,
  { target, embedded }: { target: Target; embedded: unknown },
): Promise<HoldfastError | undefined> {
  if (embedded !== undefined) return undefined;
  const refusal = await probeReplication(target, { system });
  // 53300: all connections are in use at the moment, which does not show whether replication is allowed.
  return refusal && refusal.code !== sqlState.tooManyConnections
    ? replicationRefused(refusal)
    : undefined;
}
