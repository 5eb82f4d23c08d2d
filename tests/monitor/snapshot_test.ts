import assert from "node:assert/strict";
import { partitionHealth } from "../../services/monitor/health/health.ts";
import { createLoneMonitor } from "../helpers/monitor.ts";
import { onServer, openPlain } from "../helpers/majors.ts";

const minute = 60_000;

Deno.test("a snapshot has the last readings, is worked out once, and never changes", () =>
  onServer(18, async (target) => {
    const sql = openPlain(target);
    let now = Math.ceil(Date.now() / minute) * minute;
    const watching = await createLoneMonitor(target, { now: () => now });
    const { monitor } = watching;
    try {
      assert.equal(monitor.isReachable(), true, "nothing speaks against it yet");
      assert.equal(monitor.snapshot().status, "unknown");
      await sql.unsafe(`create table market.ticks_all partition of market.ticks
        for values from ('2020-01-01') to ('${new Date(now + 3_600_000).toISOString()}')`);
      for (const tier of ["fast", "stats", "slow", "hourly"] as const) await monitor.runNow(tier);
      const first = monitor.snapshot();
      const again = monitor.snapshot();
      assert.equal(again.signals, first.signals, "worked out once");
      assert.equal(again.tables, first.tables);
      const runway = first.tables[0]?.runway_seconds;
      assert.equal(runway, 3_600);
      const [table] = first.tables;
      assert.ok(table);
      const known = partitionHealth(first);
      assert.deepEqual([known.partitions, known.runway_seconds, known.holes], [1, 3_600, 0]);
      const gone = partitionHealth({ ...first, unreachable: { since: now, error: "gone" } });
      assert.deepEqual(
        [gone.tables_managed, gone.partitions, gone.runway_seconds, gone.holes, gone.default_rows],
        [null, null, null, null, null],
        "what an unreachable server had is not what it has",
      );
      const unread = { ...table, unread: true, holes: [], runway_seconds: null };
      assert.equal(partitionHealth({ ...first, tables: [table, unread] }).holes, null);

      now += 5_000;
      await sql`select 1`;
      await monitor.runNow("fast");
      const second = monitor.snapshot();
      assert.equal(second.readings.activity.at, now);
      assert.equal(second.tables, first.tables, "reports of tables rest on the same reading");
      assert.equal(first.readings.activity.at, now - 5_000, "one that is held stays as it was");
      assert.equal(first.view.rows("activity"), first.readings.activity.value);
      assert.notEqual(second.view.rows("activity"), first.view.rows("activity"));

      now += minute;
      const third = monitor.snapshot();
      assert.equal(third.metrics.connections_used, null, "what ages becomes unknown by itself");
      assert.notEqual(first.metrics.connections_used, null);
      assert.equal(third.status, "unknown");
      assert.equal(third.tables[0]?.runway_seconds, 3_600 - 65, "and time goes by for tables");
      await monitor.runNow("stats");
      assert.notEqual(monitor.snapshot().tables, third.tables, "a new reading, new reports");
    } finally {
      await watching.stop();
      await sql.end();
    }
  }));
