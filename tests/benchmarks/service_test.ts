// Runs alone: its server starts with the import.
import assert from "node:assert/strict";
import { cases as shippedCases } from "../../bench/cases/list.ts";
import { startTempServer } from "../../bench/temp_server.ts";
import { connectSql } from "../../db/connection.ts";
import { migrations } from "../../db/migrations/list.ts";
import { migrate } from "../../db/migrate.ts";
import { openRecords } from "../../db/records/records.ts";
import { HoldfastError } from "../../errors.ts";
import { createLogger } from "../../log.ts";
import type { BenchmarkCase, BenchmarkContext } from "../../services/benchmarks/case.ts";
import type { BenchmarkEvent } from "../../services/benchmarks/run.ts";
import {
  type Benchmarks,
  type BenchmarksOptions,
  createBenchmarks,
  runComprehensiveBenchmark,
  validatePerformanceTargets,
} from "../../services/benchmarks/service.ts";
import { systemClock } from "../../lib/clock.ts";
import { createHub } from "../../services/live/hub.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { watchRejections } from "../helpers/rejections.ts";

const { unhandled, stop: stopWatching } = watchRejections();
const server = await startTempServer();
const connect = {
  target: server.target,
  applicationName: "test",
  statementTimeoutMs: 60_000,
  lockTimeoutMs: 5_000,
  pooled: false,
};
const sql = connectSql({ ...connect, max: 8 });
const migrating = connectSql({ ...connect, max: 1 });
await migrate(migrating, migrations);
await migrating.end();
const records = openRecords({ ...connect, pooler: { pooled: false } });
const log = createLogger({ level: "error", write: () => {} });

Deno.test.afterAll(async () => {
  await sql.end({ timeout: 1 });
  await records.end();
  await server.stop();
  stopWatching();
  assert.deepEqual(unhandled, [], "promises nobody held");
});

const brief = { analyses: [4], slotMs: 2, warmUpMs: 5, dataShare: 0.1 };

/** Two arms that write ten rows a time; `written` says how many of the ten really are. */
function writingCase(id: string, written: { baseline: number; candidate: number }): BenchmarkCase {
  const table = (role: string) => `${id}_${role}`;
  const arm = (role: "baseline" | "candidate") => ({
    name: role,
    writes: [table(role)],
    async run({ sql, table: quoted }: BenchmarkContext) {
      await sql.unsafe(
        `insert into ${quoted(table(role))} select generate_series(1, ${written[role]})`,
      );
      return { units: 10 };
    },
  });
  return {
    id,
    category: "insert_performance",
    title: id,
    unit: "rows/s",
    target: 0.3,
    counts: true,
    arms: { baseline: arm("baseline"), candidate: arm("candidate") },
    async setup({ sql, table: quoted }) {
      for (const role of ["baseline", "candidate"]) {
        await sql.unsafe(`create table ${quoted(table(role))} (n int4)`);
      }
    },
    async verify({ sql, table: quoted }, _state, claims) {
      for (const role of ["baseline", "candidate"] as const) {
        const [found] = await sql.unsafe<{ rows: number }[]>(
          `select count(*)::int4 as rows from ${quoted(table(role))}`,
        );
        if (found?.rows !== claims[role].units) {
          return { problem: `${role} holds ${found?.rows} rows`, notes: [] };
        }
      }
      return { problem: null, notes: ["All rows are there"] };
    },
  };
}

const honest = writingCase("honest", { baseline: 10, candidate: 10 });

/** A case whose work takes `seconds` in one statement. */
const sleeping = (seconds: number): BenchmarkCase => {
  const run = async ({ sql }: BenchmarkContext) => {
    await sql.unsafe(`select pg_sleep(${seconds})`);
    return { units: 1 };
  };
  return {
    ...honest,
    id: "sleeping",
    arms: { baseline: { name: "a", run }, candidate: { name: "b", run } },
    setup: async ({ sql, table }) => {
      await sql.unsafe(`create table ${table("bed")} (n int4)`);
    },
    verify: () => Promise.resolve({ problem: null, notes: [] }),
  };
};

function setUp(cases: readonly BenchmarkCase[], more: Partial<BenchmarksOptions> = {}) {
  const hub = createHub({ clock: systemClock });
  const events: BenchmarkEvent[] = [];
  hub.subscribe({ send: ({ text }) => events.push(JSON.parse(text).data) });
  const benchmarks = createBenchmarks({
    cases,
    target: server.target,
    pooler: { pooled: false },
    records: records.db,
    hub,
    clock: systemClock,
    log,
    measuring: { quick: brief, full: brief },
    ...more,
  });
  return { benchmarks, events };
}

const schemas = async () =>
  (await sql`select nspname from pg_namespace where nspname like 'bench\\_%'`).map((row) =>
    row.nspname as string
  );
const sessions = async () =>
  (await sql`select pid from pg_stat_activity where application_name = 'holdfast-bench'`).length;

const refused = (code: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === code;

const schemaMade = () => eventually(async () => (await schemas())[0], "a schema of the run");
const nothingLeft = async () => {
  assert.deepEqual(await schemas(), []);
  await eventually(async () => await sessions() === 0, "no session of the benchmarks");
};

Deno.test("a run measures, explains, publishes and is remembered, and leaves no schema", async () => {
  const { benchmarks, events } = setUp([honest], { newSeed: () => 42 });
  const started = await benchmarks.startRun({ profile: "full" });
  assert.equal(started.status, "running");
  const { done, of } = benchmarks.progressOf(started.id) ?? assert.fail("no progress");
  assert.ok(done >= 0 && done <= of && of > 0);
  assert.equal(started.profile, "full");
  assert.deepEqual(started.results, []);
  const run = await benchmarks.waitForRun(started.id);
  assert.equal(run.status, "completed");
  assert.equal(run.seed, 42);
  assert.match(String(run.environment.server_version), /^\d+/);
  const [result] = run.results;
  assert.deepEqual(Object.keys(result!).sort(), [
    "baseline",
    "candidate",
    "case",
    "category",
    "ci_high",
    "ci_low",
    "evidence",
    "improvement",
    "null_ci_high",
    "null_ci_low",
    "ratio",
    "samples",
    "target",
    "target_unit",
    "unit",
    "verdict",
    "why",
  ]);
  assert.equal(result!.samples, 4);
  assert.ok(result!.ci_low! <= result!.improvement! && result!.improvement! <= result!.ci_high!);
  assert.match(result!.why, /WAL per row \d+ against \d+ bytes\. .*All rows are there\./);
  assert.deepEqual(
    [...new Set(events.map(({ state }) => state))],
    ["progress", "result", "finished"],
  );
  assert.deepEqual(events.find(({ state }) => state === "result")?.result, result);
  assert.equal(events.at(-1)?.status, "completed");
  assert.equal(events.at(-1)?.done, events.at(-1)?.total);
  await nothingLeft();
  assert.equal(benchmarks.progressOf(run.id), null);
  assert.equal((await benchmarks.listRuns()).runs[0]!.id, run.id);
});

Deno.test("an arm that drops or doubles rows fails verification, and its neighbours do not", async () => {
  const { benchmarks } = setUp([
    writingCase("dropping", { baseline: 10, candidate: 9 }),
    writingCase("doubling", { baseline: 20, candidate: 10 }),
    honest,
  ]);
  const run = await runComprehensiveBenchmark(benchmarks, "quick");
  assert.equal(run.status, "failed");
  const [dropping, doubling, whole] = run.results;
  assert.match(dropping!.why, /Verification failed: candidate holds \d+ rows/);
  assert.match(doubling!.why, /Verification failed: baseline holds \d+ rows/);
  for (const result of [dropping, doubling]) {
    assert.equal(result!.verdict, "fail");
    assert.equal(result!.improvement, null);
  }
  assert.notEqual(whole!.improvement, null);
  assert.match(run.error!, /dropping: candidate holds/);
  await nothingLeft();
});

Deno.test("a case that the database refuses fails alone, and its SQL stays inside", async () => {
  const broken: BenchmarkCase = {
    ...honest,
    id: "broken",
    setup: async ({ sql }) => void await sql.unsafe("select secret from nowhere"),
  };
  const { benchmarks } = setUp([broken, honest]);
  const run = await runComprehensiveBenchmark(benchmarks, "quick");
  assert.equal(run.status, "failed");
  assert.match(run.results[0]!.why, /^Did not finish: .*42P01/);
  assert.doesNotMatch(JSON.stringify(run), /nowhere/);
  assert.notEqual(run.results[1]!.improvement, null);
  await nothingLeft();
});

/** Aborts a run; returns it once it has ended, and how long the answer took in milliseconds: Infinity when it came before that. */
async function abortTimed({ abortRun, waitForRun }: Benchmarks, id: string) {
  const before = performance.now();
  const answer = await abortRun(id);
  const took = answer.status === "aborted" ? performance.now() - before : Infinity;
  const run = await waitForRun(id);
  assert.equal(run.status, "aborted");
  return { run, took };
}

Deno.test("a second run is refused while one runs, in this process and in another", async () => {
  const here = setUp([sleeping(20)]).benchmarks;
  const there = setUp([honest]).benchmarks;
  const { id } = await here.startRun();
  await assert.rejects(here.startRun(), refused("benchmark_running"));
  await assert.rejects(there.startRun(), refused("benchmark_running"));
  await assert.rejects(there.abortRun(id), refused("conflict"));
  const schema = await schemaMade();
  assert.deepEqual(await there.sweepOrphans(), []);
  assert.deepEqual(await schemas(), [schema], "a living run's schema is not swept");
  await abortTimed(here, id);
  const next = await there.startRun();
  assert.equal((await there.waitForRun(next.id)).status, "completed");
});

Deno.test("an abort answers within 2 s amid a long statement, and leaves nothing", async () => {
  const { benchmarks, events } = setUp([sleeping(30), honest]);
  let id = "";
  await within(2_000, "the abort", async () => {
    ({ id } = await benchmarks.startRun());
    await schemaMade();
    await eventually(
      async () =>
        (await sql`select 1 from pg_stat_activity where query like '%pg_sleep(30)'`).length > 0,
      "the long statement",
    );
    const { run, took } = await abortTimed(benchmarks, id);
    assert.ok(run.finished_at);
    assert.equal(events.at(-1)?.status, "aborted");
    await nothingLeft();
    return took;
  });
  assert.equal((await benchmarks.abortRun(id)).status, "aborted", "once more changes nothing");
});

Deno.test("an abort amid a COPY leaves nothing", async () => {
  const copying = shippedCases.filter(({ id }) => id === "insert_method");
  const long = { analyses: [400], slotMs: 20, warmUpMs: 20 };
  const { benchmarks } = setUp(copying, { measuring: { quick: long, full: long } });
  const { id } = await benchmarks.startRun();
  await eventually(
    async () => (await sql`select 1 from pg_stat_activity where query like 'copy %'`).length > 0,
    "a COPY",
  );
  await abortTimed(benchmarks, id);
  await nothingLeft();
});

Deno.test("an abort amid work on connections of a case's own leaves nothing, and answers within 2 s", async () => {
  const long = { analyses: [400], slotMs: 20, warmUpMs: 20, dataShare: 0.1 };
  for (const id of ["capacity_open_loop", "pool_naive", "maintenance_stall", "overhead_monitor"]) {
    const { benchmarks, events } = setUp(shippedCases.filter((bench) => bench.id === id), {
      measuring: { quick: long, full: long },
    });
    const table = `${id.split("_")[0]}%`;
    await within(2_000, `the abort of ${id}`, async () => {
      const run = await benchmarks.startRun({ force: true });
      const earlier = events.length;
      await eventually(
        async () =>
          (await sql`
          select 1 from pg_tables
          where schemaname like 'bench\\_%' and tablename like ${table}`).length,
        `the tables of ${id}`,
      );
      await eventually(() => events.length > earlier, "a word of the run");
      const { took } = await abortTimed(benchmarks, run.id);
      await nothingLeft();
      return took;
    });
  }
});

Deno.test("what a killed Holdfast left is swept: schema, sessions and the claim to run", async () => {
  const id = crypto.randomUUID();
  const schema = `bench_${id.replaceAll("-", "")}`;
  await sql.unsafe(`create schema ${schema}; create table ${schema}.t (n int4)`).simple();
  await sql.unsafe("create schema bench_of_somebody_else");
  await sql`
    insert into holdfast.benchmark_runs (id, profile, status, started_at, seed)
    values (${id}, 'quick', 'running', now() - interval '1 hour', 1)`;
  // Its last statement still holds a lock on the table.
  const orphan = connectSql({ ...connect, max: 1, applicationName: "holdfast-bench" });
  const holding = orphan.unsafe(`begin; lock table ${schema}.t; select pg_sleep(30)`).simple()
    .catch(() => {});
  await eventually(
    async () => {
      const held = await sql`
        select 1 from pg_locks where mode = 'AccessExclusiveLock' and relation = ${`${schema}.t`}::regclass`;
      return held.length > 0;
    },
    "the orphan's lock",
  );
  const { benchmarks } = setUp([honest]);
  assert.deepEqual(await benchmarks.sweepOrphans(), [schema]);
  assert.deepEqual(await schemas(), ["bench_of_somebody_else"], "only our own are dropped");
  const run = await benchmarks.getRun(id);
  assert.equal(run.status, "aborted");
  assert.match(run.error!, /Holdfast ended/);
  await holding;
  await orphan.end({ timeout: 0 });
  await sql.unsafe("drop schema bench_of_somebody_else");
  await nothingLeft();
});

Deno.test("a busy server refuses a run unless it is forced", async () => {
  const sleeper = connectSql({ ...connect, max: 5, applicationName: "sleeper" });
  const busy = Array.from({ length: 5 }, () => sleeper`select pg_sleep(300)`.execute());
  const slept = Promise.allSettled(busy);
  await eventually(async () => {
    const rows = await sql`
      select 1 from pg_stat_activity where application_name = 'sleeper' and state = 'active'`;
    return rows.length === busy.length;
  }, "it is busy");
  const { benchmarks } = setUp([honest]);
  await assert.rejects(benchmarks.startRun(), refused("server_busy"));
  const { id } = await benchmarks.startRun({ force: true });
  assert.equal((await benchmarks.waitForRun(id)).status, "completed");
  await sql`
    select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'sleeper'`;
  await slept;
  await sleeper.end();
  await nothingLeft();
});

Deno.test("stop aborts the run that goes on and starts no more", async () => {
  const { benchmarks } = setUp([sleeping(20)]);
  const { id } = await benchmarks.startRun();
  await benchmarks.stop();
  await nothingLeft();
  assert.equal((await benchmarks.getRun(id)).status, "aborted");
  await assert.rejects(benchmarks.startRun(), refused("shutting_down"));
});

Deno.test("unknown cases, runs and cursors are refused by name", async () => {
  const { benchmarks } = setUp([honest]);
  await assert.rejects(
    benchmarks.startRun({ cases: ["honest", "nonsense"] }),
    (error) => refused("invalid_request")(error) && /cases\.1/.test(JSON.stringify(error)),
  );
  await assert.rejects(benchmarks.startRun({ cases: [] }), refused("invalid_request"));
  await assert.rejects(benchmarks.getRun(crypto.randomUUID()), refused("not_found"));
  await assert.rejects(benchmarks.getRun("nonsense"), refused("not_found"));
  await assert.rejects(benchmarks.listRuns({ cursor: "nonsense" }), refused("invalid_request"));
});

Deno.test("runs are listed newest first, page by page, each once", async () => {
  await sql`truncate holdfast.benchmark_runs`;
  await sql`
    insert into holdfast.benchmark_runs (id, profile, status, started_at, finished_at, seed)
    select gen_random_uuid(), 'quick', 'completed', date_trunc('second', now()) - (n / 2) * interval '1 minute', now(), n
    from generate_series(1, 45) as n`;
  const { benchmarks } = setUp([honest]);
  const first = await benchmarks.listRuns();
  const second = await benchmarks.listRuns({ cursor: first.next_cursor! });
  const third = await benchmarks.listRuns({ cursor: second.next_cursor! });
  const all = [...first.runs, ...second.runs, ...third.runs];
  assert.equal(third.next_cursor, null);
  assert.equal(new Set(all.map(({ id }) => id)).size, 45);
  const times = all.map(({ started_at }) => started_at);
  assert.deepEqual(times, times.toSorted().toReversed());
});

Deno.test("every shipped case runs and proves its own work", async () => {
  const { benchmarks } = setUp(shippedCases);
  const run = await runComprehensiveBenchmark(benchmarks, "quick");
  assert.equal(run.error, null);
  assert.equal(run.results.length, shippedCases.length);
  for (const result of run.results) {
    assert.ok(Number.isFinite(result.improvement), `${result.case}: ${result.why}`);
    assert.ok(result.why.length > 0);
  }
  const { targets } = await validatePerformanceTargets(benchmarks);
  assert.equal(targets.length, 8);
  for (const target of targets) {
    assert.equal(target.run_id, run.id, target.category);
    assert.ok(target.ci_low! <= target.improvement! && target.improvement! <= target.ci_high!);
  }
  const capacity = targets.find(({ category }) => category === "high_frequency_capacity");
  assert.equal(capacity?.target, 10_000);
  await nothingLeft();
});

Deno.test("with the database away the report answers within a second from what it knows", async () => {
  const { benchmarks } = setUp(shippedCases);
  const before = await benchmarks.performanceReport();
  const measured = before.categories.filter(({ verdict }) => verdict !== "not_measured");
  assert.equal(measured.length, 8);
  await sql.end({ timeout: 1 });
  server.stopNow();
  await within(1_000, "the report", async () => {
    const asked = performance.now();
    assert.deepEqual(await benchmarks.performanceReport(), before);
    return performance.now() - asked;
  });
  await assert.rejects(benchmarks.startRun(), refused("database_unavailable"));
});
