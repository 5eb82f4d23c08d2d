import type { Sql } from "../../../db/connection.ts";

interface Written {
  database: string | null;
  node: string | null;
  kind: string;
  records: number;
  bytes: number;
  images: number;
}

interface Line {
  what: string;
  records: number;
  bytes: number;
  images: number;
}

const windowSeconds = 30;

/** Returns the tables and indexes of a database by file node; those of TOAST under the name of their table. */
async function namesByNode(sample: Sql): Promise<Map<string, string>> {
  const rows = await sample<{ node: string; name: string }[]>`
    select
      pg_relation_filenode(c.oid)::text as node,
      coalesce(t.oid::regclass::text || ' (toast)', c.oid::regclass::text) as name
    from pg_class as c
    left join pg_index as i on i.indexrelid = c.oid
    left join pg_class as t on t.reltoastrelid in (c.oid, i.indrelid) and t.reltoastrelid <> 0
    where pg_relation_filenode(c.oid) is not null`;
  return new Map(rows.map(({ node, name }) => [node, name]));
}

/**
 * Prints the WAL of some minutes: of all databases together, and what wrote it in the one of `sample`, by table and kind of
 * record. Records without a table, such as those of commits, are shared out evenly.
 */
export async function reportWal(
  { sql, sample, minutes, databases, pause }: {
    /** A superuser's connection to the server. */
    sql: Sql;
    sample: Sql;
    minutes: number;
    databases: number;
    pause: (ms: number) => Promise<void>;
  },
): Promise<void> {
  await sql`create extension if not exists pg_walinspect`;
  await sql`checkpoint`;
  const position = async () =>
    (await sql<{ at: string }[]>`select pg_current_wal_flush_lsn()::text as at`)[0]?.at ?? "0/0";
  const [from, began] = [await position(), performance.now()];
  await pause(minutes * 60_000);
  const [to, seconds] = [await position(), (performance.now() - began) / 1_000];
  const [row] = await sql<{ bytes: number }[]>`
    select pg_wal_lsn_diff(${to}::pg_lsn, ${from}::pg_lsn)::float8 as bytes`;
  const windows = seconds / windowSeconds;
  const total = (row?.bytes ?? NaN) / windows / databases;
  console.log(
    `\nWAL in ${seconds.toFixed(0)} s: ${
      (total / 1_024).toFixed(2)
    } kB a database in ${windowSeconds} s`,
  );
  const written = await sql<Written[]>`
    select
      substring(block_ref from 'rel \\d+/(\\d+)/\\d+') as database,
      substring(block_ref from 'rel \\d+/\\d+/(\\d+)') as node,
      resource_manager || ' ' || record_type as kind,
      count(*)::float8 as records,
      sum(record_length)::float8 as bytes,
      sum(fpi_length)::float8 as images
    from pg_get_wal_records_info(${from}::pg_lsn, ${to}::pg_lsn)
    group by database, node, kind`;
  const [own] = await sample<{ oid: string }[]>`
    select oid::text from pg_database where datname = current_database()`;
  const names = await namesByNode(sample);
  const lines = new Map<string, Line>();
  for (const { database, node, kind, records, bytes, images } of written) {
    if (database !== null && database !== own?.oid) continue;
    const share = windows * (database === null ? databases : 1);
    const what = node === null ? kind : `${kind}: ${names.get(node) ?? `file ${node}`}`;
    const line = lines.get(what) ?? { what, records: 0, bytes: 0, images: 0 };
    lines.set(what, line);
    line.records += records / share;
    line.bytes += bytes / share;
    line.images += images / share;
  }
  console.log(`| in ${windowSeconds} s | records | bytes | of them page images |`);
  console.log("| --- | ---: | ---: | ---: |");
  for (const one of [...lines.values()].sort((a, b) => b.bytes - a.bytes).slice(0, 60)) {
    console.log(
      `| ${one.what} | ${one.records.toFixed(2)} | ${one.bytes.toFixed(0)} | ${
        one.images.toFixed(0)
      } |`,
    );
  }
}
