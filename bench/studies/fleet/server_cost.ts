import type { Sql } from "../../../db/connection.ts";

/** What a server has done so far, all its databases together. */
export interface ServerCost {
  /** Processor seconds of the server and all its sessions, those that ended included. */
  cpuSeconds: number;
  transactions: number;
  walBytes: number;
  /** Sessions of Holdfast, by application name. */
  sessions: Readonly<Record<string, number>>;
}

/** Returns the processor seconds of a process and all its children; /proc is read by cat, because Deno restricts it. */
async function cpuOfFamily(parent: number): Promise<number> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", "cat /proc/[0-9]*/stat"],
    stderr: "null",
  }).output();
  let ticks = 0;
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const pid = Number(line.split(" ")[0]);
    const fields = (line.split(") ")[1] ?? "").split(" ").map(Number);
    // user, system, and both of the children that ended
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    if (pid === parent) ticks += user + system + endedUser + endedSystem;
    else if (fields[1] === parent) ticks += user + system;
  }
  return ticks / 100;
}

/** Returns the process id of the server that `sql` is connected to, which must be on this machine. */
export async function postmasterOf(sql: Sql): Promise<number> {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${row?.pid}/stat`] }).output();
  return Number((new TextDecoder().decode(stdout).split(") ")[1] ?? "").split(" ")[1]);
}

/** Reads what a server has done so far. */
export async function readServerCost(sql: Sql, postmaster: number): Promise<ServerCost> {
  const [row] = await sql<{ transactions: number; wal_bytes: number }[]>`
    select
      (select sum(xact_commit + xact_rollback) from pg_stat_database)::float8 as transactions,
      pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal_bytes`;
  const sessions = await sql<{ name: string; count: number }[]>`
    select
      application_name as name,
      count(*)::int as count
    from pg_stat_activity
    where application_name like 'holdfast%'
    group by application_name
    order by application_name`;
  return {
    cpuSeconds: await cpuOfFamily(postmaster),
    transactions: row?.transactions ?? NaN,
    walBytes: row?.wal_bytes ?? NaN,
    sessions: Object.fromEntries(sessions.map(({ name, count }) => [name, count])),
  };
}
