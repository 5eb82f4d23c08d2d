import { sql } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";
import type { Sql } from "../connection.ts";
import { inTransaction } from "../session/transaction.ts";
import { quoteIdent } from "../sql.ts";

/** Where a read-only default is set; "server": the configuration file or the command line. */
export type DefaultPlace =
  | "role in database"
  | "role"
  | "database"
  | "all roles"
  | "server";

/** Whether a server and this session take writes. Cheap to read: polled every few seconds. */
export interface WriteFacts {
  database: string;
  role: string;
  in_recovery: boolean;
  /** Whether this session is read-only. */
  read_only: boolean;
  /** The source of this session's read-only default, as in pg_settings.source; null: it can write. */
  source: string | null;
  /** The value that `alter role` or `alter database` set for new sessions of this role; null: none. */
  new_sessions_read_only: boolean | null;
  /** Where that value is set. */
  set_for: Exclude<DefaultPlace, "server"> | null;
}

/** The source of a standby's WAL; null is what the role may not see. */
export interface StandbySource {
  receiver: string | null;
  host: string | null;
  port: number | null;
  /** Whether a primary is configured; false: it restores from an archive. */
  streams: boolean | null;
}

const factsText = `
  select
    current_database()::text as database,
    session_user::text as role,
    pg_is_in_recovery() as in_recovery,
    current_setting('transaction_read_only') = 'on' as read_only,
    case when current_setting('transaction_read_only') = 'on' then (
      select source from pg_settings where name = 'default_transaction_read_only'
    ) end as source,
    preset.value as new_sessions_read_only,
    preset.place as set_for
  from (values (1)) as one
  left join lateral (
    select
      split_part(entry, '=', 2)::bool as value,
      case
        when s.setdatabase <> 0 and s.setrole <> 0 then 'role in database'
        when s.setrole <> 0 then 'role'
        when s.setdatabase <> 0 then 'database'
        else 'all roles'
      end as place
    from pg_db_role_setting as s
    cross join lateral unnest(s.setconfig) as entry
    where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
      and s.setrole in (0, (select oid from pg_roles where rolname = session_user))
      and entry like 'default\\_transaction\\_read\\_only=%'
    order by s.setdatabase <> 0 and s.setrole <> 0 desc, s.setrole <> 0 desc, s.setdatabase <> 0 desc
    limit 1
  ) as preset on true`;

// pg_stat_wal_receiver needs pg_read_all_stats, and the setting needs pg_read_all_settings.
const sourceText = `
  select
    (select status from pg_stat_wal_receiver) as receiver,
    (select sender_host from pg_stat_wal_receiver) as sender_host,
    (select sender_port::int4 from pg_stat_wal_receiver) as sender_port,
    (select setting from pg_settings where name = 'primary_conninfo') as conninfo`;

interface SourceRow {
  receiver: string | null;
  sender_host: string | null;
  sender_port: number | null;
  conninfo: string | null;
}

/** Returns the value of a keyword of a libpq connection string; undefined when it is missing. */
function keywordOf(conninfo: string, keyword: string): string | undefined {
  const found = new RegExp(`(?:^|\\s)${keyword}\\s*=\\s*(?:'((?:[^'\\\\]|\\\\.)*)'|(\\S+))`).exec(
    conninfo,
  );
  return found?.[1]?.replaceAll(/\\(.)/g, "$1") ?? found?.[2];
}

/** Returns the primary that a standby shows; of its connection string only host and port. Pure. */
export function sourceOf(
  { receiver, sender_host, sender_port, conninfo }: SourceRow,
): StandbySource {
  const host = sender_host ?? (conninfo ? keywordOf(conninfo, "host") : undefined) ?? null;
  const port = sender_port ?? (Number(conninfo ? keywordOf(conninfo, "port") : NaN) || null);
  return { receiver, host, port, streams: conninfo === null ? null : conninfo.trim() !== "" };
}

/** Reads whether this server and this session take writes. */
export async function readWriteFacts(db: RecordsDb): Promise<WriteFacts> {
  const [row] = await db.run((own) =>
    own.execute<WriteFacts & Record<string, unknown>>(sql.raw(factsText))
  );
  if (!row) throw new Error("Cannot read whether the server takes writes: it returned no row");
  return row;
}

/** Reads the same over a plain connection. */
export async function examineWriting(plain: Sql): Promise<WriteFacts> {
  const [row] = await plain.unsafe<WriteFacts[]>(factsText);
  if (!row) throw new Error("Cannot read whether the server takes writes: it returned no row");
  return row;
}

/** Reads where the WAL of a standby comes from. */
export async function readStandbySource(db: RecordsDb): Promise<StandbySource> {
  const [row] = await db.run((own) =>
    own.execute<SourceRow & Record<string, unknown>>(sql.raw(sourceText))
  );
  if (!row) throw new Error("Cannot read whether the server takes writes: it returned no row");
  return sourceOf(row);
}

/** Reads the same over a plain connection. */
export async function examineSource(plain: Sql): Promise<StandbySource> {
  const [row] = await plain.unsafe<SourceRow[]>(sourceText);
  if (!row) throw new Error("Cannot read whether the server takes writes: it returned no row");
  return sourceOf(row);
}

/** Returns whether Holdfast's own schema exists and this role may create tables in it. */
export async function mayTryWriting(plain: Sql): Promise<boolean> {
  const [row] = await plain<{ may: boolean }[]>`
    select coalesce(has_schema_privilege(to_regnamespace('holdfast')::oid, 'create'), false) as may`;
  return row?.may ?? false;
}

/** Thrown to end the trial with a rollback. */
class TrialDone extends Error {}

/**
 * Writes a few pages in a transaction and rolls it back; works behind a pooler. Throws the server's error, such as 53100
 * (disk full) or 54000 (no transaction ids left).
 */
export async function tryWriting(plain: Sql): Promise<void> {
  // Behind a pooler in transaction mode, earlier versions did not remove this table.
  await plain`drop table if exists holdfast.write_trial`;
  try {
    await inTransaction(plain, async (sql) => {
      await sql`
        create table holdfast.write_trial as
        select repeat('x', 1000) as filler from generate_series(1, 256)`;
      throw new TrialDone();
    });
  } catch (error) {
    if (!(error instanceof TrialDone)) throw error;
  }
}

/** Returns the statements that reset a read-only default, for a session that itself began with it. Pure. */
export function resetReadOnlyDefault(
  { database, role }: Pick<WriteFacts, "database" | "role">,
  place: DefaultPlace,
): string {
  const [db, user] = [quoteIdent(database), quoteIdent(role)];
  const name = "default_transaction_read_only";
  const written = (statement: string) => `begin read write; ${statement} reset ${name}; commit`;
  switch (place) {
    case "role in database":
      return written(`alter role ${user} in database ${db}`);
    case "role":
      return written(`alter role ${user}`);
    case "database":
      return written(`alter database ${db}`);
    case "all roles":
      return written("alter role all");
    case "server":
      return `alter system reset ${name}; select pg_reload_conf()`;
  }
}
