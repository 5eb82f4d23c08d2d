import assert from "node:assert/strict";
import { readTables } from "../../services/partitions/report/reading.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";
import { startGuarded } from "../helpers/guardian.ts";
import { testWith } from "../helpers/skip.ts";

/** Takes minutes, most of them Postgres's own: each leaf costs it time for every leaf there is. */
const large = {
  what: "HOLDFAST_TEST_LARGE=1",
  present: Deno.env.get("HOLDFAST_TEST_LARGE") === "1",
};

/** Makes `count` hourly leaves, the quick and locking way. */
const hours = (from: number, count: number) => `
  do $$ begin
    for k in ${from}..${from + count - 1} loop
      execute format('create table large.p%s partition of large.t for values from (%L) to (%L)', k,
        '2026-01-01'::timestamptz + k * interval '1 hour', '2026-01-01'::timestamptz + (k + 1) * interval '1 hour');
    end loop;
  end $$`;

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; answer: T }> {
  const from = performance.now();
  const answer = await work();
  return { ms: performance.now() - from, answer };
}

testWith(
  large,
  "two thousand leaves are watched and ten thousand are planned in time",
  async () => {
    const guarded = await startGuarded({ max_locks_per_transaction: "1024" });
    try {
      await guarded.sql.unsafe(`create schema large;
      create table large.t (ts timestamptz not null, id int not null, primary key (id, ts)) partition by range (ts)`)
        .simple();
      await using guardian = guarded.at("2026-03-15T12:00:00Z", { maxPartitions: 20_000 });
      await guardian.put("large.t", { interval: "1 hour", premake: 24 });

      for (let at = 0; at < 2_000; at += 1_000) await guarded.sql.unsafe(hours(at, 1_000)).simple();
      const catalogue = createCatalogue();
      const config = { HOLDFAST_PREMAKE_DAYS: 1, HOLDFAST_RETENTION_DAYS: 0 };
      const look = () =>
        guardian.pool.run((sql) => readTables(sql, { catalogue, config, nowMs: Date.now() }));
      for (let learnt = 0; learnt < 12; learnt++) await look();
      const watching = await timed(look);
      assert.ok(watching.ms < 200, `${watching.ms} ms`);
      console.log(`a look at 2,000 leaves: ${watching.ms.toFixed(0)} ms`);

      for (let at = 2_000; at < 10_000; at += 1_000) {
        await guarded.sql.unsafe(hours(at, 1_000))
          .simple();
      }
      const cold = await timed(() => guardian.rotation.plan());
      const warm = await timed(() => guardian.rotation.plan());
      console.log(`a plan over 10,000: ${cold.ms.toFixed(0)} ms, again: ${warm.ms.toFixed(0)} ms`);
      assert.deepEqual(cold.answer.steps, []);
      assert.ok(cold.ms < 1_000, `${cold.ms} ms`);

      await guardian.put("large.t", { interval: "1 hour", premake: 8_250 });
      const made = await timed(() => guardian.rotation.rotate("test"));
      console.log(`${made.answer.created.length} more made in ${(made.ms / 1000).toFixed(1)} s`);
      assert.deepEqual(made.answer.errors, []);
    } finally {
      await guarded.stop();
    }
  },
);

testWith(large, "a year of hours under months is premade in less than a minute", async () => {
  const guarded = await startGuarded();
  try {
    await guarded.sql.unsafe(`create schema large;
      create table large.t (ts timestamptz not null, id int not null, body text, primary key (id, ts))
        partition by range (ts)`).simple();
    await using guardian = guarded.at("2026-12-31T12:00:00Z", { maxPartitions: 20_000 });
    await guardian.put("large.t", { interval: "month", sub_interval: "hour", premake: 12 });
    const made = await timed(() => guardian.rotation.rotate("test"));
    assert.deepEqual(made.answer.errors, []);
    const [{ year, parents } = { year: 0, parents: 0 }] = await guarded.sql<
      { year: number; parents: number }[]
    >`
      select
        (count(*) filter (where t.isleaf and c.relname >= 't_p2027'))::int as year,
        (count(*) filter (where t.level = 1))::int as parents
      from pg_partition_tree('large.t') as t
      join pg_class as c on c.oid = t.relid`;
    console.log(
      `${year} hours of 2027 (and two months before) in ${(made.ms / 1000).toFixed(1)} s`,
    );
    assert.deepEqual([year, parents], [8_760, 14]);
    assert.ok(made.ms < 60_000, `${made.ms} ms`);
  } finally {
    await guarded.stop();
  }
});
