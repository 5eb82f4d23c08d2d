// Runs alone: its server starts with the import.
import assert from "node:assert/strict";
import { chooseQuestion } from "../../db/collectors/choose.ts";
import { askCollector, askVersions } from "../../db/collectors/ask.ts";
import { type CollectorName, collectors } from "../../db/collectors/list.ts";
import postgres from "postgres";
import { imitateCitus } from "./imitation.ts";
import { startTcpServer } from "./tcp_server.ts";

const { url, sql, stop } = await startTcpServer();
Deno.test.afterAll(stop);

const named = (name: CollectorName) => collectors.find((one) => one.name === name)!;

/** The rows of a collector on this server, or why it has none. */
async function read(name: CollectorName, as = sql): Promise<unknown> {
  const collector = named(name);
  const choice = chooseQuestion(collector, await askVersions(as));
  return "missing" in choice ? choice.missing : await askCollector(as, collector, choice.sql);
}

Deno.test("without the extension, nothing is asked, and the reason is said", async () => {
  for (const name of ["citus_nodes", "citus_shards"] as const) {
    assert.equal(await read(name), "the database has no citus");
  }
});

Deno.test("nodes that answer, that do not, and that are disabled; and the shards of a table with partitions", async () => {
  await sql.unsafe(`
    create schema far;
    create table far.t (ts timestamptz, n int) partition by range (ts);
    create table far.a partition of far.t for values from ('2026-01-01') to ('2026-02-01');
    create table far.b partition of far.t for values from ('2026-02-01') to ('2026-03-01');
    create table far.plain (n int)`).simple();
  await imitateCitus(sql, {
    group: 0,
    nodes: [
      { id: 1, group: 0, port: 1, shouldHaveShards: false },
      { id: 2, group: 1, port: 2 },
      { id: 3, group: 2, port: 3, answers: false },
      { id: 4, group: 3, port: 4, active: false },
    ],
  });
  const node = (at: number, active: boolean, takes_shards: boolean, answers: boolean) => ({
    node: `localhost:${at}`,
    active,
    takes_shards,
    answers,
  });
  assert.deepEqual(await read("citus_nodes"), [
    node(1, true, false, true),
    node(2, true, true, true),
    node(3, true, true, false),
    node(4, false, true, false),
  ]);
  assert.deepEqual(await read("citus_shards"), []);

  await sql.unsafe(`
    insert into pg_catalog.pg_dist_partition (logicalrelid, partmethod)
    values ('far.t', 'h'), ('far.a', 'h'), ('far.b', 'h'), ('far.plain', 'h');
    insert into pg_catalog.pg_dist_shard (logicalrelid, shardid)
    values ('far.a', 102001), ('far.a', 102002), ('far.b', 102003), ('far.plain', 102004);
    insert into pg_catalog.pg_dist_placement (placementid, shardid, groupid)
    values (1, 102001, 1), (2, 102002, 2), (3, 102003, 1), (4, 102004, 1);
    insert into public.imitated_sizes values (102001, 100), (102003, 200), (102004, 0);
    update public.imitated_answers set estimates = '{"102001": 10, "102003": 30, "102004": -1, "7": 5}'
    where nodeid = 2;
    update public.imitated_answers set estimates = 'connection refused' where nodeid = 3`).simple();
  const part = (table: string, at: number, shards: number, sums: (number | null)[]) => ({
    table,
    node: `localhost:${at}`,
    shards,
    bytes: sums[0],
    rows_estimate: sums[1],
  });
  assert.deepEqual(await read("citus_shards"), [
    part("far.plain", 2, 1, [0, null]),
    part("far.t", 2, 2, [300, 40]),
    part("far.t", 3, 1, [null, null]),
  ]);
});

Deno.test("a role with pg_monitor alone may ask, and an ACCESS EXCLUSIVE lock on a table does not stop it", async () => {
  await sql`create role watcher login`;
  await sql`grant pg_monitor to watcher`;
  const other = postgres(url.replace("postgres@", "watcher@"), { max: 1, onnotice: () => {} });
  try {
    await other`set statement_timeout = '5s'`;
    await sql.begin(async (tx) => {
      await tx`lock table far.t, far.plain in access exclusive mode`;
      assert.equal((await read("citus_nodes", other) as unknown[]).length, 4);
      assert.equal((await read("citus_shards", other) as unknown[]).length, 3);
    });
  } finally {
    await other.end();
  }
});
