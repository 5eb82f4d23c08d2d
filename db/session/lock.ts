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
 * the lock again, unless another Holdfast was faster. Behind a transaction-mode pooler only a transaction keeps a session. A
 * reserved connection will not do: postgres.js ends the process when one that was lost is used or released.
 */
export async function takeSessionLock(
  key: string,
  options: Omit<ConnectOptions, "max" | "onClose">,
): Promise<SessionLock | undefined> {
  let isHeld = false;
  let isAsking = false;
  const sql = connectSql({
    ...options,
    max: 1,
    readTypes: false,
    onClose: () => isHeld = false,
  });

  async function take(): Promise<boolean> {
    if (options.pooled) await sql.unsafe(openingStatement(options));
    const [row] = options.pooled
      ? await sql`select pg_try_advisory_xact_lock(hashtextextended(${key}, 0)) as taken`
      : await sql`select pg_try_advisory_lock(hashtextextended(${key}, 0)) as taken`;
    isHeld = row?.taken === true;
    if (options.pooled && !isHeld) await sql`rollback`;
    return isHeld;
  }

  async function keep(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    try {
      if (isHeld) await sql`select 1`;
      else await take();
    } catch {
      // The next time tells whether the server is there again.
    } finally {
      isAsking = false;
    }
  }

  let timer: ReturnType<typeof setInterval> | undefined;
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
