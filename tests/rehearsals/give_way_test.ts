import assert from "node:assert/strict";
import { countActiveStatements } from "../../db/rehearsals/production.ts";
import { createGiveWay } from "../../services/rehearsals/give_way.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";

/** A rehearsal on two cores beside a production that runs so many statements at each look, the last number for ever. */
function beside(active: number[]) {
  const steps: string[] = [];
  const controller = new AbortController();
  let paused = 0;
  const giveWay = createGiveWay({
    activeStatements: () => Promise.resolve(active.length > 1 ? active.shift()! : active[0]!),
    cores: 2,
    pause(ms) {
      paused += ms;
      return Promise.resolve();
    },
    onStep: (step) => void steps.push(step),
    signal: controller.signal,
  });
  return { giveWay, steps, controller, pausedMs: () => paused };
}

Deno.test("a rehearsal goes on at once while production leaves a core free", async () => {
  const { giveWay, steps, pausedMs } = beside([1]);
  for (let turn = 0; turn < 3; turn++) await giveWay.wait();
  assert.deepEqual([steps, pausedMs(), giveWay.problems()], [[], 0, []]);
});

Deno.test("a rehearsal waits while production keeps all cores busy, says so, and goes on", async () => {
  const { giveWay, steps, pausedMs } = beside([2, 5, 1]);
  await giveWay.wait();
  assert.deepEqual(steps, [
    "waiting: production runs 2 statements on 2 cores",
    "waiting: production runs 5 statements on 2 cores",
  ]);
  assert.equal(pausedMs(), 2_000);
  assert.match(giveWay.problems().join(), /waited 2 s in all because production kept all 2 cores/);
});

Deno.test("a rehearsal waits ten minutes in all at most, and an abort ends the wait", async () => {
  const { giveWay, pausedMs } = beside([9]);
  for (let turn = 0; turn < 5; turn++) await giveWay.wait();
  assert.equal(pausedMs(), 600_000);
  assert.match(giveWay.problems().join(), /then went on beside it/);

  const aborted = beside([9]);
  aborted.controller.abort(new Error("stopped"));
  await assert.rejects(() => aborted.giveWay.wait(), /stopped/);
});

Deno.test("statements of clients on this machine are counted, Holdfast's are not", async () => {
  const app = await startApp();
  try {
    assert.equal(await countActiveStatements(app.admin), 0);
    const sleep = () => app.sql`select pg_sleep(30)`.catch(() => {});
    const sleeping = Promise.all([sleep(), sleep()]);
    await eventually(async () => await countActiveStatements(app.admin) === 2, "both are seen");
    await app.admin`
      select pg_cancel_backend(pid) from pg_stat_activity
      where query like '%pg_sleep%' and pid <> pg_backend_pid()`;
    await sleeping;
    await eventually(async () => await countActiveStatements(app.admin) === 0, "both are gone");
  } finally {
    await app.stop();
  }
});
