import assert from "node:assert/strict";
import { createEmbeddedServer, type EmbeddedServer } from "../../db/embedded/server.ts";
import { connectSql, type Sql } from "../../db/connection.ts";
import { quoteIdent, quoteLiteral } from "../../db/sql.ts";
import { createLogger } from "../../log.ts";
import { Alert, AlertList } from "../../routes/alerts/schemas.ts";
import type { z } from "@hono/zod-openapi";
import { metricValues } from "../../services/monitor/health/metric_values.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

const log = createLogger({ level: "error", write: () => {} });
/** Rules whose values say how fast the machine is; they keep the times with which they are shipped. */
const ofMachine = new Set([
  "collector_failing",
  "pool_wait",
  "watching_cost",
  "watching_sheds",
  "write_slow",
]);
let folder = "";
let server: EmbeddedServer;
let app: TestApp;

const connect = (): Sql =>
  connectSql({
    target: server.admin,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });

/** Runs `work` on a session that ends with it, and so hands in its statistics. */
async function briefly(work: (sql: Sql) => Promise<unknown>): Promise<void> {
  const sql = connect();
  await work(sql);
  await sql.end();
}

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-rules-" });
  await Deno.chmod(folder, 0o755);
  server = await createEmbeddedServer({ dataDir: folder, log });
  await server.start();
  await briefly(async (sql) => {
    for (
      const setting of [
        "max_prepared_transactions = 5",
        "archive_mode = on",
        "archive_command = 'true'",
        "autovacuum = off",
      ]
    ) await sql.unsafe(`alter system set ${setting}`);
  });
  await server.stop();
  await server.start();
  // Levels stay production's; only the times are shortened. Not those of what the machine makes of Holdfast's own work: here
  // it asks ten times as often, and at every look besides, so that a busy machine is over their levels for a while.
  const quick = shippedRules.filter(({ name }) => !ofMachine.has(name)).flatMap(({ name }) =>
    ["FOR_SECONDS", "KEEP_FIRING_SECONDS", "COOLDOWN_SECONDS"].map((level) => [
      `HOLDFAST_ALERT_${name.toUpperCase()}_${level}`,
      "0",
    ])
  );
  app = await startApp({
    DATABASE_URL: embeddedUrl(server.target),
    HOLDFAST_PROFILE: "production",
    HOLDFAST_FAST_TIER_SECONDS: "1",
    HOLDFAST_BROADCAST_SECONDS: "1",
    HOLDFAST_SLOW_TIER_SECONDS: "5",
    HOLDFAST_HOURLY_TIER_SECONDS: "10",
    ...Object.fromEntries(quick),
    HOLDFAST_ALERT_CACHE_HIT_RATIO_ENABLED: "0",
    HOLDFAST_ALERT_ROLLBACKS_ENABLED: "0",
  });
  await app.sql.unsafe(`
    create schema shop;
    create table shop.orders (id int generated always as identity primary key, note text, price float8);
    create table shop.fills (id int primary key, note text);
    select setval('shop.orders_id_seq', 1800000000)`).simple(); // 84 %, before anybody looks
});

Deno.test.afterAll(async () => {
  await app.stop();
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

const list = async (query = "") => AlertList.parse(await app.json(`/api/alerts${query}`)).alerts;

async function look(): Promise<void> {
  for (const tier of ["slow", "hourly", "stats", "fast"] as const) {
    await app.holdfast.monitor.runNow(tier);
  }
}

/** Waits until a rule fires (on a scope), looking again and again. */
const fires = (rule: string, scope = "") =>
  eventually(async () => {
    await look();
    return (await list("?state=firing")).find((one) => one.rule === rule && one.scope === scope);
  }, `${rule} fires`);

const ends = (alert: z.infer<typeof Alert>) =>
  eventually(async () => {
    await look();
    return (await list("?state=resolved")).some(({ id }) => id === alert.id);
  }, `${alert.rule} resolves`);

async function setLevels(
  name: string,
  changes: Record<string, number | null | boolean>,
): Promise<void> {
  const answer = await app.request("/api/alerts/rules", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rules: [{ name, ...changes }] }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

const evidence = (alert: z.infer<typeof Alert>) => JSON.stringify(alert.evidence);

const metricOf = (name: string) => shippedRules.find((rule) => rule.name === name)?.metric ?? name;

/** Rules whose metric is known, and near its level where it can be brought there, while none of them fires. */
const nearlyBad = [
  "database_down",
  "connection_pool",
  "pool_wait",
  "connections",
  "long_transaction",
  "idle_in_transaction",
  "lock_wait",
  "blocked_sessions",
  "deadlocks",
  "wraparound",
  "wraparound_soon",
  "multixact_wraparound",
  "checksum_failures",
  "partition_runway",
  "unmanaged_runway",
  "partition_holes",
  "default_rows",
  "retention_held",
  "partition_refused",
  "clock_skew",
  "drain_failed",
  "xmin_horizon",
  "prepared_transaction",
  "archiver",
  "checkpoints_forced",
  "pending_restart",
  "slot_inactive",
  "slot_retained",
  "slot_lost",
  "slot_safe",
  "sequence",
  "invalid_index",
  "duplicate_index",
  "autovacuum_lag",
  "stale_statistics",
  "freeze_lag",
  "sequence_soon",
  "temp_files",
  "wal_rate",
  "index_hit_ratio",
  "bloat",
  "missing_index",
  "watching_sheds",
  "watching_cost",
];

/** Alerts but those on Holdfast's own samples, which nobody vacuums here: autovacuum is off. */
async function others(): Promise<string[]> {
  return (await list()).filter(({ scope }) => scope !== "holdfast.samples")
    .map(({ rule, message }) => `${rule}: ${message}`);
}

Deno.test("values close to their levels fire nothing", async () => {
  // What a cold server read from disk is outweighed by reads from memory.
  await briefly((sql) =>
    sql.unsafe(`
      set enable_seqscan = off;
      do $$
      begin
        for n in 1..20000 loop perform 1 from shop.orders where id = 1; end loop;
      end $$`).simple()
  );
  // Until it is analyzed nobody is to wonder at it.
  await app.sql`alter table shop.fills set (autovacuum_analyze_threshold = 1000000)`;
  await briefly((sql) =>
    sql`insert into shop.fills select g, 'x' from generate_series(1, 1000) as g`
  );
  await briefly((sql) => sql`vacuum (analyze) shop.fills`);
  await app.sql`alter table shop.fills reset (autovacuum_analyze_threshold)`;
  await briefly(async (sql) => {
    await sql`delete from shop.fills where id <= 600`; // 4 times the level that starts an analyze
  });
  await briefly(async (sql) => {
    await createUnmanaged(sql, "visits", {
      from: "- interval '4 days'",
      to: "+ interval '76 hours'",
    });
    await sql`insert into shop.visits values (now())`;
  });
  await briefly(async (sql) => {
    await sql`create index orders_note on shop.orders (note)`;
    await sql`create index orders_note_price on shop.orders (note, price)`; // covers it, and is none the same
    await sql`create index orders_note_some on shop.orders (note) where price > 0`;
    await sql`alter system set work_mem = '5MB'`; // needs no restart
    await sql`select pg_reload_conf()`;
    await sql`alter system set max_slot_wal_keep_size = '10GB'`;
    await sql`select pg_reload_conf()`;
    await sql`select pg_create_physical_replication_slot('fresh', true)`;
    await sql`begin`;
    await sql`insert into shop.orders (note) overriding system value values ('open')`;
    await sql`prepare transaction 'young'`;
    await sql`update pg_database set datfrozenxid = (
      (pg_snapshot_xmax(pg_current_snapshot())::text::int8 - 890000000) & 4294967295
    )::text::xid where datname = 'template0'`;
  });
  await eventually(async () => {
    await look();
    const { view } = app.holdfast.monitor.snapshot();
    return view.rows("tables")?.some(({ table, dead_rows }) =>
      table === "shop.fills" && dead_rows === 600
    );
  }, "it is all seen");
  await look();
  const { view, signals, metrics } = app.holdfast.monitor.snapshot();
  assert.ok(metrics.xid_age! >= 890_000_000);
  assert.ok(view.rows("slots")?.some(({ slot }) => slot === "fresh"));
  assert.ok(view.rows("xmin_horizon")?.some(({ name }) => name === "young"));
  const sequence = signals.find(({ scope }) => scope === "shop.orders_id_seq");
  assert.ok(sequence!.value! > 0.8 && sequence!.value! < 0.85);
  assert.deepEqual(await others(), []);
  // Silent because it was seen and is well enough, not because nobody looked.
  await eventually(async () => {
    await look();
    const seen = new Set(
      metricValues(app.holdfast.monitor.snapshot())
        .filter(({ value }) => value !== null).map(({ metric }) => metric),
    );
    const unseen = nearlyBad.filter((name) => !seen.has(metricOf(name)));
    if (unseen.length > 0) throw new Error(`not seen: ${unseen.join(", ")}`);
    return true;
  }, "all of it is known");
  const [canary] = await app.sql`select seq from holdfast.canary`;
  assert.ok(canary?.seq >= 1, "a commit was tried, and came through");
  assert.deepEqual(await others(), []);
});

/** Creates a table of the schema shop without a policy, with one partition around the present. */
async function createUnmanaged(
  sql: Sql,
  name: string,
  { from, to }: { from: string; to: string },
): Promise<void> {
  await sql.unsafe(`
    create table shop.${quoteIdent(name)} (ts timestamptz not null) partition by range (ts);
    do $$
    begin
      execute format('create table shop.%I partition of shop.%I for values from (%L) to (%L)',
        ${quoteLiteral(`${name}_first`)}, ${quoteLiteral(name)}, now() ${from}, now() ${to});
    end $$`).simple();
}

interface Unmanaged {
  unmanaged: { table: string; state: string }[] | null;
}

Deno.test("a table without a policy whose last partition ends soon", async () => {
  const scope = 'shop.Odd "prints';
  await briefly(async (sql) => {
    await createUnmanaged(sql, 'Odd "prints', {
      from: "- interval '5 days'",
      to: "+ interval '12 hours'",
    });
    await createUnmanaged(sql, "archive", {
      from: "- interval '5 days'",
      to: "+ interval '12 hours'",
    });
    await sql`insert into shop."Odd ""prints" values (now()), (now())`;
  });
  const alert = await fires("unmanaged_runway", scope);
  assert.equal(alert.severity, "critical");
  assert.match(alert.message, /^Time until the last partition ends on shop.Odd "prints: 1[12] h/);
  assert.match(evidence(alert), /"last_partition":"shop.Odd \\"prints_first"/);
  assert.match(evidence(alert), /"inserts_per_second":/);
  const [create, policy] = alert.cure;
  // The statements are run as they stand; the next partition is as long as the last one.
  await briefly((sql) => sql.unsafe(create?.sql ?? "").simple());
  await ends(alert);
  await app.sql`insert into shop."Odd ""prints" values (now() + interval '1 day')`;
  const states = async () => {
    await look();
    const { unmanaged } = await app.json<Unmanaged>("/api/health/partitions");
    return Object.fromEntries((unmanaged ?? []).map(({ table, state }) => [table, state]));
  };
  assert.equal((await states())["shop.archive"], "idle", "nobody inserts: no alert");
  const [, path, body] = /PUT (\S+) (\{.*\}) lets/.exec(policy?.sql ?? "") ?? [];
  const answer = await app.request(path ?? "", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: body ?? "",
  });
  assert.equal(answer.status, 200, await answer.text());
  await eventually(
    async () => !(scope in await states()),
    "a table with a policy is watched by it",
  );
  assert.equal(
    (await list("?state=firing")).some(({ rule }) => rule === "unmanaged_runway"),
    false,
  );
});

Deno.test("transaction ids and multixact ids near wraparound", async () => {
  await app.sql`update pg_database set
    datfrozenxid = ((pg_snapshot_xmax(pg_current_snapshot())::text::int8 - 1700000000) & 4294967295)::text::xid
    where datname = 'template0'`;
  const xid = await fires("wraparound");
  assert.equal(xid.severity, "critical");
  assert.match(evidence(xid), /"oldest_database":"template0"/);
  const soon = await eventually(async () => {
    await app.sql.unsafe(
      "do $$ begin for id in 1..20000 loop perform pg_current_xact_id(); commit; end loop; end $$",
    );
    await look();
    return (await list("?state=firing")).find(({ rule }) => rule === "wraparound_soon");
  }, "at this rate they run out soon");
  assert.match(soon.message, /^Time until ids run out: \d+ (h|d|min)$/);
  await app.sql`update pg_database set
    datminmxid = ((1 - 1200000000::int8) & 4294967295)::text::xid where datname = 'template0'`;
  const multixact = await fires("multixact_wraparound");
  assert.equal(multixact.severity, "warning");
  await app
    .sql`update pg_database as d set datfrozenxid = o.datfrozenxid, datminmxid = o.datminmxid
    from pg_database as o where o.datname = 'template1' and d.datname = 'template0'`;
  await ends(xid);
  await ends(multixact);
  // The rate is the mean of an hour: that one stays for a while.
});

Deno.test("an old prepared transaction, and the xmin horizon that it holds back", async () => {
  await setLevels("prepared_transaction", { warning: 0.5, clear: 0.1 });
  await setLevels("xmin_horizon", { warning: 3, clear: 2 });
  for (let used = 0; used < 4; used++) await app.sql`select pg_current_xact_id()`;
  const prepared = await fires("prepared_transaction");
  assert.match(evidence(prepared), /"name":"young"/);
  const horizon = await fires("xmin_horizon");
  assert.match(evidence(horizon), /"kind":"prepared transaction"/);
  await app.sql`rollback prepared 'young'`;
  await ends(prepared);
  await ends(horizon);
});

Deno.test("WAL that does not reach its archive", async () => {
  await app.sql`alter system set archive_command = 'false'`;
  await app.sql`select pg_reload_conf()`;
  await app.sql`select pg_logical_emit_message(false, 'test', 'x')`;
  await app.sql`select pg_switch_wal()`;
  const alert = await fires("archiver");
  assert.equal(alert.message, "Archiving of WAL fails");
  assert.match(evidence(alert), /"last_failed_wal":"0000/);
  await app.sql`alter system set archive_command = 'true'`;
  await app.sql`select pg_reload_conf()`;
  await ends(alert);
});

Deno.test("checkpoints forced one after the other", async () => {
  for (let one = 0; one < 3; one++) await app.sql`checkpoint`;
  const alert = await fires("checkpoints_forced");
  assert.match(alert.message, /^Checkpoints forced: [\d.]+ per hour$/);
});

Deno.test("a setting that waits for a restart", async () => {
  await app.sql`alter system set max_connections = 120`;
  await app.sql`select pg_reload_conf()`;
  const alert = await fires("pending_restart");
  assert.match(evidence(alert), /max_connections/);
  await app.sql`alter system reset max_connections`;
  await app.sql`alter system set max_connections = 100`;
  await app.sql`select pg_reload_conf()`;
  await ends(alert);
});

Deno.test("an unused slot retains WAL, is lost, and its alerts end when it is dropped", async () => {
  await setLevels("slot_inactive", { warning: 0.5, clear: 0.1 });
  await setLevels("slot_retained", { warning: 20_000_000, critical: null, clear: 1 });
  for (let segment = 0; segment < 3; segment++) {
    await app.sql`select pg_logical_emit_message(false, 'test', 'x')`;
    await app.sql`select pg_switch_wal()`;
  }
  const inactive = await fires("slot_inactive", "fresh");
  const retained = await fires("slot_retained", "fresh");
  assert.match(retained.message, /^WAL kept for a slot on fresh: [\d.]+ MB$/);
  await app.sql`alter system set max_slot_wal_keep_size = '48MB'`;
  await app.sql`select pg_reload_conf()`;
  const nearlyLost = await fires("slot_safe", "fresh");
  assert.match(nearlyLost.message, /^WAL left before the slot is lost on fresh: [\d.]+%$/);
  await app.sql`alter system set max_slot_wal_keep_size = '1MB'`;
  await app.sql`select pg_reload_conf()`;
  await eventually(async () => {
    await app.sql`checkpoint`;
    const [slot] = await app.sql`select wal_status from pg_replication_slots`;
    return slot?.wal_status === "lost";
  }, "the slot is lost");
  const lost = await fires("slot_lost", "fresh");
  assert.equal(lost.message, "Slot lost on fresh");
  assert.match(evidence(lost), /"wal_status":"lost"/);
  await app.sql`select pg_drop_replication_slot('fresh')`;
  for (const alert of [inactive, retained, lost, nearlyLost]) await ends(alert);
});

Deno.test("a sequence near the end of its column", async () => {
  await app.sql`select setval('shop.orders_id_seq', 2090000000)`;
  const alert = await fires("sequence", "shop.orders_id_seq");
  assert.equal(alert.severity, "critical");
  assert.equal(alert.message, "Sequence used up on shop.orders_id_seq: 97.3%");
  const soon = await fires("sequence_soon", "shop.orders_id_seq");
  assert.match(soon.message, /^Time until the sequence ends on shop\.orders_id_seq: \d+ (s|min)$/);
  await app.sql`alter table shop.orders alter column id type bigint`;
  await app.sql`alter sequence shop.orders_id_seq as bigint`;
  await ends(alert);
});

Deno.test("invalid and duplicate indexes", async () => {
  await app.sql`create index orders_price on shop.orders (price)`;
  await app.sql`create index orders_price_too on shop.orders (price)`;
  await app.sql`insert into shop.orders (note) values ('same'), ('same')`;
  await assert.rejects(
    app.sql`create unique index concurrently orders_once on shop.orders (note)`,
  );
  const double = await fires("duplicate_index");
  assert.match(evidence(double), /shop\.orders_price/);
  const invalid = await fires("invalid_index");
  assert.match(evidence(invalid), /shop\.orders_once/);
  await app.sql`drop index shop.orders_price, shop.orders_once`;
  await ends(double);
  await ends(invalid);
});

Deno.test("a table that autovacuum and analyze do not reach, and one with an overdue freeze", async () => {
  await briefly(async (sql) => {
    await sql`insert into shop.fills select g, 'y' from generate_series(2000, 9000) as g`;
    await sql`delete from shop.fills`;
  });
  const vacuum = await fires("autovacuum_lag", "shop.fills");
  assert.match(vacuum.message, /on shop\.fills: [\d.]+ times$/);
  assert.match(evidence(vacuum), /"worst_leaf":"shop\.fills"/);
  const analyze = await fires("stale_statistics", "shop.fills");
  await app.sql`update pg_class set relfrozenxid = (
      (pg_snapshot_xmax(pg_current_snapshot())::text::int8 - 400000000) & 4294967295
    )::text::xid where oid = 'shop.fills'::regclass`;
  const frozen = await fires("freeze_lag", "shop.fills");
  assert.match(frozen.message, /: 2 times$/);
  await app.sql`update pg_class set relfrozenxid = (
    select relfrozenxid from pg_class where oid = 'shop.orders'::regclass
  ) where oid = 'shop.fills'::regclass`;
  await briefly((sql) => sql`vacuum (analyze) shop.fills`);
  for (const alert of [vacuum, analyze, frozen]) await ends(alert);
});

Deno.test("sorts on disk", async () => {
  await setLevels("temp_files", {
    warning: 1_000,
    critical: null,
    clear: 500,
    keep_firing_seconds: 2, // the rate of one look is over at the next
  });
  await briefly(async (sql) => {
    await sql`set work_mem = '64kB'`;
    await sql`select count(*) from (select g from generate_series(1, 300000) as g order by -g) as s`;
  });
  const alert = await fires("temp_files");
  assert.match(alert.message, /^Temporary files written: [\d.]+ [kM]?B per second$/);
  await ends(alert);
});

Deno.test("blocked sessions, a long wait for a lock, and a long transaction", async () => {
  await setLevels("long_transaction", { warning: 0.5, critical: null, clear: 0.2 });
  await setLevels("idle_in_transaction", { warning: 0.5, critical: null, clear: 0.2 });
  await setLevels("lock_wait", { warning: 0.5, critical: null, clear: 0.2 });
  const holder = connect();
  await holder`begin`;
  await holder`lock table shop.fills`;
  const waiting = Array.from({ length: 6 }, () => briefly((sql) => sql`table shop.fills`));
  await eventually(async () => {
    const [row] = await app.sql`
      select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'`;
    return row?.n === 6;
  }, "all of them wait");
  const blocked = await fires("blocked_sessions");
  assert.equal(blocked.message, "Sessions blocked: 6");
  const alerts = [
    blocked,
    await fires("lock_wait"),
    await fires("long_transaction"),
    await fires("idle_in_transaction"),
  ];
  assert.match(evidence(alerts[1]!), /"blocking_tree"/);
  const [holding] = await holder`select pg_backend_pid() as pid`;
  assert.match(evidence(alerts[2]!), new RegExp(`"oldest_transactions".*"pid":${holding?.pid},`));
  await holder`commit`;
  await Promise.all(waiting);
  await holder.end();
  for (const alert of alerts) await ends(alert);
});

Deno.test("connections nearly used up", async () => {
  const crowd = Array.from({ length: 70 }, connect);
  await Promise.all(crowd.map((sql) => sql`select 1`));
  const alert = await fires("connections");
  assert.match(alert.message, /^Server connections high: \d+(\.\d)?%$/);
  await Promise.all(crowd.map((sql) => sql.end()));
  await ends(alert);
});

Deno.test("a deadlock of two transactions", async () => {
  await setLevels("deadlocks", { keep_firing_seconds: 2 }); // the rate of one look is over at the next
  await app.sql`insert into shop.fills values (1, 'a'), (2, 'b') on conflict do nothing`;
  const [left, right] = [connect(), connect()];
  const outcomes = (async () => {
    for (const sql of [left, right]) {
      await sql`begin`;
      await sql`set deadlock_timeout = '50ms'`;
    }
    await left`update shop.fills set note = 'l' where id = 1`;
    await right`update shop.fills set note = 'r' where id = 2`;
    return await Promise.allSettled([
      left`update shop.fills set note = 'l' where id = 2`,
      right`update shop.fills set note = 'r' where id = 1`,
    ]);
  })();
  assert.ok((await outcomes).some(({ status }) => status === "rejected"));
  await Promise.all([left.end(), right.end()]);
  await ends(await fires("deadlocks"));
});

Deno.test("transactions that are rolled back", async () => {
  await setLevels("rollbacks", { enabled: true });
  await briefly(async (sql) => {
    // A session hands in its counts each second: whatever part of them is seen has this share.
    for (let each = 0; each < 200; each++) {
      await sql`select 1`;
      if (each % 10 !== 5) continue;
      await sql`begin`;
      await sql`rollback`;
    }
  });
  await look();
  assert.ok(app.holdfast.monitor.snapshot().metrics.rollback_ratio! < 0.2);
  assert.ok(!(await list("?state=firing")).some(({ rule }) => rule === "rollbacks"));
  const alert = await eventually(async () => {
    await briefly(async (sql) => {
      for (let each = 0; each < 200; each++) {
        await sql`begin`;
        await sql`rollback`;
      }
    });
    await look();
    return (await list("?state=firing")).find(({ rule }) => rule === "rollbacks");
  }, "it fires");
  assert.match(alert.message, /^Rollbacks high: \d+(\.\d)?%$/);
  await ends(alert);
  await setLevels("rollbacks", { enabled: false });
});

Deno.test("reads of tables and indexes that miss the buffer cache", async () => {
  await setLevels("cache_hit_ratio", { enabled: true });
  await app.sql`create extension if not exists pg_buffercache`;
  await app.sql`create table shop.prints as select g as id, repeat('x', 200) as note
    from generate_series(1, 200000) as g`;
  await app.sql`create index prints_id on shop.prints (id)`;
  await app.sql`vacuum (analyze) shop.prints`;
  await app.sql`select pg_stat_reset()`;
  await eventually(async () => {
    await briefly((sql) => sql`select count(note) from shop.prints`);
    await look();
    return app.holdfast.monitor.snapshot().metrics.cache_hit_ratio! > 0.95;
  }, "all of it is read from memory");
  await look();
  assert.deepEqual((await list("?state=firing")).filter(({ rule }) => /hit/.test(rule)), []);
  const missing = async (rule: string) =>
    await eventually(async () => {
      await app.sql`checkpoint`;
      await app.sql`select pg_buffercache_evict_all()`;
      await briefly(async (sql) => {
        await sql`set enable_seqscan = off`;
        await sql`select count(*) from shop.prints where id > 0`;
        await sql`set enable_seqscan = on`;
        await sql`select count(note) from shop.prints`;
      });
      await look();
      return (await list("?state=firing")).find((one) => one.rule === rule);
    }, `${rule} fires`);
  assert.match((await missing("cache_hit_ratio")).message, /^Cache hit ratio low: [\d.]+%$/);
  assert.match((await missing("index_hit_ratio")).message, /^Index hit ratio low: [\d.]+%$/);
  await setLevels("cache_hit_ratio", { enabled: false });
});

Deno.test("bloat, and a high rate of WAL", async () => {
  // Well above what looking itself writes.
  await setLevels("wal_rate", { warning: 5_000_000, clear: 2_500_000, keep_firing_seconds: 2 });
  await setLevels("bloat", { warning: 10_000_000, clear: 1_000_000 });
  const wal = await eventually(async () => {
    await app.sql`update shop.prints set note = note || 'y' where id < 100000`;
    await look();
    return (await list("?state=firing")).find(({ rule }) => rule === "wal_rate");
  }, "it fires");
  assert.match(wal.message, /^WAL written: [\d.]+ [MG]B per second$/);
  await app.sql`delete from shop.prints where id % 10 <> 0`;
  await briefly((sql) => sql`vacuum (analyze) shop.prints`);
  const bloat = await fires("bloat");
  await app.sql`drop table shop.prints`;
  await ends(bloat);
  await ends(wal);
});

Deno.test("a foreign key without an index", async () => {
  await setLevels("missing_index", { enabled: true });
  await app.sql`create table shop.notes (order_id bigint references shop.orders)`;
  const alert = await fires("missing_index");
  await app.sql`create index on shop.notes (order_id)`;
  await ends(alert);
});

Deno.test("a gap between partitions, and rows in a default partition", async () => {
  await app.sql.unsafe(`
    create table shop.bars (at timestamptz not null) partition by range (at);
    create table shop.bars_old partition of shop.bars
      for values from (now() - interval '9 days') to (now() - interval '5 days');
    create table shop.bars_now partition of shop.bars
      for values from (now() - interval '1 day') to (now() + interval '9 days');
    create table shop.bars_rest partition of shop.bars default;
    insert into shop.bars values (now() - interval '3 days')`).simple();
  const answer = await app.request("/api/partitions/policies/shop.bars", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ interval: "1 day", key: "timestamptz", premake: 1, enabled: false }),
  });
  assert.equal(answer.status, 200, await answer.text());
  const holes = await fires("partition_holes", "shop.bars");
  const rows = await fires("default_rows", "shop.bars");
  assert.equal(rows.message, "Rows in the default partition on shop.bars: 1");
  // Rows in the default forbid the plain attach: only the plan knows what must be moved first.
  for (const { cure } of [holes, rows]) {
    assert.equal(cure.length, 1);
    assert.match(cure[0]?.sql ?? "", /^-- POST \/api\/partitions\/plan \{"table":"shop\.bars"\}/);
  }
  await app.sql`truncate shop.bars_rest`;
  await app.sql.unsafe(`create table shop.bars_gap partition of shop.bars for values
    from (${"'" + new Date(0).toISOString() + "'"}) to ('1970-01-02')`);
  await ends(rows);
  await app.request("/api/partitions/policies/shop.bars", { method: "DELETE" });
  await app.sql`drop table shop.bars`;
  assert.equal(holes.severity, "warning");
});

Deno.test("retention that is held back, and a partition that can be neither archived nor dropped", async () => {
  await app.sql.unsafe(`
    create extension postgres_fdw;
    create server elsewhere foreign data wrapper postgres_fdw;
    create table shop.years (at timestamptz not null) partition by range (at);
    create foreign table shop.years_far partition of shop.years
      for values from ('2020-01-01') to ('2020-01-02') server elsewhere;
    do $$ begin
      for back in 1..30 loop
        execute format('create table shop.years_%s partition of shop.years for values from (%L) to (%L)', back,
          date_trunc('day', now(), 'UTC') - back * interval '1 day',
          date_trunc('day', now(), 'UTC') - (back - 1) * interval '1 day');
        execute format('insert into shop.years_%s values (%L)', back,
          date_trunc('day', now(), 'UTC') - back * interval '1 day');
      end loop;
    end $$`).simple();
  const put = async (retention: unknown) => {
    const answer = await app.request("/api/partitions/policies/shop.years", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ interval: "1 day", key: "timestamptz", premake: 1, retention }),
    });
    assert.equal(answer.status, 200, await answer.text());
    await app.holdfast.everyHour();
  };
  await put({ keep: "10 days", action: "drop" });
  const held = await fires("retention_held", "shop.years");
  assert.match(held.message, /^Steps of retention held back on shop\.years: \d+$/);
  const refused = await fires("partition_refused", "shop.years");
  const { tables, overall_status } = await app.json<
    { overall_status: string; tables: { table: string; problems: string[] }[] }
  >("/api/health/partitions");
  assert.notEqual(overall_status, "healthy");
  const problems = tables.find(({ table }) => table === "shop.years")?.problems.join("\n") ?? "";
  assert.match(problems, /retention is held back: this would detach \d+ of \d+ partitions/);
  assert.match(problems, /shop\.years_far is kept, and not dropped: it is a foreign table/);
  await put({ keep: "40 days", action: "detach" });
  await ends(held);
  await ends(refused);
  await app.request("/api/partitions/policies/shop.years", { method: "DELETE" });
  await app.sql.unsafe("drop table shop.years; drop extension postgres_fdw cascade").simple();
});

async function apply(table: string): Promise<void> {
  const plan = await (await app.post("/api/partitions/plan", { table })).json();
  const answer = await app.post("/api/partitions/apply", { table, digest: plan.digest });
  assert.equal(answer.status, 200, await answer.text());
}

Deno.test("a default partition that receives present rows, and one that cannot be drained", async () => {
  await app.sql.unsafe(`
    create schema late;
    create table late.switch (refuses bool);
    insert into late.switch values (false);
    create function late.fits(int) returns bool language sql as 'select not refuses from late.switch';
    create table late.bars (at timestamptz primary key, x int check (late.fits(x))) partition by range (at);
    create table late.bars_rest partition of late.bars default;
    insert into late.bars values (now(), null), (now() - interval '5 days', 1);
    alter table late.bars add constraint known check (x is not null) not valid;
    update late.switch set refuses = true`).simple();
  const answer = await app.request("/api/partitions/policies/late.bars", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ interval: "1 day", key: "timestamptz", premake: 1 }),
  });
  assert.equal(answer.status, 200, await answer.text());
  await apply("late.bars");
  const cover = await fires("partition_cover", "late.bars");
  assert.equal(cover.message, "Time until rows fall into the default partition on late.bars: 0 s");
  const failed = await fires("drain_failed", "late.bars");
  const { tables } = await app.json<
    { tables: { table: string; runway_seconds: number; problems: string[] }[] }
  >("/api/health/partitions");
  const told = tables.find(({ table }) => table === "late.bars");
  assert.ok((told?.runway_seconds ?? 0) > 1e9, "inserts do not fail");
  assert.match(told?.problems.join() ?? "", /they fall into it.*could not be drained: 23514/);
  await app.sql`update late.switch set refuses = false`;
  await app.sql`update late.bars set x = 0 where x is null`;
  await apply("late.bars");
  await ends(cover);
  await ends(failed);
  await look();
  const again = (await list("?state=firing")).map(({ rule }) => rule);
  assert.ok(!again.includes("partition_cover"), "a day ahead is enough");
  await app.request("/api/partitions/policies/late.bars", { method: "DELETE" });
  await app.sql`drop schema late cascade`;
});

Deno.test("a slow commit, and a commit that does not finish", async () => {
  await setLevels("write_slow", { for_seconds: 0, keep_firing_seconds: 0, cooldown_seconds: 0 });
  const holder = connect();
  await holder`begin`;
  await holder`lock table holdfast.canary`;
  const slow = await fires("write_slow");
  assert.match(slow.message, /^Write canary slow: \d+ ms$/);
  const failing = await fires("write_failing");
  await holder`commit`;
  await holder.end();
  await ends(slow);
  await ends(failing);
});

Deno.test("a feed that sends nothing", async () => {
  await setLevels("feed_stale", { enabled: true });
  const post = (symbol: string, ageMs: number) =>
    app.post("/api/ticks?create=true", [
      { ts: new Date(Date.now() - ageMs).toISOString(), symbol, price: 1, size: 1, exchange: "P" },
    ]).then((answer) => answer.body?.cancel());
  await post("QUIET", 1_000_000);
  await post("LIVELY", 1_000);
  const alert = await fires("feed_stale", "QUIET");
  assert.match(alert.message, /^Newest tick is old on QUIET: 17 min$/);
  assert.ok(!(await list("?state=firing")).some(({ scope }) => scope === "LIVELY"));
  await post("QUIET", 1_000);
  await ends(alert);
});

Deno.test("a page with a wrong checksum", async () => {
  await app.sql`create table shop.damaged as select g as id from generate_series(1, 1000) as g`;
  await app.sql`checkpoint`;
  const [file] = await app.sql`select current_setting('data_directory') as directory,
    pg_relation_filepath('shop.damaged') as path`;
  await app.sql`select pg_buffercache_evict_all()`;
  const page = await Deno.open(`${file?.directory}/${file?.path}`, { write: true });
  await page.seek(4_000, Deno.SeekMode.Start);
  await page.write(new Uint8Array([1, 2, 3, 4]));
  page.close();
  await briefly((sql) => assert.rejects(sql`select count(*) from shop.damaged`, /invalid page/));
  const alert = await fires("checksum_failures");
  assert.equal(alert.severity, "critical");
  await app.sql`drop table shop.damaged`;
});
