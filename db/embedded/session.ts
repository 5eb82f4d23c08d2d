import { connectSql, type Sql, type Target } from "../connection.ts";

/** The version of Postgres that Holdfast brings along. */
export const major = "18";

/** Lets `work` have a connection of its own to the embedded server, for the moments of a start. */
export async function onServer<T>(target: Target, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "holdfast-start",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 10_000,
    pooled: false,
    serverVersion: Number(major) * 10_000,
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
