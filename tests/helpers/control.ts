import { connectSql, type Target } from "../../db/connection.ts";

/**
 * Writes to a table of its own every `everyMs`, over four connections of its own, as the writers do that it is compared with: how
 * late these writes are done is what the machine does to every writer, whatever is tried beside them.
 */
export async function startControl(target: Target, everyMs: number) {
  const sql = connectSql({
    target,
    max: 4,
    applicationName: "control",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 30_000,
    pooled: false,
  });
  await sql`create table public.control (n int)`;
  const open = new Set<Promise<void>>();
  const started = performance.now();
  let worst = 0;
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - started) / everyMs);
    for (; sent < due; sent++) {
      const scheduled = started + sent * everyMs;
      const done: Promise<void> = sql`insert into public.control values (${sent})`
        .then(() => {
          worst = Math.max(worst, performance.now() - scheduled);
        })
        .finally(() => open.delete(done));
      open.add(done);
    }
  }, everyMs);
  return {
    /** Ends, and returns how late the latest write was done; milliseconds. */
    async stop(): Promise<number> {
      clearInterval(timer);
      await Promise.all(open);
      await sql`drop table public.control`;
      await sql.end();
      return worst;
    },
  };
}
