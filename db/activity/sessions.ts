import type { Sql } from "../connection.ts";
import { decodeForeign } from "../foreign_text.ts";
import { utcText } from "../utc_text.ts";

/** A session of the server at this moment. */
export interface SessionRow {
  pid: number;
  backend_type: string;
  user: string | null;
  application: string | null;
  state: string | null;
  backend_start: string | null;
  /** Whether it is a session of this Holdfast, or of another one with the same role. */
  own: boolean;
  /** Whether its role is a superuser. */
  of_superuser: boolean;
  /** The role that asks. */
  asking: string;
}

/** Returns the session with a pid; undefined when there is none. */
export async function findSession(sql: Sql, pid: number): Promise<SessionRow | undefined> {
  const [row] = await sql<SessionRow[]>`
    select
      pid,
      coalesce(backend_type, 'client backend') as backend_type,
      usename as "user",
      application_name as application,
      state,
      ${sql.unsafe(utcText("backend_start", 6))} as backend_start,
      usename = session_user and application_name ~ '^holdfast(-|$)' as own,
      coalesce((select rolsuper from pg_roles as r where r.oid = usesysid), false) as of_superuser,
      session_user::text as asking
    from pg_stat_activity
    where pid = ${pid}`;
  return row;
}

export type SignalKind = "cancel" | "terminate";

/** Signals the session that began at `backend_start`; returns false when it has ended. */
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

/** A client's session or an autovacuum worker, with its state. */
export interface SessionListing {
  pid: number;
  backend_type: string;
  database: string | null;
  user: string | null;
  application: string | null;
  client: string | null;
  state: string | null;
  /** Such as "Lock: transactionid"; null while it does not wait. */
  wait: string | null;
  backend_start: string | null;
  transaction_seconds: number | null;
  state_seconds: number | null;
  query: string | null;
  own: boolean;
}

/** Returns sessions: active ones and open transactions first, by age. Foreign text is sent as bytes (foreign_text.ts). */
export async function listSessions(sql: Sql, limit: number): Promise<SessionListing[]> {
  const rows = await sql<SessionListing[]>`
    select
      pid,
      coalesce(backend_type, 'client backend') as backend_type,
      encode(substring(replace(datname::text, '\\', '\\\\')::bytea from 1 for 500), 'base64') as database,
      encode(substring(replace(usename::text, '\\', '\\\\')::bytea from 1 for 500), 'base64') as "user",
      application_name as application,
      host(client_addr) as client,
      state,
      wait_event_type || ': ' || wait_event as wait,
      ${sql.unsafe(utcText("backend_start", 6))} as backend_start,
      extract(epoch from clock_timestamp() - xact_start)::float8 as transaction_seconds,
      extract(epoch from clock_timestamp() - state_change)::float8 as state_seconds,
      encode(substring(replace(query, '\\', '\\\\')::bytea from 1 for 500), 'base64') as query,
      coalesce(usename = session_user and application_name ~ '^holdfast(-|$)', false) as own
    from pg_stat_activity
    where pid <> pg_backend_pid()
      and (backend_type in ('client backend', 'autovacuum worker') or backend_type is null)
    order by
      state = 'idle' nulls last,
      xact_start nulls last,
      pid
    limit ${limit}`;
  return decodeForeign([...rows], ["database", "user", "query"]) as SessionListing[];
}

/** Counts client sessions other than Holdfast's that run a statement now. */
export async function countForeignActive(sql: Sql): Promise<number> {
  const [row] = await sql<{ active: number }[]>`
    select count(*)::int4 as active
    from pg_stat_activity
    where backend_type = 'client backend'
      and state = 'active'
      and application_name not like 'holdfast%'
      and pid <> pg_backend_pid()`;
  return row?.active ?? 0;
}
