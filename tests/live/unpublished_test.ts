import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { startSharedServer } from "../helpers/pair.ts";

const watching = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_ALERTS_FLAP_FIRINGS: "0",
  HOLDFAST_ALERT_IDLE_IN_TRANSACTION_WARNING: "0.5",
  HOLDFAST_ALERT_IDLE_IN_TRANSACTION_CLEAR: "0.1",
  HOLDFAST_ALERT_IDLE_IN_TRANSACTION_FOR_SECONDS: "0",
  HOLDFAST_ALERT_IDLE_IN_TRANSACTION_KEEP_FIRING_SECONDS: "0",
  HOLDFAST_ALERT_IDLE_IN_TRANSACTION_COOLDOWN_SECONDS: "0",
};

Deno.test("the end of an alert that was saved and not published is published by the next Holdfast, once", async () => {
  const server = await startSharedServer();
  try {
    const one = await server.start("one", watching);
    const session = await one.sql.reserve();
    await session`begin`;
    await session`select 1`;
    const alerts = async (state: string) => {
      const { alerts } = await one.json<{ alerts: { id: string; rule: string }[] }>(
        `/api/alerts?state=${state}`,
      );
      return alerts.filter(({ rule }) => rule === "idle_in_transaction");
    };
    await eventually(async () => (await alerts("firing")).length > 0, "it fires");
    await session`rollback`;
    session.release();
    const [ended] = await eventually(async () => {
      const found = await alerts("resolved");
      return found.length > 0 && found;
    }, "it ends");
    const events = (sql: typeof one.sql) =>
      sql<{ change: string }[]>`
        select e.data::jsonb ->> 'change' as change
        from holdfast.live_events as e
        where e.data::jsonb ->> 'id' = ${ended!.id}
        order by e.position`;
    await eventually(
      async () => (await events(one.sql)).some(({ change }) => change === "resolved"),
      "its end is in the journal",
    );
    // As if it had been killed between saving and publishing.
    await one.sql`
      delete from holdfast.live_events as e
      where e.data::jsonb ->> 'id' = ${ended!.id} and e.data::jsonb ->> 'change' = 'resolved'`;
    await server.end(one);

    const two = await server.start("two", watching);
    await eventually(
      async () => (await events(two.sql)).some(({ change }) => change === "resolved"),
      "the next one publishes it",
    );
    await server.end(two);
    const three = await server.start("three", watching);
    await three.holdfast.monitor.runNow("fast");
    await eventually(async () => {
      const { instances } = await three.json<{ instances: { id: string; leads: string[] }[] }>(
        "/api/instances",
      );
      return instances.find(({ id }) => id === "three")?.leads.includes("alerts");
    }, "the third leads");
    const changes = (await events(three.sql)).map(({ change }) => change);
    assert.deepEqual(changes.filter((change) => change === "resolved"), ["resolved"]);
  } finally {
    await server.stop();
  }
});
