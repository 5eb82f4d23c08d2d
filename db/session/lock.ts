import { createHash } from "node:crypto";
import { type ConnectOptions, connectSql, type Sql } from "../connection.ts";
import { openingStatement } from "./start.ts";

/** Well under the idle timeout of our connections: the lock lives as long as its session. A lost one is taken again as soon. */
const keepAliveMs = 2_000;

/** An advisory lock that is held by a session of its own. */
export interface SessionLock {
  /** The session that holds it. */
  sql: Sql;
  release(): Promise<void>;
}

/**
 * Returns a mark of a database, 8 hex digits, for the names of files. An advisory lock holds within one database: in folders
 * that the databases of a server share, its holder may remove only what bears this mark.
 */
export const databaseMark = (database: string): string =>
  createHash("sha256").update(database).digest("hex").slice(0, 8);

/**
 * Takes the advisory lock `key` in a session of its own. Returns undefined when another Holdfast has it. The lock ends with
 * the session: no crash leaves it. When the session is lost before the release, as by a restart of the server, another takes
 * the lock again. If another session was faster, `onTaken` is called, once: what runs under the lock must end. Behind a
 * transaction-mode pooler only a transaction keeps a session. A reserved connection will not do: postgres.js ends the process
 * when one that was lost is used or released.
 */
export async function takeSessionLock(
  key: string,
  { onTaken = () => {}, ...options }: Omit<ConnectOptions, "max" | "onClose"> & {
    onTaken?: () => void;
  },
): Promise<SessionLock | undefined> {
  let isHeld = false;
  /** Process id, on the server, of the session that held it last. */
  let holder = 0;
  let isAsking = false;
  const sql = connectSql({
    ...options,
    max: 1,
    readTypes: false,
    onClose: () => isHeld = false,
  });

  async function take(): Promise<boolean> {
    if (options.pooled) await sql.unsafe(openingStatement(options));
    const lock = sql.unsafe(options.pooled ? "pg_try_advisory_xact_lock" : "pg_try_advisory_lock");
    const [row] = await sql`
      select
        ${lock}(hashtextextended(${key}, 0)) as taken,
        pg_backend_pid() as pid`;
    isHeld = row?.taken === true;
    if (isHeld) holder = row?.pid;
    if (options.pooled && !isHeld) await sql`rollback`;
    return isHeld;
  }

  /** Returns whether another has the lock: for a while, the server may still have the session that was lost. */
  async function isTaken(): Promise<boolean> {
    const [row] = await sql`
      select exists (
        select
        from pg_locks
        where locktype = 'advisory'
          and database = (select oid from pg_database where datname = current_database())
          and (classid::int8 << 32 | objid::int8) = hashtextextended(${key}, 0)
          and objsubid = 1
          and granted
          and pid <> ${holder}::int4
      ) as taken`;
    return row?.taken === true;
  }

  let timer: ReturnType<typeof setInterval> | undefined;
  async function keep(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    try {
      if (isHeld) await sql`select 1`;
      else if (!await take() && await isTaken()) {
        clearInterval(timer);
        onTaken();
      }
    } catch {
      // The next time tells whether the server is there again.
    } finally {
      isAsking = false;
    }
  }

  const release = async () => {
    clearInterval(timer);
    await sql.end({ timeout: 1 }).catch(() => {});
  };
  try {
    if (await take()) {
      timer = setInterval(keep, keepAliveMs);
      return { sql, release };
    }
  } catch (error) {
    await release();
    throw error;
  }
  await release();
  return undefined;
}
