import { type ArchivedFile, readArchivedName } from "../wal/archive.ts";
import { dumpName } from "../base/pg_dump.ts";
import { recordName } from "../record.ts";
import { idPattern } from "../repository.ts";
import { archiveName, manifestName } from "../base/base_backup.ts";

/** Returns the key of a backup's file. Keys are the paths in a repository, so that a plain download of all is one. */
export const backupKey = (system: string, id: string, file: string) => `${system}/${id}/${file}`;
export const walKey = (system: string, file: string) => `${system}/wal/${file}`;

const backupFiles = new Set([archiveName, manifestName, dumpName, recordName]);

/** What an object is. */
export type Known =
  | { kind: "backup"; system: string; id: string; file: string }
  | { kind: "wal"; system: string; archived: ArchivedFile };

/** Parses a key. Undefined for an object that is not Holdfast's: those are never touched. */
export function readKey(key: string): Known | undefined {
  const [system = "", folder = "", file = "", ...rest] = key.split("/");
  if (!/^\d+$/.test(system) || rest.length > 0) return undefined;
  if (folder === "wal") {
    const archived = readArchivedName(file);
    return archived && { kind: "wal", system, archived };
  }
  return idPattern.test(folder) && backupFiles.has(file)
    ? { kind: "backup", system, id: folder, file }
    : undefined;
}
