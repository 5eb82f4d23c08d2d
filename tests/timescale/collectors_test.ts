import assert from "node:assert/strict";
import { chooseQuestion } from "../../db/collectors/choose.ts";
import type { VersionFacts } from "../../db/collectors/collector.ts";
import { type CollectorName, collectors } from "../../db/collectors/list.ts";
import { edit } from "../../db/collectors/timescale/rolled_up.ts";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import { imitateHypertable, imitateJob, imitateTimescale } from "../helpers/timescale.ts";
import { watch, type Watched } from "../helpers/watched.ts";

const open = (target: Target): Sql =>
  connectSql({
    target,
    max: 2,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });

const rows = <K extends CollectorName>({ collection }: Watched, name: K) => {
  assert.equal(collection.readings[name].error, undefined, name);
  return collection.readings[name].value ?? [];
};

const jobs = (watched: Watched) =>
  watched.signals().filter(({ name }) => name === "timescale_job_failing");

const plain: VersionFacts = {
  version_number: 180_004,
  statements_version: null,
  statements_schema: null,
  engine: "postgres",
  timescale_version: null,
};

const questionOf = (name: CollectorName, timescale_version: string | null) =>
  chooseQuestion(collectors.find((one) => one.name === name)!, {
    ...plain,
    engine: timescale_version === null ? "postgres" : "timescaledb",
    timescale_version,
  });

const rolledUp = ["tables", "indexes", "bloat", "missing_indexes", "sizes"] as const;

Deno.test("without TimescaleDB, or with an older one, the statements are the plain ones", () => {
  for (const name of rolledUp) {
    const without = questionOf(name, null);
    assert.ok("sql" in without && !without.sql.includes("timescale"), name);
    assert.deepEqual(questionOf(name, "2.18.2"), without);
    const choice = questionOf(name, "2.28.3");
    assert.ok("sql" in choice && choice.sql.includes("_timescaledb_catalog.hypertable"), name);
  }
});

Deno.test("an edit of a statement fails where its text does not occur once", () => {
  assert.equal(edit("a b c", { b: "d" }), "a d c");
  assert.throws(() => edit("a b c", { x: "d" }), /"x" occurs 0 times/);
  assert.throws(() => edit("a b b", { b: "d" }), /"b" occurs 2 times/);
});

/** A hypertable of three chunks, one compressed, beside a plain table and one that others inherit from. */
async function furnish(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create schema shop;
    create schema market;
    create table shop.owners (id int primary key);
    create table shop.metrics (
      dropped int, ts timestamptz not null, owner int references shop.owners, price float8, note text);
    alter table shop.metrics drop column dropped;
    create index metrics_ts on shop.metrics (ts desc);
    create index metrics_price on shop.metrics (price);
    create index metrics_price_too on shop.metrics (price);
    create table shop.parent (a int);
    create table shop.child () inherits (shop.parent);
    create table market.ticks (ts timestamptz not null, price float8);
  `).simple();
}

/** Jobs as the views show them, to a role that may read them and to one that may not. */
async function jobsMean(
  t: Deno.TestContext,
  { sql, target, watched }: { sql: Sql; target: Target; watched: Watched },
): Promise<void> {
  const table = "shop.metrics";
  await imitateJob(sql, {
    id: 1001,
    proc: "policy_retention",
    table,
    status: "Failed",
    failures: 3,
  });
  await imitateJob(sql, { id: 1002, proc: "policy_compression", table, status: "Success" });
  await imitateJob(sql, { id: 1003, proc: "cleanup", status: null });
  await imitateJob(sql, { id: 1004, proc: "paused", status: "Failed", scheduled: false });

  await t.step(
    "a job whose last run failed is failing; one that never ran is unknown",
    async () => {
      await watched.look();
      assert.deepEqual(
        Object.fromEntries(jobs(watched).map(({ scope, value }) => [scope, value])),
        { "policy_retention [1001]": 1, "policy_compression [1002]": 0, "cleanup [1003]": null },
      );
      const [worst] = rows(watched, "timescale_jobs");
      assert.equal(worst?.table, table);
      assert.deepEqual([worst.failures, worst.runs, worst.last_succeeded_at], [3, 9, null]);
      assert.equal(worst.next_start_at, Date.parse("2026-01-02T00:00Z") / 1_000);
    },
  );

  await t.step("a role that may not read the jobs: an error, and no value", async () => {
    await sql.unsafe(`
      create role stranger login;
      revoke select on timescaledb_information.jobs from public`).simple();
    const as: Target = target.kind === "url"
      ? { kind: "url", url: target.url.replace("postgres@", "stranger@") }
      : { ...target, user: "stranger" };
    const other = watch(as);
    try {
      await other.look();
      assert.match(other.collection.readings.timescale_jobs.error ?? "", /^42501/);
      assert.equal(jobs(other).length, 0);
      assert.ok(rows(other, "tables").some((row) => row.table === table));
    } finally {
      await other.end();
    }
  });
}

async function meaning(t: Deno.TestContext, target: Target): Promise<void> {
  const sql = open(target);
  const watched = watch(target);
  try {
    await furnish(sql);
    await watched.look();

    await t.step("hypertables are plain tables while TimescaleDB is not installed", () => {
      assert.equal(rows(watched, "server")[0]?.engine, "postgres");
      assert.equal(rows(watched, "server")[0]?.timescale_version, null);
      assert.equal(rows(watched, "sizes")[0]?.market_bytes, 0);
      const { missing } = watched.collection.readings.timescale_jobs;
      assert.equal(missing, "TimescaleDB is not installed in this database");
      assert.equal(jobs(watched).length, 0, "there is no value, not 0");
    });

    await imitateTimescale(sql);
    await imitateHypertable(sql, "shop.metrics", [
      { day: "2026-01-01", compressed: true },
      { day: "2026-01-02" },
      { day: "2026-01-03" },
    ]);
    await imitateHypertable(sql, "market.ticks", [{ day: "2026-01-01" }, {
      day: "2026-01-02",
      compressed: true,
    }], { internal: false });
    await sql.unsafe(`
      insert into _timescaledb_internal._hyper_1_2_chunk (ts, price, note)
        select timestamptz '2026-01-02 00:00Z' + g * interval '4 s', g, repeat('x', 100)
        from generate_series(1, 21000) as g;
      alter table _timescaledb_internal._hyper_1_2_chunk
        add foreign key (owner) references shop.owners;
      insert into market.ticks values ('2026-01-01 12:00Z', 1);
      create index only_here on _timescaledb_internal._hyper_1_3_chunk (note);
      create table _timescaledb_internal.leftover (a int);
    `).simple();
    await sql`delete from shop.metrics where price > 1000`;
    await sql.unsafe("analyze");
    await sql.unsafe(`update pg_class set relpages = 1000, reltuples = 50000
      where oid = '_timescaledb_internal._hyper_1_1_chunk'::regclass`);
    await watched.look();
    await watched.look();

    await t.step("chunks and compressed rows count for their hypertable", () => {
      assert.equal(rows(watched, "server")[0]?.engine, "timescaledb");
      const tables = rows(watched, "tables");
      assert.deepEqual(
        tables.map(({ table }) => table).filter((name) => !name.startsWith("holdfast")).sort(),
        ["market.ticks", "shop.child", "shop.metrics", "shop.owners", "shop.parent"],
      );
      const metrics = tables.find(({ table }) => table === "shop.metrics");
      assert.equal(metrics?.leaves, 3);
      assert.ok(metrics.heap_bytes > 300 * 8192, "the pages of the chunk with rows");
      assert.ok(metrics.heap_bytes < 900 * 8192, "not those of before compression");
      assert.ok(metrics.rows_estimate >= 51_000 && metrics.rows_estimate < 72_001);
      assert.equal(tables.find(({ table }) => table === "market.ticks")?.leaves, 2);
    });

    await t.step(
      "the size of market includes its chunks, and not the extension's own tables",
      () => {
        const { market_bytes = 0 } = rows(watched, "sizes")[0] ?? {};
        assert.equal(
          market_bytes,
          4 * 8192,
          "a page of ticks, one of compressed rows, two of its index",
        );
      },
    );

    await t.step(
      "indexes of chunks count for the hypertable's, and no index of the extension is judged",
      () => {
        const { all } = watched.collection.view(null as never).indexes!;
        assert.deepEqual(
          all.filter(({ table }) => table === "shop.metrics").map(({ name, partitions }) =>
            `${name} ${partitions}`
          ).sort(),
          ["shop.metrics_price 3", "shop.metrics_price_too 3", "shop.metrics_ts 3"],
        );
        assert.deepEqual(all.filter(({ name }) => name.includes("timescale")), []);
        const twin = all.find(({ duplicate_of }) => duplicate_of !== null);
        assert.match(twin?.cure?.sql ?? "", /^drop index "shop"."metrics_price(_too)?"$/);
      },
    );

    await t.step("reads of a chunk's index are reads of the hypertable's", async () => {
      const reader = open(target);
      await reader.unsafe(`
        set enable_seqscan = off;
        select count(*) from _timescaledb_internal._hyper_1_2_chunk where ts = '2026-01-02 00:00:04Z'`)
        .simple();
      await reader.end(); // a session hands in its statistics at its end
      await eventually(async () => {
        await watched.look();
        return watched.collection.view(null as never).indexes!.all
          .find(({ name }) => name === "shop.metrics_ts")!.scans >= 1;
      }, "the scan counts");
    });

    await t.step("an index that a chunk lacks is not judged", async () => {
      await sql.unsafe("drop index _timescaledb_internal._hyper_1_2_chunk_metrics_price");
      await sql.unsafe("drop index _timescaledb_internal._hyper_1_2_chunk_metrics_price_too");
      await watched.look();
      const { all } = watched.collection.view(null as never).indexes!;
      assert.deepEqual(
        all.filter(({ table }) => table === "shop.metrics").map(({ name }) => name),
        ["shop.metrics_ts"],
      );
    });

    await t.step(
      "a foreign key of a chunk is the hypertable's, which may not be indexed concurrently",
      () => {
        const missing = rows(watched, "missing_indexes");
        assert.deepEqual(
          missing.map(({ schema, name, is_hypertable }) => [schema, name, is_hypertable]),
          [["shop", "metrics", true]],
        );
      },
    );

    await t.step(
      "the bloat of a chunk is its hypertable's; that of compressed rows is not estimated",
      () => {
        const bloat = rows(watched, "bloat");
        assert.deepEqual(
          bloat.filter(({ kind }) => kind === "table").map(({ name }) => name),
          ["shop.metrics"],
        );
        assert.ok(bloat.every(({ name }) => !name.includes("timescale")), JSON.stringify(bloat));
      },
    );
    await jobsMean(t, { sql, target, watched });
  } finally {
    await watched.end();
    await sql.end({ timeout: 2 });
  }
}

Deno.test("hypertables on the embedded Postgres", async (t) => {
  const server = await startServer();
  try {
    await meaning(t, server.target);
  } finally {
    await server.stop();
  }
});

testWith(debianPostgres, "hypertables on Debian's Postgres 15", async (t) => {
  const server = await createDebianServer();
  try {
    await server.start();
    await meaning(t, { kind: "url", url: server.url });
  } finally {
    await server.remove();
  }
});
