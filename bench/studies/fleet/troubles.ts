import type { Sql } from "../../../db/connection.ts";
import { quoteIdent } from "../../../db/sql.ts";

/** What is wrong with one of the databases, and how it is brought about. */
export const troubles = ["frozen", "locked", "dropped", "latin1", "read_only"] as const;
export type Trouble = (typeof troubles)[number];

/** A TCP port in front of another that can stop passing on bytes without closing, as a frozen server does. */
export interface Link {
  port: number;
  freeze(): void;
  stop(): Promise<void>;
}

/** Starts a link to `port` of this machine. */
export function startLink(port: number): Link {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let frozen = false;

  async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        for (let at = 0; at < read && !frozen;) at += await to.write(buffer.subarray(at, read));
      }
    } catch {
      // closed by either side
    }
    for (const side of [from, to]) {
      open.delete(side);
      try {
        side.close();
      } catch {
        // closed already
      }
    }
  }

  async function accept(): Promise<void> {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      open.add(client).add(server);
      void pump(client, server);
      void pump(server, client);
    }
  }

  const accepting = accept().catch(() => {});
  return {
    port: listener.addr.port,
    freeze: () => frozen = true,
    async stop() {
      listener.close();
      await accepting;
      for (const side of open) {
        try {
          side.close();
        } catch {
          // closed already
        }
      }
    },
  };
}

/** Creates the databases of the study on the server of `sql`; the one in LATIN1 among them. */
export async function createDatabases(sql: Sql, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const how = name === "latin1"
      ? "template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'"
      : "template template0";
    await sql.unsafe(`create database ${quoteIdent(name)} ${how}`);
  }
}

/** Locks every table of Holdfast in the database of `sql` until `release` is called. */
export async function lockTables(sql: Sql): Promise<{ release(): Promise<void> }> {
  const tables = await sql<{ name: string }[]>`
    select oid::regclass::text as name
    from pg_class
    where relnamespace = 'holdfast'::regnamespace
      and relkind in ('r', 'p')
    order by oid`;
  await sql.unsafe("begin");
  await sql.unsafe(
    `lock table ${tables.map(({ name }) => name).join(", ")} in access exclusive mode`,
  );
  return {
    release: async () => {
      await sql.unsafe("rollback");
    },
  };
}

/** Drops one database though sessions use it, and makes another refuse writes in new sessions. */
export async function dropAndRestrict(sql: Sql): Promise<void> {
  await sql.unsafe("drop database dropped with (force)");
  await sql.unsafe("alter database read_only set default_transaction_read_only = on");
  await sql`
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where datname = 'read_only'`;
}
