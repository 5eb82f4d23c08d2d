import assert from "node:assert/strict";
import type { Rehearsal } from "../../services/rehearsals/rehearsal.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { plantDay } from "../helpers/planted.ts";
import {
  assertUnreached,
  rehearse,
  rehearseTimes,
  tradesWorkload,
  verdictOf,
} from "../helpers/rehearse.ts";
import { slowTests, testWith } from "../helpers/skip.ts";

/** Runs of each planted change. Each of the two changes without effect is rehearsed twice as often. */
const runs = Number(Deno.env.get("HOLDFAST_REHEARSALS") ?? "1");
const runsWithoutEffect = 2 * runs;

/** A page of trades, which needs the same index as two statements of the workload. */
const page = {
  sql:
    "select ts, price, size from app.trades where symbol_id = $1 and ts >= $2 order by ts limit 20",
  params: [[2, "2026-11-24 15:00:00+00"], [3, "2026-11-24 18:30:00+00"]],
};

/** Groups that need more than 64 kB of memory and less than 4 MB. */
const grouping = {
  sql:
    "select symbol_id, exchange, size, count(*) from app.trades group by 1, 2, 3 order by 4 desc limit 5",
};

interface Advice {
  id: string;
  title: string;
  sql?: string;
  rehearsal: { id: string; verdict: string; summary: string } | null;
}

testWith(slowTests, "planted changes get the verdicts they deserve", async (t) => {
  const app: TestApp = await startApp();
  const many = (body: unknown, check: (found: Rehearsal) => void) =>
    rehearseTimes(app, runs, body, check);
  const manyWithoutEffect = (body: unknown, check: (found: Rehearsal) => void) =>
    rehearseTimes(app, runsWithoutEffect, body, check);
  try {
    await plantDay(app.sql);
    const workload = tradesWorkload;

    await t.step("an index that a statement needs is worth it", () =>
      many(
        { sql: "create index concurrently on app.trades (note) where note is not null", workload },
        (found) => {
          assert.equal(found.verdict, "worth_it");
          assert.equal(verdictOf(found, "note ="), "improved");
          assert.ok(!found.cost?.locks.some(({ blocked }) => blocked.length > 0));
        },
      ));

    await t.step(
      "an index that none needs is not worth it, and its cost to writes is reported",
      () =>
        many({ sql: "create index on app.trades (size, price, id)", workload }, (found) => {
          assert.equal(found.verdict, "not_worth_it");
          assert.ok((found.cost?.write_improvement ?? 0) < 0);
          assert.ok(
            found.cost?.locks.some(({ lock, blocked }) =>
              lock === "ShareLock" && blocked.includes("writers")
            ),
          );
          assert.ok((found.cost?.writer_stall_ms ?? 0) > 50);
        }),
    );

    await t.step(
      "dropping an index that three statements need is harmful to all three",
      () =>
        many({ sql: "drop index app.trades_symbol_ts", workload: [...workload, page] }, (found) => {
          assert.equal(found.verdict, "harmful");
          assert.equal(verdictOf(found, "order by ts limit 20"), "worse");
          assert.equal(verdictOf(found, "order by ts desc"), "worse");
          assert.equal(verdictOf(found, "avg(price)"), "worse");
          assertUnreached(found, "note =");
          assert.match(found.summary ?? "", /^Harmful: slower: /);
        }),
    );

    await t.step("a rewrite is seen to lock out readers and writers", () =>
      many({
        sql: "alter table app.trades alter column size type numeric",
        workload: [tradesWorkload[1]],
      }, (found) => {
        const lock = found.cost?.locks.find((one) => one.lock === "AccessExclusiveLock");
        assert.deepEqual(lock?.blocked, ["readers", "writers"]);
        assert.ok((found.cost?.reader_stall_ms ?? 0) > 200);
        assert.ok((found.cost?.wal_bytes ?? 0) > 10e6);
        assert.notEqual(found.verdict, "worth_it");
      }));

    await t.step("a change without effect is never worth it", () =>
      manyWithoutEffect(
        { sql: "comment on table app.trades is 'nothing'", workload },
        (found) => {
          assert.ok(["not_worth_it", "cannot_tell"].includes(found.verdict ?? ""), found.summary!);
          assert.ok(found.statements.every(({ plan_changed }) => !plan_changed));
        },
      ));

    await t.step("a setting that changes no plan is never worth it", () =>
      manyWithoutEffect(
        { settings: { temp_buffers: "9MB", geqo_seed: 0.5 }, workload },
        (found) => {
          assert.ok(["not_worth_it", "cannot_tell"].includes(found.verdict ?? ""), found.summary!);
          assert.ok(found.statements.every(({ why }) => why.startsWith("The plan is the same")));
        },
      ));

    await t.step(
      "a work_mem that makes a grouping spill is harmful",
      () =>
        many(
          { settings: { work_mem: "64kB" }, workload: [grouping, tradesWorkload[1]] },
          (found) => {
            assert.equal(found.verdict, "harmful");
            assert.equal(verdictOf(found, "group by"), "worse");
            assert.equal(verdictOf(found, "order by ts desc"), "no_difference");
          },
        ),
    );

    await app.sql`alter role current_user set work_mem = '64kB'`;
    await t.step("a work_mem that keeps a grouping in memory is worth it", () =>
      many(
        { settings: { work_mem: "64MB" }, workload: [grouping, tradesWorkload[1]] },
        (found) => {
          assert.equal(found.verdict, "worth_it");
          assert.equal(verdictOf(found, "group by"), "improved");
          assert.equal(verdictOf(found, "order by ts desc"), "no_difference");
        },
      ));
    await app.sql`alter role current_user reset work_mem`;

    await t.step(
      "a table is partitioned on the copy by Holdfast's own planner",
      () =>
        rehearseTimes(app, 1, {
          policy: {
            table: "app.trades",
            key_column: "ts",
            policy: { interval: "1 hour", key: "timestamptz" },
          },
          workload: [{ sql: "select sum(size) from app.trades where ts >= $1 and ts < $2" }],
        }, (found) => {
          assert.match(found.statements[0]?.plan_after ?? "", /trades_p20261124_\d\d00/);
          assert.ok(found.cost && found.cost.seconds > 0);
        }),
    );

    await t.step("advice is rehearsed by its id, and the answer stands beside it", async () => {
      await app.sql`create index trades_twin on app.trades (symbol_id, ts)`;
      await app.post("/api/backups", {}).then((answer) => answer.body?.cancel());
      await app.holdfast.backups.idle();
      await app.holdfast.monitor.runNow("hourly");
      const read = async () => {
        const { recommendations } = await app.json<{ recommendations: Advice[] }>(
          "/api/health/database",
        );
        return recommendations.find(({ sql }) => /drop index.*trades_/.test(sql ?? ""));
      };
      const advice = await read();
      assert.ok(advice, "the twin is not advised against");
      assert.equal(advice.rehearsal, null);
      const answer = await app.request(`/api/recommendations/${advice.id}/rehearse`, {
        method: "POST",
      });
      assert.equal(answer.status, 202, await answer.clone().text());
      await answer.body?.cancel();
      await app.holdfast.rehearsals.idle();
      const after = await read();
      assert.equal(after?.id, advice.id);
      assert.ok(
        ["worth_it", "not_worth_it", "cannot_tell"].includes(after?.rehearsal?.verdict ?? ""),
      );
      assert.ok(after?.rehearsal?.summary);
    });

    await t.step("an index that a statement lacks is advised, rehearsed and proven", async () => {
      await rehearse(app, { sql: "analyze app.trades", workload: [tradesWorkload[2]] });
      const advised = async () => {
        const { recommendations } = await app.json<{ recommendations: Advice[] }>(
          "/api/health/database",
        );
        return recommendations.find(({ title }) => title === "Index app.trades (note)");
      };
      const id = (await advised())?.id ?? "";
      const found = await rehearse(app, { recommendation: id, workload: [tradesWorkload[2]] });
      assert.equal(found.verdict, "worth_it", found.summary ?? "");
      assert.equal((await advised())?.rehearsal?.verdict, "worth_it");
    });
  } finally {
    await app.stop();
  }
});
