import type { Sql } from "../connection.ts";

/** Returns the process of the server's archiver; undefined where none runs. */
export async function archiverOf(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ pid: number }[]>`
    select pid from pg_stat_activity where backend_type = 'archiver'`;
  return row?.pid;
}

/** Whether the server knows the settings by which it hands over finished WAL. */
export async function knowsArchive(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ library: string }[]>`
    select current_setting('archive_library', true) as library`;
  return row?.library === "basic_archive";
}

/**
 * Waits until the archiver of the old settings has ended: until then it would take finished segments for archived that
 * nobody keeps. The next archiver, seconds later, finds what is finished meanwhile.
 */
export async function untilEnded(sql: Sql, old: number): Promise<void> {
  for (let attempt = 0; await archiverOf(sql) === old; attempt++) {
    // Somebody else's setting is above ours; the backups tell that WAL is archived by something else.
    if (attempt === 20 && !await knowsArchive(sql)) return;
    if (attempt === 200) throw new Error("The server's archiver does not take up its settings");
    await new Promise((done) => setTimeout(done, 50));
  }
}
