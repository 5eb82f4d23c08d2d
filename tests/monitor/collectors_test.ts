import assert from "node:assert/strict";
import { type CollectorName, collectors } from "../../db/collectors/list.ts";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { postgresVersions } from "../helpers/versions.ts";
import { watch, type Watched } from "../helpers/watched.ts";

const silent = createLogger({ level: "error", write: () => {} });

const open = (target: Target): Sql =>
  connectSql({
    target,
    max: 3,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });

/** One of everything that the collectors look for. */
async function furnish(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create schema shop;
    create extension if not exists pg_stat_statements;
    create table shop.prints (ts timestamptz not null, price float8, note text) partition by range (ts);
    create table shop.prints_a partition of shop.prints for values from ('2026-01-01') to ('2026-01-02');
    create table shop.prints_b partition of shop.prints for values from ('2026-01-02') to ('2026-01-03');
    alter table shop.prints_a set (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0);
    create index prints_ts on shop.prints (ts);
    create index prints_ts_too on shop.prints (ts);
    create index prints_ts_price on shop.prints (ts, price);
    insert into shop.prints select '2026-01-01'::timestamptz + g * interval '1 s', g, repeat('x', 100)
      from generate_series(1, 2000) as g;
    delete from shop.prints_a where price <= 100;
    create table shop.parents (id int primary key);
    create table shop.children (id smallserial, parent int references shop.parents (id), twin int);
    select setval('shop.children_id_seq', 32000);
    insert into shop.children (twin) values (1), (1);
    create table shop.wide (id int, filler text) with (autovacuum_enabled = off);
    insert into shop.wide select g, repeat('x', 500) from generate_series(1, 20000) as g;
    delete from shop.wide where id % 10 <> 0;
    analyze shop.wide;
    create table shop."Odd ""prints" (day date not null) partition by range (day);
    create table shop.by_symbol (symbol text, ts timestamptz) partition by list (symbol);
    create table shop.by_symbol_a partition of shop.by_symbol for values in ('a') partition by range (ts);
    create table shop.by_symbol_a_old partition of shop.by_symbol_a for values from (minvalue) to ('2020-01-01');
    create table shop.nested (ts timestamp) partition by range (ts);
    create table shop.nested_a partition of shop.nested for values from ('2026-01-01') to (maxvalue)
      partition by range (ts);
    create table shop.nested_a_1 partition of shop.nested_a for values from ('2026-01-01') to (maxvalue);
    create table shop.with_default (ts date) partition by range (ts);
    create table shop.with_default_all partition of shop.with_default default;
    create table shop.ids (id bigint) partition by range (id);
    create table shop.ids_a partition of shop.ids for values from (0) to (1000);
    do $$
    begin
      execute format('create table shop.odd_1 partition of shop."Odd ""prints" for values from (%L) to (%L)',
        current_date - 4, current_date + 2);
    end $$;
    insert into shop."Odd ""prints" values (current_date), (current_date - 1);
    insert into shop.nested select '2026-01-01' from generate_series(1, 3);
    create schema partman;
    create table partman.part_config (parent_table text, premake int);
    insert into partman.part_config values ('shop.Odd "prints', 4);
  `).simple();
  await assert.rejects(sql`create unique index concurrently children_twin on shop.children (twin)`);
  await sql`vacuum shop.wide`;
}

const rows = <K extends CollectorName>({ collection }: Watched, name: K) =>
  collection.readings[name].value ?? [];

async function meaning(t: Deno.TestContext, target: Target, major: number): Promise<void> {
  const sql = open(target);
  const watched = watch(target);
  try {
    const furnisher = open(target);
    await furnish(furnisher);
    await furnisher.end(); // a session hands in its statistics at its end
    await sql`select pg_create_physical_replication_slot('idle_standby', true)`;
    const session = await sql.reserve();
    await session`begin`;
    await session`insert into shop.parents values (1)`;
    await session`prepare transaction 'forgotten'`;
    session.release();
    await eventually(async () => {
      await watched.look();
      const table = rows(watched, "tables").find((row) => row.table === "shop.prints");
      return table?.dead_rows === 100 && watched.value("transactions_per_second") !== null;
    }, "the statistics are handed in");
    for (let call = 0; call < 7; call++) {
      await sql`select count(*) from shop.parents where id = ${call}`;
    }
    await sql`checkpoint`;
    await eventually(async () => {
      await watched.look();
      const statement = watched.collection.statements.report(1_000, "recent")
        .find(({ query }) => query?.includes("from shop.parents where id"));
      return statement?.calls === 7 && watched.value("transactions_per_second") !== null &&
        watched.value("sequence_left_seconds", "shop.children_id_seq") !== null &&
        watched.value("checkpoints_requested_per_hour")! > 0;
    }, "a second look");

    await t.step("every collector answers, or says what it lacks", () => {
      for (const { name } of collectors) {
        const { error, at, missing } = watched.collection.readings[name];
        assert.equal(error, undefined, name);
        const lacks = name === "timescale_jobs"
          ? "TimescaleDB is not installed in this database"
          : name.startsWith("citus_")
          ? "the database has no citus"
          : name === "io" && major < 16
          ? "needs Postgres 16"
          : undefined;
        assert.equal(missing, lacks, name);
        assert.equal(at === undefined, lacks !== undefined, name);
      }
    });

    await t.step("only what this server cannot know is unknown", () => {
      const unknown = watched.signals().filter(({ value }) => value === null).map(({ name }) =>
        name
      );
      const expected = new Set([
        "standby_replay_delay_seconds",
        "standby_receiving",
        "standby_paused",
        "slot_safe_bytes",
        "slot_safe_ratio",
        ...(major < 16
          ? watched.signals().map(({ name }) => name).filter((n) => n.startsWith("io_"))
          : []),
        ...(major < 17 ? ["slot_inactive_seconds"] : []),
        ...(major === 18 ? [] : ["checksum_failures"]),
        "unmanaged_runway_seconds", // of a key that is no time
        "cache_hit_ratio", // too few blocks between two looks
        "rollback_ratio",
      ]);
      assert.deepEqual(unknown.filter((name) => !expected.has(name)), []);
    });

    await t.step("ids, horizons and slots", () => {
      assert.ok(watched.value("xid_age")! > 0);
      assert.ok(watched.value("wraparound_seconds")! > 0);
      assert.ok(watched.value("xmin_horizon_age")! > 0);
      const holder = rows(watched, "xmin_horizon").find(({ kind }) =>
        kind === "prepared transaction"
      );
      assert.equal(holder?.name, "forgotten");
      assert.ok(watched.value("oldest_prepared_transaction_seconds")! > 0);
      assert.ok(watched.value("slot_retained_bytes", "idle_standby")! > 0);
      assert.equal(watched.value("slot_lost", "idle_standby"), 0);
      if (major >= 17) assert.ok(watched.value("slot_inactive_seconds", "idle_standby")! >= 0);
      assert.ok(rows(watched, "wal")[0]!.bytes > 0);
      assert.ok(watched.value("wal_bytes_per_second")! >= 0);
      assert.ok(watched.value("checkpoints_requested_per_hour")! > 0);
      assert.equal(watched.value("archiver_failing"), 0);
    });

    await t.step("partitions are rolled up to their parent", () => {
      const table = rows(watched, "tables").find((row) => row.table === "shop.prints");
      assert.equal(table?.leaves, 2);
      assert.equal(table.dead_rows, 100);
      assert.equal(table.worst_leaf, "shop.prints_a");
      assert.ok(table.vacuum_lag >= 9 && table.vacuum_lag <= 10, `${table.vacuum_lag}`);
      assert.equal(rows(watched, "tables").some((row) => row.table.includes("prints_a")), false);
      assert.equal(
        rows(watched, "tables").find((row) => row.table === "shop.wide")?.vacuumed,
        false,
      );
      assert.equal(watched.value("table_growth_bytes_per_day", "shop.prints"), 0);
    });

    await t.step("tables without a policy are known with the end of their last partition", () => {
      const { unmanaged } = watched.collection.view(
        null as never,
        undefined,
        undefined,
        new Set(["shop.by_symbol_a"]),
      );
      const found = Object.fromEntries((unmanaged ?? []).map((one) => [one.table, one]));
      assert.deepEqual(
        Object.entries(found).map(([table, { state }]) => `${table} ${state}`).sort(),
        [
          'shop.Odd "prints inserting',
          "shop.ids unknown",
          "shop.nested endless",
          "shop.prints ended",
        ],
      );
      const odd = found['shop.Odd "prints'];
      assert.equal(odd?.last_partition, "shop.odd_1");
      assert.equal(odd?.managed_by, "pg_partman");
      assert.equal(odd?.row.partman_schema, "partman");
      const left = odd?.runway_seconds ?? 0;
      assert.ok(left > 86_400 - 60 && left <= 2 * 86_400, `${left}`);
      assert.equal(found["shop.prints"]?.ends_at, "2026-01-03T00:00:00.000Z");
      assert.equal(found["shop.prints"]?.managed_by, null);
      const nested = rows(watched, "range_tables").find(({ table }) => table === "shop.nested");
      assert.deepEqual(nested?.inserted, [3], "inserts below a partition are its own");
    });

    await t.step("indexes are judged by their keys", () => {
      const { all } = watched.collection.view(null as never).indexes!;
      const find = (name: string) => all.find((one) => one.name === `shop.${name}`);
      assert.equal(find("prints_ts")?.partitions, 2);
      const twins = [find("prints_ts"), find("prints_ts_too")];
      const spare = twins.filter((one) => one?.duplicate_of);
      assert.equal(spare.length, 1, "one of the two stays");
      assert.equal(spare[0]?.duplicate_of, twins.find((one) => one !== spare[0])?.name);
      assert.equal(twins.find((one) => one !== spare[0])?.covered_by, "shop.prints_ts_price");
      assert.deepEqual(find("prints_ts_price")?.problems, []);
      assert.deepEqual(find("parents_pkey")?.problems, []);
      assert.deepEqual(find("children_twin")?.problems, ["invalid"]);
      assert.match(find("children_twin")!.cure!.sql, /^reindex index concurrently "shop"/);
      assert.equal(watched.value("invalid_indexes"), 1);
      assert.deepEqual(
        rows(watched, "missing_indexes").map(({ name, columns }) => [name, columns]),
        [["children", ["parent"]]],
      );
    });

    await t.step("a sequence is measured against the column it feeds", () => {
      const used = watched.value("sequence_used_ratio", "shop.children_id_seq")!;
      assert.ok(Math.abs(used - 32_002 / 32_767) < 0.001, `${used}`);
      assert.ok(watched.value("sequence_left_seconds", "shop.children_id_seq")! > 0);
    });

    await t.step("a table that is nine tenths holes is bloated, a full one is not", () => {
      const bloat = rows(watched, "bloat").find(({ name }) => name === "shop.wide");
      assert.ok(
        bloat && bloat.bloat_ratio > 0.85 && bloat.bloat_ratio < 0.93,
        JSON.stringify(bloat),
      );
    });

    await t.step("statements have their calls of late, and their text", () => {
      const report = watched.collection.statements.report(1_000, "recent");
      const found = report.find(({ query }) => query?.includes("from shop.parents where id"));
      assert.equal(found?.calls, 7);
      assert.equal(found.recent?.calls, 7);
      assert.ok(found.mean_ms > 0 && found.share > 0 && found.share <= 1);
      assert.ok(watched.value("statement_load")! > 0);
    });

    await t.step("input and output of backends are counted from 16 on", () => {
      if (major < 16) return;
      const backends = new Set(rows(watched, "io").map(({ backend }) => backend));
      assert.ok(backends.has("client_backend") && backends.has("checkpointer"));
      const total = rows(watched, "io").reduce((sum, row) => sum + row.write_bytes, 0);
      assert.ok(total > 0 && total % 8192 === 0, "bytes are whole pages");
    });

    await t.step(
      "locks on a leaf, its parent and an own table keep no collector waiting",
      async () => {
        const blocker = await sql.reserve();
        await blocker`begin`;
        await blocker`lock table shop.prints_a, shop.prints, shop.children, shop.wide, partman.part_config
        in access exclusive mode`;
        await within(2_000, "a look beside the locks", async () => {
          const started = performance.now();
          await watched.look();
          return performance.now() - started;
        });
        await blocker`rollback`;
        blocker.release();
        assert.deepEqual(
          collectors.filter(({ name }) => watched.collection.readings[name].error !== undefined),
          [],
        );
      },
    );

    await t.step("a young prepared transaction is seen behind twenty older snapshots", async () => {
      await sql`rollback prepared 'forgotten'`;
      const many = connectSql({
        target,
        max: 21,
        applicationName: "test",
        statementTimeoutMs: 20_000,
        lockTimeoutMs: 10_000,
        pooled: false,
      });
      const old = await Promise.all(Array.from({ length: 21 }, () => many.reserve()));
      try {
        for (const one of old) {
          await one`begin isolation level repeatable read`;
          await one`select 1`;
        }
        await sql`insert into shop.parents values (2)`; // the next xid is younger than all snapshots
        const session = await sql.reserve();
        await session`begin`;
        await session`insert into shop.parents values (3)`;
        await session`prepare transaction 'forgotten'`;
        session.release();
        await watched.look();
        assert.ok(watched.value("oldest_prepared_transaction_seconds")! > 0);
        const holders = rows(watched, "xmin_horizon");
        assert.equal(holders.at(-1)?.name, "forgotten");
        assert.equal(holders.length, 21);
      } finally {
        for (const one of old) {
          await one`rollback`;
          one.release();
        }
        await many.end({ timeout: 2 });
      }
    });

    await t.step(
      "a role without pg_monitor: what it may not see is unknown, and no collector fails",
      async () => {
        assert.ok(target.kind === "url" || target.kind === "socket");
        await sql`create role plain login password 'plain'`;
        const as: Target = target.kind === "socket"
          ? { kind: "url", url: embeddedUrl(target, { user: "plain:plain" }) }
          : { kind: "url", url: target.url.replace("postgres@", "plain@") };
        const plain = watch(as);
        try {
          await plain.look();
          for (const { name } of collectors) {
            assert.equal(plain.collection.readings[name].error, undefined, name);
          }
          assert.equal(plain.value("xmin_horizon_age"), null);
          assert.equal(plain.value("longest_transaction_seconds"), null);
          assert.equal(plain.value("standbys"), null, "it sees no receivers of WAL");
          assert.equal(plain.value("sequence_used_ratio", "shop.children_id_seq"), null);
          assert.ok(plain.value("xid_age")! > 0);
          const range = rows(plain, "range_tables");
          assert.ok(
            range.some(({ table, bounds }) => table === "shop.prints" && bounds.length === 2),
          );
          assert.ok(range.every(({ by_partman }) => by_partman === null), "it may not read them");
        } finally {
          await plain.end();
        }
      },
    );
  } finally {
    await sql`rollback prepared 'forgotten'`.catch(() => {});
    await watched.end();
    await sql.end({ timeout: 2 });
  }
}

Deno.test("the collectors on the embedded Postgres 18", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-collectors-" });
  await Deno.chmod(folder, 0o755);
  const server = await createEmbeddedServer({ dataDir: folder, log: silent });
  await server.start();
  try {
    const sql = open(server.admin);
    await sql`alter system set max_prepared_transactions = 5`;
    await sql.end();
    await server.stop();
    await server.start();
    await meaning(t, server.admin, 18);
  } finally {
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
});

for (const { major, bin, remove } of await postgresVersions()) {
  Deno.test(`the collectors on Postgres ${major}`, async (t) => {
    const settings = ["shared_preload_libraries=pg_stat_statements", "max_prepared_transactions=5"];
    const server = await createDebianServer({ bin, settings });
    try {
      await server.start();
      await meaning(t, { kind: "url", url: server.url }, major);
    } finally {
      await server.remove();
      await remove();
    }
  });
}
