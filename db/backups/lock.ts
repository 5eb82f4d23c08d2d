import { type ConnectOptions, connectSql } from "../connection.ts";
import { openingStatement } from "../session_start.ts";

const lockKey = "holdfast.backup";
/** Well under the idle timeout of our connections: the lock lives as long as its session. */
const keepAliveMs = 30_000;

/**
 * Takes the one lock of the backups of a server, or answers undefined when another Holdfast has it. It ends with the
 * session: no crash leaves it. Behind a transaction-mode pooler only a transaction keeps a session.
 */
export async function takeBackupLock(
  options: Omit<ConnectOptions, "max" | "applicationName">,
): Promise<{ release(): Promise<void> } | undefined> {
  const sql = connectSql({ ...options, max: 1, applicationName: "holdfast-backup-lock" });
  const keepAlive = setInterval(() => sql`select 1`.catch(() => {}), keepAliveMs);
  const release = async () => {
    clearInterval(keepAlive);
    await sql.end({ timeout: 1 }).catch(() => {});
  };
  try {
    if (options.pooled) await sql.unsafe(openingStatement(options));
    const [row] = options.pooled
      ? await sql`select pg_try_advisory_xact_lock(hashtextextended(${lockKey}, 0)) as taken`
      : await sql`select pg_try_advisory_lock(hashtextextended(${lockKey}, 0)) as taken`;
    if (row?.taken) return { release };
  } catch (error) {
    await release();
    throw error;
  }
  await release();
  return undefined;
}
