import type { Sql } from "./connection.ts";

/** A session of the server as it is at this moment. */
export interface SessionRow {
  pid: number;
  backend_type: string;
  user: string | null;
  application: string | null;
  state: string | null;
  backend_start: string | null;
  /** Whether it is one of this Holdfast's, or of another one with the same role. */
  own: boolean;
}

export async function findSession(sql: Sql, pid: number): Promise<SessionRow | undefined> {
  const [row] = await sql<SessionRow[]>`
    select
      pid,
      coalesce(backend_type, 'client backend') as backend_type,
      usename as "user",
      application_name as application,
      state,
      to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as backend_start,
      usename = current_user and application_name ~ '^holdfast(-|$)' as own
    from pg_stat_activity
    where pid = ${pid}`;
  return row;
}

export type SignalKind = "cancel" | "terminate";

/** Signals a session, if it still is the one that began at `backendStart`; false when it is gone. */
export async function signalSession(
  sql: Sql,
  { pid, backend_start }: Pick<SessionRow, "pid" | "backend_start">,
  kind: SignalKind,
): Promise<boolean> {
  const signal = kind === "cancel" ? sql`pg_cancel_backend(pid)` : sql`pg_terminate_backend(pid)`;
  const [row] = await sql<{ done: boolean }[]>`
    select ${signal} as done
    from pg_stat_activity
    where pid = ${pid} and backend_start = ${backend_start}::text::timestamptz`;
  return row?.done ?? false;
}
