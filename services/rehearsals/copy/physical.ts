import type { ServerFacts } from "../../../db/backups/facts.ts";
import { unprivilegedUser } from "../../../db/embedded/command.ts";
import { HoldfastError } from "../../../errors.ts";
import { extractBackup } from "../../backups/restore/extract.ts";
import type { BackupRecord } from "../../backups/record.ts";
import type { BackupRepository } from "../../backups/repository.ts";
import type { CopySource } from "./pair.ts";

/**
 * Finds the base backup of this server to restore: the given one, or the newest complete one. Undefined when none is given
 * and there is none. Throws `invalid_request` for a given one that cannot be restored.
 */
export async function findBase(
  repository: Pick<BackupRepository, "list">,
  facts: Pick<ServerFacts, "system">,
  id: string | undefined,
): Promise<BackupRecord | undefined> {
  const records = await repository.list();
  if (id === undefined) {
    return records.find(({ kind, status, system }) =>
      kind === "base" && status === "complete" && system === facts.system
    );
  }
  const found = records.find((record) => record.id === id);
  if (!found) {
    throw new HoldfastError("invalid_request", `There is no backup ${id}`, {
      problems: [{ path: "backup", message: `there is no backup ${id}` }],
    });
  }
  const problem = found.kind !== "base"
    ? "is a dump, and only base backups are restored for a rehearsal"
    : found.status !== "complete"
    ? `is ${found.status}`
    : found.system !== facts.system
    ? "is of another server"
    : undefined;
  if (problem) {
    throw new HoldfastError("invalid_request", `Backup ${id} ${problem}`, {
      problems: [{ path: "backup", message: problem }],
    });
  }
  return found;
}

/** Returns a source that restores a base backup. */
export function physicalSource(
  record: BackupRecord,
  { repository, role }: { repository: Pick<BackupRepository, "pathOf">; role: string },
): CopySource {
  return {
    major: Math.floor(record.server_version / 10_000),
    embedded: record.embedded,
    database: record.database,
    role,
    bytes: record.raw_bytes,
    fill: (data, signal) =>
      extractBackup({
        path: repository.pathOf(record),
        record,
        to: data,
        as: unprivilegedUser(),
        durable: false,
        signal,
      }),
  };
}
