import assert from "node:assert/strict";
import fc from "fast-check";
import type { Sql } from "../../db/connection.ts";
import { readSamples } from "../../db/history/samples.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { KnownLeaves } from "../../services/monitor/history/known_leaves.ts";
import { inSteps, leafAt, levelsFor } from "../../services/monitor/history/levels.ts";
import { Rollups } from "../../services/monitor/history/rollups.ts";
import { eventually, within } from "../helpers/eventually.ts";
import {
  defaultLevels as levels,
  everySeries,
  liveThrough,
  openWriter,
  recorderAt,
} from "../helpers/history.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { fillDataDir } from "../helpers/template.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const slow = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1";
let folder = "";
let app: TestApp;

const start = () =>
  startApp({
    HOLDFAST_DATA_DIR: folder,
    HOLDFAST_FAST_TIER_SECONDS: "1",
    HOLDFAST_BROADCAST_SECONDS: "1",
  });

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-history-" });
  await Deno.chmod(folder, 0o755);
  await fillDataDir(folder);
  app = await start();
});

Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(folder, { recursive: true });
});

interface Series {
  step_seconds: number;
  complete: boolean;
  points: { ts: string; value: number; min: number; max: number; last: number }[];
}

Deno.test("the series of a process are kept apart from those of another Holdfast on the same database", async () => {
  const path = "/api/metrics/pool_utilization";
  const before = await eventually(async () => {
    const { points } = await app.json<Series>(path);
    return points.length >= 2 && points;
  }, "it has been measured");
  const scopes = async (name: string) =>
    (await app.sql<{ scope: string }[]>`
      select scope from holdfast.sample_series where name = ${name}`).map(({ scope }) => scope);
  await eventually(async () => {
    // A busy machine may cut a write off; the next comes with the next tick.
    await app.holdfast.monitor.history.flush();
    return /.+:[0-9a-f]+/.test((await scopes("pool_utilization")).join());
  }, "it is stored under the name of this Holdfast");
  assert.deepEqual(await scopes("connections_used"), [""], "the server's are everybody's");
  await app.sql`
    with other as (
      insert into holdfast.sample_series (name, scope) values ('pool_utilization', 'other:1') returning id
    )
    insert into holdfast.samples (ts, series, value) select ${
    before[0]!.ts
  }::text::timestamptz, id, 0.99 from other`;
  const { points } = await app.json<Series>(`${path}?from=${before[0]!.ts}`);
  assert.ok(points.length >= 2 && points.every(({ max }) => max < 0.99), "not mixed");
  const theirs = await app.json<Series>(`${path}?scope=other:1&from=${before[0]!.ts}`);
  assert.equal(theirs.points[0]?.value, 0.99, "the other's can be asked for");
});

Deno.test("several Holdfasts that roll up for the first time at once roll each minute up once", async () => {
  const now = Date.now();
  const pools = Array.from({ length: 4 }, () => openWriter(app.holdfast.target));
  try {
    for (let round = 0; round < 3; round++) {
      await pools[0]!.transaction((sql) =>
        new KnownLeaves().make(sql, levels[0]!, [now - 3 * minute])
      );
      await app.sql.begin(async (sql) => {
        await sql`lock table holdfast.sample_rollups in access exclusive mode`;
        await sql`truncate holdfast.sample_rollups, holdfast.samples_1m`;
        await sql`
          insert into holdfast.sample_series (name, scope)
          select 'rolled_up', n::text from generate_series(1, 50) as n
          on conflict do nothing`;
        await sql`
          insert into holdfast.samples (ts, series, value)
          select ${new Date(now).toISOString()}::text::timestamptz - interval '3 minutes', id, 1
          from holdfast.sample_series`;
      });
      const done = await Promise.allSettled(pools.map((pool) =>
        new Rollups({
          pool,
          levels: levels.slice(0, 2),
          leaves: new KnownLeaves(),
          deadlineMs: 10_000,
        }).rollUp(now - minute, now)
      ));
      assert.ok(done.some(({ status }) => status === "fulfilled"));
      const [rows] = await app.sql<{ n: number; twice: number }[]>`
        select count(*)::int4 as n, count(*)::int4 - count(distinct (series, ts))::int4 as twice
        from holdfast.samples_1m`;
      assert.ok(rows && rows.n > 0);
      assert.equal(rows.twice, 0);
    }
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
  }
});

Deno.test("samples survive a restart, and ranges and steps are served from them", async () => {
  const path = "/api/metrics/connections_used";
  await eventually(
    async () => (await app.json<Series>(path)).points.length >= 3,
    "it has been measured",
  );
  const before = await app.json<Series>(path);
  await app.stop();
  app = await start();
  const after = await app.json<Series>(`${path}?from=${before.points[0]!.ts}`);
  assert.equal(after.complete, true);
  const kept = new Set(after.points.map(({ ts }) => ts));
  for (const { ts } of before.points) assert.ok(kept.has(ts), `${ts} is still there`);
  const minutes = await app.json<Series>(`${path}?step=60`);
  assert.equal(minutes.step_seconds, 60);
  const starts = minutes.points.map(({ ts }) => Date.parse(ts));
  assert.ok(starts.length > 0 && starts.every((at) => at % minute === 0), `${starts}`);
  assert.equal(new Set(starts).size, starts.length, "one point a minute");
  assert.ok(minutes.points.every(({ min, max }) => max >= min));
  const scoped = `/api/metrics/partition_runway_seconds?scope=market.ticks`;
  await eventually(
    async () => (await app.json<Series>(scoped)).points.length > 0,
    "single tables have a history too",
  );
  assert.equal((await app.request(`${path}?scope=nothing`)).status, 404);
  // Postgres has no year 0, and that does not make the database unreadable.
  const ever = await app.json<Series>(`${path}?from=0000-01-01T00:00:00Z`);
  assert.deepEqual([ever.complete, ever.points.length > 0], [true, true]);
  const never = await app.json<Series>(`${path}?to=0000-01-01T00:00:00Z`);
  assert.deepEqual([never.complete, never.points], [true, []]);
  const wrong = await app.request(`${path}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`);
  assert.equal(wrong.status, 400);
});

Deno.test("a day at the default cadences rolls up to the same figures, and old leaves go", async (t) => {
  const pool = openWriter(app.holdfast.target);
  const began = Date.UTC(2021, 0, 4, 12);
  const lived = recorderAt(pool, began);
  const hours = 9;
  try {
    await liveThrough(
      lived,
      hours,
      (name, at) => name === "xid_age" ? (at - began) / minute : 1,
    );
    assert.deepEqual(lived.recorder.state(), {
      waiting: 0,
      dropped: 0,
      problem: undefined,
      writtenAt: lived.now(),
    });
    const read = (tables: ("samples" | "samples_1m" | "samples_15m")[]) =>
      pool.run((sql) =>
        readSamples(sql, { name: "xid_age", scope: "" }, { tables, from: began, to: lived.now() })
      );

    await t.step(
      "the quarter hours, their minutes and what is not rolled up make one line",
      async () => {
        const points = (await read(["samples_15m", "samples_1m", "samples"]))!;
        assert.deepEqual([...points].sort((a, b) => a.at - b.at), points, "in order");
        assert.equal(new Set(points.map(({ at }) => at)).size, points.length, "none twice");
        const first = points[0]!;
        assert.deepEqual(
          [first.at, first.min, first.value, first.max, first.last],
          [began, 0, 7.25, 14.5, 14.5],
        );
        assert.ok(points.at(-1)!.at > lived.now() - minute);
      },
    );

    await t.step("raw samples older than six hours are gone with their leaves", async () => {
      const raw = (await read(["samples"]))!;
      assert.ok(raw[0]!.at >= lived.now() - 7 * hour && raw[0]!.at > began);
      assert.equal((await read(["samples_1m"]))!.length, hours * 60 - 1);
      const [{ leaves } = { leaves: 0 }] = await app.sql<{ leaves: number }[]>`
        select count(*)::int as leaves from pg_class where relname like 'samples\\_p2021%' and relkind = 'r'`;
      assert.ok(leaves <= 8, `${leaves} leaves`);
    });

    await t.step("what a row takes stays what the size of 30 days is counted with", async () => {
      // A COPY extends its table by many blocks at once (Postgres 16 and later); those it did not fill are no row's.
      await app.sql`vacuum holdfast.samples`;
      const [sizes] = await app.sql`
        select
          (select sum(pg_total_relation_size(oid)) from pg_class where relname like 'samples\\_p20210104%' and relkind = 'r')
            / (select count(*) from holdfast.samples where ts >= '2021-01-04' and ts < '2021-01-05') as raw,
          (select sum(pg_total_relation_size(oid)) from pg_class where relname like 'samples\\_1m\\_p2021%' and relkind = 'r')
            / (select count(*) from holdfast.samples_1m where ts >= '2021-01-01' and ts < '2022-01-01') as rolled`;
      assert.ok(Number(sizes?.raw) < 64, `raw ${sizes?.raw}`);
      assert.ok(Number(sizes?.rolled) < 68, `rolled up ${sizes?.rolled}`);
      assert.ok(thirtyDaysBytes() < 200e6, `${thirtyDaysBytes()}`);
    });
  } finally {
    await pool.end();
  }
});

/** The size of 30 days by calculation: rows of each table while it is kept (and its last leaf), times their width. */
function thirtyDaysBytes(): number {
  const series = everySeries();
  return levels.reduce((sum, { seconds, keepMs, leafMs }) => {
    const kept = Math.min(keepMs + leafMs, 30 * day + leafMs);
    const rows = series.reduce(
      (all, { everyMs }) => all + kept / Math.max(everyMs, seconds * 1000),
      0,
    );
    return sum + rows * (seconds === 0 ? 64 : 68);
  }, 0);
}

Deno.test({
  name: "thirty days at the default cadences stay under 200 MB",
  ignore: !slow,
  async fn() {
    const pool = openWriter(app.holdfast.target);
    const lived = recorderAt(pool, Date.UTC(2032, 0, 1));
    try {
      const sizes: number[] = [];
      for (let passed = 0; passed < 30; passed++) {
        await liveThrough(lived, 24, (_, at) => Math.sin(at / hour) * 1e6);
        const [row] = await app.sql<{ bytes: number }[]>`
          select sum(pg_total_relation_size(c.oid))::float8 as bytes
          from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
          where n.nspname = 'holdfast' and c.relname like 'sample%' and c.relkind = 'r'`;
        sizes.push(row!.bytes);
      }
      console.error(
        `30 days: ${(Math.max(...sizes) / 1e6).toFixed(1)} MB at most, ${
          (thirtyDaysBytes() / 1e6).toFixed(1)
        } MB by calculation, ${everySeries().length} series`,
      );
      assert.equal(lived.recorder.state().dropped, 0);
      assert.ok(Math.max(...sizes) < 200e6, `${Math.max(...sizes)}`);
    } finally {
      await pool.end();
    }
  },
});

Deno.test("the mean of a longer interval is that of its samples, also beside rollups that did not count them", async () => {
  const pool = openWriter(app.holdfast.target);
  const began = Date.UTC(2022, 0, 4, 12);
  const lived = recorderAt(pool, began);
  const meanAt = async (at: number) => {
    const [point] = (await pool.run((sql) =>
      readSamples(sql, { name: "uneven", scope: "" }, {
        tables: ["samples_15m"],
        from: at,
        to: at,
      })
    ))!;
    return point && [point.value, point.samples];
  };
  const rollUpTo = async (at: number) => {
    lived.moveTo(at + minute);
    await lived.recorder.upkeep();
    assert.equal(lived.recorder.state().problem, undefined);
  };
  const sample = (at: number, value: number) => ({ at, name: "uneven", scope: "", value });
  try {
    for (const from of [began, began + 15 * minute]) {
      // A minute of eleven samples, and a minute of one.
      const busy = Array.from({ length: 11 }, (_, n) => sample(from + n * 5_000, 0));
      lived.recorder.add([...busy, sample(from + minute, 12)]);
      await rollUpTo(from + 3 * minute);
      if (from !== began) {
        // An older Holdfast does not know the column.
        await app.sql`
          update holdfast.samples_1m set samples = null
          where ts = ${new Date(from).toISOString()}::text::timestamptz`;
      }
      await rollUpTo(from + 15 * minute);
    }
    assert.deepEqual(await meanAt(began), [1, 12]);
    assert.deepEqual(await meanAt(began + 15 * minute), [6, null]);
  } finally {
    await pool.end();
  }
});

Deno.test("samples that cannot be written are bounded and reported, and are written later", async () => {
  const pool = openWriter(app.holdfast.target);
  const began = Date.UTC(2033, 0, 1);
  const lived = recorderAt(pool, began, { waiting: 100, series: 4 });
  const sample = (n: number) => ({ at: began + n, name: "later", scope: "", value: n });
  const blocker = await app.sql.reserve();
  try {
    lived.recorder.add([sample(0)]);
    await lived.recorder.flush();
    await blocker`begin`;
    await blocker`lock table holdfast.samples in access exclusive mode`;
    for (let n = 1; n <= 150; n++) lived.recorder.add([sample(n)]);
    await within(2_000, "it waits no longer than lock_timeout", async () => {
      const started = performance.now();
      await lived.recorder.flush();
      return performance.now() - started;
    });
    const { waiting, dropped, problem } = lived.recorder.state();
    assert.deepEqual([waiting, dropped], [100, 50]);
    assert.match(problem!, /^55P03: /);
    assert.equal(lived.logs.filter(({ event }) => event === "history_not_written").length, 1);
    // The app's own history waits too, and health says so while the rest goes on.
    await eventually(async () => {
      const { checks } = await app.json<{ checks: { name: string; detail: string }[] }>(
        "/api/health",
      );
      return checks.some(({ name, detail }) => name === "history" && /55P03/.test(detail));
    }, "health names it");
    assert.equal((await app.json<{ status: string }>("/api/health")).status, "healthy");
  } finally {
    await blocker`rollback`;
    blocker.release();
  }
  await lived.recorder.flush();
  assert.deepEqual(lived.recorder.state().waiting, 0);
  const [row] = await app.sql<{ rows: number; oldest: number }[]>`
    select count(*)::int as rows, min(value) filter (where value > 0) as oldest
    from holdfast.samples as p join holdfast.sample_series as s on s.id = p.series
    where s.name = 'later'`;
  assert.deepEqual({ ...row }, { rows: 101, oldest: 51 });
  lived.recorder.add(
    Array.from({ length: 9 }, (_, i) => ({ ...sample(200), scope: `table ${i}` })),
  );
  assert.equal(lived.recorder.state().waiting, 3, "series are bounded");
  await pool.end();
});

Deno.test("samples of a write whose answer was lost are stored once, whether it was committed or not", async () => {
  const pool = openWriter(app.holdfast.target);
  const began = Date.UTC(2034, 0, 1);
  /** What becomes of the next transaction. */
  let fate: "answered" | "committed unheard" | "rolled back" | "kept open" = "answered";
  const hung = Promise.withResolvers<void>();
  const lost = () => Object.assign(new Error("lost"), { code: "CONNECTION_CLOSED" });
  const losing: Pool = {
    ...pool,
    async transaction(work, options) {
      const present = fate;
      fate = "answered";
      if (present === "answered") return await pool.transaction(work, options);
      if (present === "committed unheard") await pool.transaction(work, options);
      else if (present === "rolled back") {
        const failing = async (sql: Sql) => {
          await work(sql);
          throw lost();
        };
        await pool.transaction(failing, options).catch(() => {});
      } else {
        const other = openWriter(app.holdfast.target);
        const { promise: written, resolve } = Promise.withResolvers<void>();
        void other.transaction(async (sql) => {
          await work(sql);
          resolve();
          await hung.promise;
        }).then(() => other.end());
        await written;
      }
      throw lost();
    },
  };
  const lived = recorderAt(losing, began);
  const add = (n: number) =>
    lived.recorder.add([{ at: began + n, name: "unheard", scope: "", value: n }]);
  const stored = async () =>
    (await app.sql<{ value: number }[]>`
      select p.value
      from holdfast.samples as p join holdfast.sample_series as s on s.id = p.series
      where s.name = 'unheard'
      order by p.value`).map(({ value }) => value);
  try {
    add(1);
    await lived.recorder.flush();
    for (const [n, next] of [[2, "committed unheard"], [3, "rolled back"]] as const) {
      add(n);
      fate = next;
      await lived.recorder.flush();
      assert.equal(lived.recorder.state().waiting, 1, next);
      await lived.recorder.flush();
      assert.equal(lived.recorder.state().waiting, 0, next);
    }
    assert.deepEqual(await stored(), [1, 2, 3]);
    add(4);
    fate = "kept open";
    await lived.recorder.flush();
    add(5);
    await lived.recorder.flush();
    assert.match(lived.recorder.state().problem!, /^55P03: /, "it waits for the outcome");
    hung.resolve();
    await eventually(async () => {
      await lived.recorder.flush();
      return lived.recorder.state().waiting === 0;
    }, "then it is written");
    assert.deepEqual(await stored(), [1, 2, 3, 4, 5]);
  } finally {
    hung.resolve();
    await pool.end();
  }
});

Deno.test("every moment has one leaf, and leaves do not overlap", () => {
  const some = fc.constantFrom(...levels);
  fc.assert(fc.property(some, fc.nat(4e12), fc.nat(4e12), (level, a, b) => {
    const [one, other] = [leafAt(level, a), leafAt(level, b)];
    assert.ok(one.from <= a && a < one.to);
    assert.equal(one.name === other.name, one.from === other.from);
    assert.ok(one.from === other.from || one.to <= other.from || other.to <= one.from);
  }));
});

Deno.test("levels reach back to the start of the range, and are no coarser than the step if possible", () => {
  const now = 4e12;
  const range = fc.record({
    back: fc.nat(40 * day),
    span: fc.nat(40 * day),
    stepSeconds: fc.option(fc.integer({ min: 1, max: 86_400 }), { nil: undefined }),
  });
  fc.assert(fc.property(range, ({ back, span, stepSeconds }) => {
    const from = now - back;
    const chosen = levelsFor(levels, { from, to: from + Math.min(span, back), now, stepSeconds });
    assert.equal(chosen.at(-1)?.table, "samples", "what is not rolled up comes raw");
    assert.ok(now - chosen[0]!.keepMs <= from);
    const finer = levels.find(({ keepMs }) => now - keepMs <= from)!;
    if (stepSeconds !== undefined) {
      assert.ok(chosen[0]!.seconds <= Math.max(stepSeconds, finer.seconds));
    }
  }));
});

Deno.test("steps keep the least, the greatest, the last and the mean of the samples", () => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  const counted = fc.record({ value, samples: fc.option(fc.integer({ min: 1, max: 20 })) });
  fc.assert(fc.property(fc.array(counted, { maxLength: 50 }), (values) => {
    const points = values.map(({ value: one, samples }, i) => ({
      ts: i * 700,
      value: one,
      min: one,
      max: one,
      last: one,
      samples,
    }));
    for (const { ts, value: mean, min, max, last } of inSteps(points, 2_000)) {
      const members = points.filter((one) => one.ts >= ts && one.ts < ts + 2_000);
      const inside = members.map((one) => one.value);
      assert.deepEqual([min, max, last], [
        Math.min(...inside),
        Math.max(...inside),
        inside.at(-1),
      ]);
      const isCounted = members.every(({ samples }) => samples !== null);
      const weightOf = (samples: number | null) => isCounted ? samples ?? 0 : 1;
      const sum = members.reduce((all, one) => all + one.value * weightOf(one.samples), 0);
      const count = members.reduce((all, { samples }) => all + weightOf(samples), 0);
      assert.ok(Math.abs(mean - sum / count) <= 1e-6 * 1e6);
    }
  }));
});
