import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { databaseMark } from "../../db/session/lock.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import { replaceDurably, syncDirectory } from "./base/files.ts";
import { type BackupRecord, emptyRecord, readRecord, recordName, writeRecord } from "./record.ts";

/** Which backup; the database is the one whose lock the writer holds. */
type Place = Pick<BackupRecord, "system" | "id" | "database">;

/** The directory of backups: one folder per server, in it one folder per backup, named by its id. */
export interface BackupRepository {
  root: string;
  /** Lists all records, newest first; a backup with an unreadable record is listed as corrupt. */
  list(): Promise<BackupRecord[]>;
  pathOf(record: Pick<BackupRecord, "system" | "id">): string;
  /** Makes and returns the folder for a new backup; it counts as a backup only once published. */
  begin(place: Place): Promise<string>;
  /**
   * Writes the record into the folder that `begin` made, and renames it to its final name. Throws when the folder, or a
   * file of the record, is no longer there.
   */
  publish(record: BackupRecord): Promise<void>;
  /** Replaces the record of a backup. Throws `not_found` when the backup was removed meanwhile. */
  save(record: BackupRecord): Promise<void>;
  remove(place: Place): Promise<void>;
  /** Removes and returns folders of interrupted runs of this database; only the holder of its backup lock may call it. */
  sweep(of: Pick<Place, "system" | "database">): Promise<string[]>;
}

export const idPattern = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;
/** Ends the name of a folder that is being written; other databases of the server may be writing there too. */
const partialOf = (database: string) => `.${databaseMark(database)}.partial`;
/** The same of versions before the mark. */
const unmarked = /^\d{8}T\d{6}Z-[0-9a-f]{6}\.partial$/;
/** Marks a folder that is being removed, so that a half-removed backup is never listed. */
const removing = ".removed";

/** Returns an id that sorts by time. */
export function newId(now: Date, random: string): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, "")}-${random}`;
}

const isoOf = (id: string) =>
  id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*/, "$1-$2-$3T$4:$5:$6Z");

function unreadable(system: string, id: string, problem: string): BackupRecord {
  return {
    ...emptyRecord({
      id,
      kind: "base",
      status: "corrupt",
      system,
      server_version: 0,
      embedded: false,
      database: "",
      started_at: isoOf(id),
      segment_bytes: 0,
    }),
    problems: [problem],
  };
}

/** Throws unless each file of the record is in the folder, with its size. */
async function requireFiles(folder: string, { id, files }: BackupRecord): Promise<void> {
  for (const [name, { bytes }] of Object.entries(files)) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.size === bytes) continue;
    throw new HoldfastError(
      "conflict",
      `Backup ${id} was not completed: ${name} ${
        found ? `has ${found.size} bytes, not ${bytes}` : "is gone"
      }; another process changed ${folder}`,
    );
  }
}

/** Opens the repository at `root`, which need not exist yet. */
export function createBackupRepository(root: string): BackupRepository {
  const names = (path: string) =>
    readdir(path).catch((error) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return [] as string[];
      throw error;
    });
  const home = (system: string) => join(root, system);
  const pathOf = ({ system, id }: Pick<BackupRecord, "system" | "id">) => join(home(system), id);

  async function read(system: string, id: string): Promise<BackupRecord> {
    try {
      return readRecord(await readFile(join(home(system), id, recordName), "utf8"));
    } catch (error) {
      const { code } = error as { code?: string };
      const problem = code === "ENOENT"
        ? "is missing"
        : code
        ? `cannot be read: ${messageOf(error)}`
        : "is damaged: its checksum is wrong";
      return unreadable(system, id, `${recordName} ${problem}`);
    }
  }

  return {
    root,
    async list() {
      const found: BackupRecord[] = [];
      for (const system of (await names(root)).filter((name) => /^\d+$/.test(name))) {
        const ids = (await names(home(system))).filter((name) => idPattern.test(name));
        for (const id of ids) found.push(await read(system, id));
      }
      return found.sort((a, b) => a.id < b.id ? 1 : -1);
    },
    pathOf,
    async begin(place) {
      const path = pathOf(place) + partialOf(place.database);
      await mkdir(path, { recursive: true, mode: 0o700 });
      return path;
    },
    async publish(record) {
      const path = pathOf(record);
      const from = path + partialOf(record.database);
      await requireFiles(from, record);
      await replaceDurably(join(from, recordName), writeRecord(record));
      await rename(from, path);
      await syncDirectory(dirname(path));
    },
    async save(record) {
      try {
        await replaceDurably(join(pathOf(record), recordName), writeRecord(record));
      } catch (error) {
        if ((error as { code?: string }).code !== "ENOENT") throw error;
        throw new HoldfastError("not_found", `Backup ${record.id} was removed meanwhile`);
      }
    },
    async remove(place) {
      const path = pathOf(place);
      for (const form of [path, path + partialOf(place.database)]) {
        if (!existsSync(form)) continue;
        await rename(form, path + removing);
        await rm(path + removing, { recursive: true, force: true });
      }
    },
    async sweep({ system, database }) {
      const leftovers = (await names(home(system))).filter((name) =>
        name.endsWith(partialOf(database)) || unmarked.test(name) || name.endsWith(removing)
      );
      for (const name of leftovers) {
        await rm(join(home(system), name), { recursive: true, force: true });
      }
      return leftovers;
    },
  };
}
