import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Sql, Target } from "../connection.ts";
import { type ClusterOptions, writeSettings } from "./cluster.ts";
import { ownedDirectory } from "./files.ts";
import { onServer } from "./session.ts";

/** Returns the process id of the server's archiver; undefined where none runs. */
async function archiverOf(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ pid: number }[]>`
    select pid from pg_stat_activity where backend_type = 'archiver'`;
  return row?.pid;
}

/** Returns whether the server has the settings by which it archives finished WAL to the spool. */
async function knowsArchive(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ library: string }[]>`
    select current_setting('archive_library', true) as library`;
  return row?.library === "basic_archive";
}

/**
 * Waits until the archiver of the old settings has ended: it would mark finished segments as archived that nothing keeps.
 * The next archiver starts seconds later and finds the segments finished meanwhile.
 */
async function untilEnded(sql: Sql, old: number): Promise<void> {
  for (let attempt = 0; await archiverOf(sql) === old; attempt++) {
    // Another setting overrides ours; the backups report that something else archives WAL.
    if (attempt === 20 && !await knowsArchive(sql)) return;
    if (attempt === 200) throw new Error("The server's archiver does not apply its settings");
    await delay(50);
  }
}

/** Switches archiving to the spool on, once per process; after a restart the written settings keep it on. */
export class ArchiveSwitch {
  readonly #admin: Target;
  readonly #options: Pick<ClusterOptions, "place" | "as" | "walSeconds">;
  /** Whether this process has switched archiving on and seen the server apply it. */
  #isOn = false;
  /** The archiver of the settings before; it may still run. */
  #outgoing: number | undefined;

  constructor(admin: Target, options: Pick<ClusterOptions, "place" | "as" | "walSeconds">) {
    this.#admin = admin;
    this.#options = options;
  }

  async turnOn(): Promise<void> {
    const { place, as, walSeconds } = this.#options;
    if (walSeconds === 0 || this.#isOn && existsSync(place.spool)) return;
    await ownedDirectory(place.spool, 0o700, as);
    await writeSettings(this.#options);
    await onServer(this.#admin, async (sql) => {
      if (!await knowsArchive(sql)) {
        this.#outgoing = await archiverOf(sql);
        await sql`select pg_reload_conf()`;
      }
      if (this.#outgoing !== undefined) await untilEnded(sql, this.#outgoing);
      this.#isOn = await knowsArchive(sql);
    });
    this.#outgoing = undefined;
  }
}
