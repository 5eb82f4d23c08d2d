import assert from "node:assert/strict";
import { startBouncer } from "../helpers/bouncer.ts";
import { createCluster, embeddedBin } from "../helpers/cluster.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { connectLive, type LiveClient, type LiveMessage } from "../helpers/live.ts";
import { debianPostgres, pgbouncer, testWith } from "../helpers/skip.ts";

const quick = { HOLDFAST_FAST_TIER_SECONDS: "1", HOLDFAST_BROADCAST_SECONDS: "1" };

const tell = async (app: TestApp) => {
  const answer = await app.request("/api/alerts/channels/websocket/test", { method: "POST" });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
};

const isTest = ({ type, data }: LiveMessage) =>
  type === "performance_alert" && data.change === "test";
const makers = (client: LiveClient) =>
  client.messages.filter(isTest).map(({ instance }) => instance);

testWith(
  {
    what: `${pgbouncer.what} and ${debianPostgres.what}`,
    present: pgbouncer.present && debianPostgres.present,
  },
  "behind PgBouncer in transaction mode, where no session can listen, events are asked for each second",
  async () => {
    const server = await createDebianServer();
    await server.start();
    const bouncer = await startBouncer(server);
    const apps: TestApp[] = [];
    const clients: LiveClient[] = [];
    try {
      for (const [name, url] of [["direct", server.url], ["pooled", bouncer.url]] as const) {
        apps.push(await startApp({ DATABASE_URL: url, HOLDFAST_INSTANCE: name, ...quick }));
      }
      for (const { url } of apps) {
        const client = await connectLive(url);
        await client.sees("hello", ({ type }) => type === "hello");
        clients.push(client);
      }
      const [direct, pooled] = apps;
      assert.ok(direct && pooled);
      for (let n = 0; n < 6; n++) await tell(n % 2 ? direct : pooled);
      await eventually(() => clients.every((one) => makers(one).length >= 6), "all have all");
      const [atDirect, atPooled] = clients.map(({ messages }) =>
        messages.filter(isTest).map(({ cursor }) => cursor)
      );
      assert.deepEqual(atDirect, atPooled);
      const warnings = pooled.logs.filter(({ event }) => String(event).startsWith("live_events_"));
      assert.deepEqual(warnings, [], "and nothing is wrong with that");
    } finally {
      for (const client of clients) await client.close();
      for (const app of apps) await app.stop();
      await bouncer.stop();
      await server.remove();
    }
  },
);

Deno.test("beside a standby clients see what the primary's Holdfast tells, and the other way round nothing", async () => {
  const primary = await createCluster(await embeddedBin());
  await primary.start();
  let ours: TestApp | undefined;
  let theirs: TestApp | undefined;
  const standby = await (async () => {
    await primary.stop();
    const copy = await primary.copy();
    await copy.follow({ port: primary.port });
    await primary.start();
    return copy;
  })();
  const clients: LiveClient[] = [];
  try {
    ours = await startApp({ DATABASE_URL: primary.url(), HOLDFAST_INSTANCE: "ours", ...quick });
    await standby.start();
    const app = ours;
    const [made] = await app.sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
    theirs = await startApp({
      DATABASE_URL: standby.url(),
      HOLDFAST_INSTANCE: "theirs",
      ...quick,
    });
    const beside = theirs;
    await eventually(
      async () => {
        const [row] = await beside.sql<{ there: boolean }[]>`
        select pg_last_wal_replay_lsn() >= ${made?.lsn ?? ""}::pg_lsn
          and to_regclass('holdfast.live_events') is not null as there`;
        return row?.there;
      },
      "the standby has the tables",
      30_000,
    );
    for (const { url } of [ours, theirs]) {
      const client = await connectLive(url);
      await client.sees("hello", ({ type }) => type === "hello");
      clients.push(client);
    }
    const [atOurs, atTheirs] = clients;
    assert.ok(atOurs && atTheirs);
    await tell(ours);
    await eventually(() => makers(atTheirs).includes("ours"), "it is replicated and read", 30_000);
    await tell(theirs);
    await eventually(() => makers(atTheirs).includes("theirs"), "its own go out at once");
    await tell(ours);
    await eventually(() => makers(atTheirs).length === 3, "and it goes on", 30_000);
    await eventually(() => makers(atOurs).length >= 2, "its own clients have both");
    assert.deepEqual(makers(atOurs), ["ours", "ours"]);
  } finally {
    for (const client of clients) await client.close();
    await theirs?.stop();
    await ours?.stop();
    await standby.stop("immediate");
    await primary.stop("immediate");
    await standby.remove();
    await primary.remove();
  }
});
