import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pool } from "../../db/pool/pool.ts";
import {
  createChanges,
  indexChanges,
  settingChanges,
} from "../../services/monitor/diagnosis/changes.ts";
import { redactQueries, redactSql } from "../../services/monitor/diagnosis/redact.ts";
import { createRegressions } from "../../services/monitor/diagnosis/regressions.ts";
import type { StatementWork } from "../../db/collectors/statements/collectors.ts";

const window = 900_000;
const tick = 30_000;

const work = (calls: number, msPerCall: number, blocksPerCall = 1): StatementWork => ({
  calls,
  total_ms: calls * msPerCall,
  rows: calls,
  blocks_hit: calls * blocksPerCall,
  blocks_read: 0,
  temp_blocks: 0,
  wal_bytes: 0,
});

/** Feeds one statement for `windows` quarters of an hour from `at`; answers when it ended. */
function run(
  regressions: ReturnType<typeof createRegressions>,
  at: number,
  windows: number,
  done: StatementWork,
): number {
  for (const end = at + windows * window; at < end; at += tick) {
    regressions.note(new Map([["1", done]]), at);
  }
  return at;
}

Deno.test("a statement that takes three times its usual time is found within two readings, with its factor", () => {
  const regressions = createRegressions();
  let at = run(regressions, 0, 5, work(100, 10));
  assert.deepEqual(regressions.found(), []);
  at = run(regressions, at, 1, work(100, 30));
  const [found] = regressions.found();
  assert.equal(found?.metric, "mean_ms");
  assert.ok(Math.abs(found.ratio - 3) < 0.1 && Math.abs(found.before - 10) < 0.01);
  assert.ok(found.since >= 5 * window && found.since <= 6 * window);
  run(regressions, at, 2, work(100, 11));
  assert.deepEqual(regressions.found(), [], "and is over when it is as quick as before");
});

Deno.test("a slower statement that no longer runs is no regression after six hours", () => {
  const regressions = createRegressions();
  let at = run(regressions, 0, 5, work(100, 10));
  at = run(regressions, at, 1, work(100, 30));
  const others = (until: number) => {
    for (; at < until; at += tick) regressions.note(new Map([["2", work(1, 1)]]), at);
  };
  const stopped = at - tick;
  others(stopped + 24 * window - tick);
  assert.equal(regressions.found().length, 1);
  others(stopped + 24 * window + 2 * tick);
  assert.deepEqual(regressions.found(), []);
});

Deno.test("more blocks per call are a regression before the time increases", () => {
  const regressions = createRegressions();
  const at = run(regressions, 0, 4, work(100, 1, 5));
  run(regressions, at, 1, work(100, 1.2, 500));
  assert.deepEqual(regressions.found().map(({ metric }) => metric), ["blocks_per_call"]);
});

Deno.test("few calls, small totals, a short history and a usually varying cost are no regressions", () => {
  const quiet = (before: [number, StatementWork][], after: StatementWork) => {
    const regressions = createRegressions();
    let at = 0;
    for (const [windows, done] of before) at = run(regressions, at, windows, done);
    run(regressions, at, 1, after);
    assert.deepEqual(regressions.found(), []);
  };
  quiet([[5, work(100, 10)]], work(0.1, 1_000));
  quiet([[5, work(1, 0.01)]], work(1, 0.1));
  quiet([[1, work(100, 10)]], work(100, 100));
  quiet([[1, work(100, 10)], [1, work(100, 30)], [1, work(100, 10)]], work(100, 32));
});

Deno.test("a new cost that lasts six hours is the usual one", () => {
  const regressions = createRegressions();
  const at = run(regressions, 0, 4, work(100, 10));
  run(regressions, at, 30, work(100, 40));
  assert.deepEqual(regressions.found(), []);
});

Deno.test("for any input, a regression costs more than usual, and memory stays bounded", () => {
  const one = fc.record({ id: fc.nat(3), calls: fc.nat(500), ms: fc.nat(100), pause: fc.nat(900) });
  fc.assert(fc.property(fc.array(one, { maxLength: 400 }), (looks) => {
    const regressions = createRegressions();
    let at = 0;
    for (const { id, calls, ms, pause } of looks) {
      regressions.note(new Map([[String(id), work(calls + 1, ms)]]), at += pause * 1000);
      for (const { before, after, ratio } of regressions.found()) {
        assert.ok(before > 0 && after > before && Math.abs(ratio - after / before) < 1e-9);
      }
    }
  }));
});

Deno.test("settings and indexes that changed between two readings are listed", () => {
  const setting = (name: string, value: string) => ({
    name,
    setting: value,
    unit: null,
    pending_restart: false,
  });
  assert.deepEqual(
    settingChanges([setting("work_mem", "4096"), setting("jit", "on")], [
      setting("work_mem", "65536"),
      setting("jit", "on"),
    ], 5),
    [{ at: 5, kind: "setting", subject: "work_mem", before: "4096", after: "65536" }],
  );
  assert.deepEqual(settingChanges(undefined, [setting("jit", "on")], 5), []);
  const waiting = (name: string, value: string) => ({
    ...setting(name, value),
    pending_restart: true,
  });
  const told = (before: ReturnType<typeof setting>[], after: ReturnType<typeof setting>[]) =>
    settingChanges(before, after, 5).map((one) => [one.subject, one.before, one.after]);
  assert.deepEqual(
    told([setting("shared_buffers", "16384")], [waiting("shared_buffers", "16384")]),
    [["shared_buffers", "16384", "16384 (another value waits for a restart)"]],
    "the value in force stays the same until the restart",
  );
  assert.deepEqual(
    told([waiting("shared_buffers", "16384")], [setting("shared_buffers", "32768")]),
    [["shared_buffers", "16384 (another value waits for a restart)", "32768"]],
  );
  assert.deepEqual(told([], [waiting("max_files_per_process", "1000")]), [
    ["max_files_per_process", "1000", "1000 (another value waits for a restart)"],
  ], "one that is only read while it waits");
  assert.deepEqual(told([waiting("max_files_per_process", "1000")], []), [
    [
      "max_files_per_process",
      "1000 (another value waits for a restart)",
      "no value waits for a restart",
    ],
  ]);
  assert.deepEqual(told([waiting("jit", "on")], [waiting("jit", "on")]), []);
  assert.deepEqual(told([], [setting("jit", "on")]), []);
  const index = (name: string) => ({ schema: "shop", name, table: "shop.prints" });
  assert.deepEqual(
    indexChanges([index("a"), index("b")], [index("b"), index("c")], 5).map((one) => [
      one.subject,
      one.after,
    ]),
    [["shop.c on shop.prints", "made"], ["shop.a on shop.prints", "dropped"]],
  );
});

Deno.test("a restart, another version, a reset and DDL are changes; Holdfast's own DDL is not", () => {
  const changes = createChanges({ now: () => 1_000_000 });
  const server = { uptime_seconds: 100, version: "18.4" } as Parameters<
    typeof changes.noteServer
  >[0];
  changes.noteServer(server, 1_000_000);
  changes.noteServer({ ...server, uptime_seconds: 130 }, 1_030_000);
  changes.noteServer({ ...server, uptime_seconds: 1, version: "15.18" }, 1_060_000);
  changes.noteCounters({ stats_reset: 1 });
  changes.noteCounters({ stats_reset: 1 });
  changes.noteCounters({ stats_reset: 2 });
  changes.noteStatements([
    "create index on shop.prints (ts) where note = 'secret'",
    "select 1",
    "create table holdfast.samples_p2026 (like holdfast.samples)",
    "alter role shop password 'hunter2'",
  ]);
  assert.deepEqual(changes.between(0, 2e6).map(({ kind, subject }) => [kind, subject]), [
    ["server_start", "Postgres"],
    ["statistics_reset", "pg_stat_database"],
    ["ddl", "create index on shop.prints (ts) where note = ?"],
    ["ddl", "alter role shop password ?"],
  ]);
});

Deno.test("changes that are loaded again, or stored twice, are listed once", async () => {
  const changes = createChanges({ now: () => 2_000 });
  const stored = [{ at: 1_000, kind: "ddl" as const, subject: "a", before: null, after: null }];
  const pool = { run: () => Promise.resolve([...stored, ...stored]) } as unknown as Pool;
  changes.started("1.0.0");
  await changes.load(pool);
  stored.push({ ...stored[0]!, at: 2_000 });
  await changes.load(pool);
  assert.deepEqual(
    changes.between(0, 3_000).map(({ at, kind }) => [at, kind]),
    [[1_000, "ddl"], [2_000, "ddl"], [2_000, "holdfast_start"]],
  );
});

Deno.test("a redacted statement has no literal, however it is quoted or cut off", () => {
  const secret = "hunter2";
  const shapes = (text: string) => [
    `select '${text}'`,
    `select E'it\\'s ${text}'`,
    `select $$${text}$$`,
    `select $tag$ ${text} $tag$ from t`,
    `select 1 -- ${text}`,
    `select /* ${text} */ 1`,
    `insert into t values ('a''${text}'`,
    `select * from t where a = '${text}`,
    `select $q$${text}`,
    `select U&'${text}'`,
  ];
  for (const shape of shapes(secret)) {
    assert.ok(!redactSql(shape).includes(secret), `${shape} → ${redactSql(shape)}`);
  }
  assert.equal(
    redactSql('select "Col1", t1.a from t1 where a = 42 and b > -1.5e3 and c = $1'),
    'select "Col1", t1.a from t1 where a = ? and b > ? and c = $1',
  );
  assert.ok(redactSql(`select ${"x, ".repeat(500)}`).length <= 500);
  fc.assert(fc.property(fc.string(), (text) => {
    const quoted = text.replaceAll("'", "''").replaceAll("\\", "");
    const marked = `select 'abracadabra ${quoted}' as x`;
    assert.ok(!redactSql(marked).includes("abracadabra"));
  }));
  assert.deepEqual(redactQueries({ a: [{ query: "select 'x'", n: 1 }], sql: "keep 'x'" }), {
    a: [{ query: "select ?", n: 1 }],
    sql: "keep 'x'",
  });
});
