import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory, writeWhole } from "./base/files.ts";
import { type BackupRecord, readRecord, recordName, writeRecord } from "./record.ts";

/** The catalogue of backups: a directory per server, in it one per backup, named by its id. */
export interface BackupStore {
  root: string;
  /** Newest first. One whose record cannot be read is there too, as corrupt. */
  list(): Promise<BackupRecord[]>;
  pathOf(record: Pick<BackupRecord, "system" | "id">): string;
  /** An empty place for a backup that is being made; only `publish` makes it one. */
  begin(system: string, id: string): Promise<string>;
  /** Makes what `begin` gave durable and gives it its name. */
  publish(record: BackupRecord): Promise<void>;
  save(record: BackupRecord): Promise<void>;
  remove(record: Pick<BackupRecord, "system" | "id">): Promise<void>;
  /** Removes what a run that was cut short left behind; right only for the holder of the lock. */
  sweep(system: string): Promise<string[]>;
}

export const idPattern = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;
const partial = ".partial";
/** Being removed: half of it may be gone, so that it may never look whole. */
const doomed = ".removed";

/** An id that sorts by time. */
export function newId(now: Date, random: string): string {
  return `${now.toISOString().replace(/[-:]|\.\d+/g, "")}-${random}`;
}

const isoOf = (id: string) =>
  id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*/, "$1-$2-$3T$4:$5:$6Z");

function unreadable(system: string, id: string, problem: string): BackupRecord {
  return {
    id,
    kind: "base",
    status: "corrupt",
    system,
    server_version: 0,
    embedded: false,
    database: "",
    started_at: isoOf(id),
    finished_at: null,
    duration_seconds: null,
    start_lsn: null,
    end_lsn: null,
    timeline: null,
    segment_bytes: 0,
    first_xid: null,
    bytes: 0,
    raw_bytes: 0,
    files: {},
    proof: null,
    verified_at: null,
    problems: [problem],
  };
}

/** Opens the catalogue at `root`, which need not exist yet. */
export function createBackupStore(root: string): BackupStore {
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
      const missing = (error as { code?: string }).code === "ENOENT";
      return unreadable(
        system,
        id,
        missing ? `${recordName} is missing` : `${recordName} is damaged: its checksum is wrong`,
      );
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
    async begin(system, id) {
      const path = pathOf({ system, id }) + partial;
      await mkdir(path, { recursive: true, mode: 0o700 });
      return path;
    },
    async publish(record) {
      const path = pathOf(record);
      await writeWhole(join(path + partial, recordName), writeRecord(record));
      await rename(path + partial, path);
      await syncDirectory(dirname(path));
    },
    save: (record) => writeWhole(join(pathOf(record), recordName), writeRecord(record)),
    async remove(record) {
      const path = pathOf(record);
      for (const form of [path, path + partial]) {
        if (!existsSync(form)) continue;
        await rename(form, path + doomed);
        await rm(path + doomed, { recursive: true, force: true });
      }
    },
    async sweep(system) {
      const left = (await names(home(system))).filter((name) =>
        name.endsWith(partial) || name.endsWith(doomed)
      );
      for (const name of left) await rm(join(home(system), name), { recursive: true, force: true });
      return left;
    },
  };
}
