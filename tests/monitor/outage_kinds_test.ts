import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { createDebianServer, type DebianServer } from "../helpers/debian.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { watchRejections } from "../helpers/rejections.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import { startSwallower } from "../helpers/swallow.ts";

const cycles = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1" ? 200 : 2;
const embedded18 = {
  what: "the embedded Postgres 18's copy for root",
  bin: "/var/lib/holdfast/postgres-18.4/bin",
};
// So many outages are flapping, which keeps their alert open for a quarter of an hour.
const quick = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_ALERTS_FLAP_FIRINGS: "0",
};
const { unhandled, stop } = watchRejections();

Deno.test.afterAll(stop);

interface Health {
  status: string;
  checked_at: string | null;
  checks: { name: string; status: string; detail: string }[];
}

const health = async (app: TestApp) => await app.json<Health>("/api/health");

/** From now on the server is away: answers how long health takes to say so, and until then not to claim a newer look; milliseconds. */
async function assertNoticed(app: TestApp): Promise<number> {
  const began = Date.now();
  await eventually(
    async () => {
      const { status, checked_at } = await health(app);
      if (status === "healthy") {
        assert.ok(Date.parse(checked_at ?? "") <= began + 1_000, "no look after the server went");
      }
      return status === "unhealthy";
    },
    "the outage is noticed",
    10_000,
  );
  return Date.now() - began;
}

/** It is back, and every answer of health rests on a look at the server as it is now. */
async function assertBack(app: TestApp, since: number): Promise<void> {
  await eventually(
    async () => {
      const { status, checked_at, checks } = await health(app);
      if (status !== "healthy") {
        throw new Error(JSON.stringify(checks.filter((check) => check.status !== "healthy")));
      }
      return Date.parse(checked_at ?? "") > since;
    },
    "it is healthy again",
    20_000,
  );
}

async function sessions(url: string): Promise<number> {
  const sql = connectSql({
    target: { kind: "url", url },
    max: 1,
    applicationName: "counting",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
  try {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity where application_name like 'holdfast%'`;
    return row?.count ?? 0;
  } finally {
    await sql.end();
  }
}

const limitOf = ({ config }: TestApp) =>
  config.HOLDFAST_POOL_SIZE + config.HOLDFAST_INGEST_LANES + config.HOLDFAST_INGEST_GROUP_LANES +
  4 + 2 + 2;

testWith(
  debianPostgres,
  `a link that swallows or refuses is noticed within ten seconds, ${cycles} times over, without a connection left behind`,
  async () => {
    const server = await createDebianServer();
    await server.start();
    const proxy = startSwallower(server.port);
    const url = new URL(server.url);
    url.port = String(proxy.port);
    const app = await startApp({ DATABASE_URL: url.href, ...quick });
    try {
      await assertBack(app, 0);
      const noticed: number[] = [];
      for (let cycle = 0; cycle < cycles; cycle++) {
        // Silence takes longest to tell from slowness: one of ten.
        const lose = cycle % 10 === 0 ? proxy.swallow : proxy.refuse;
        await within(10_000, "the outage is noticed", async () => {
          lose(true);
          const took = await assertNoticed(app);
          noticed.push(took);
          lose(false);
          await assertBack(app, Date.now());
          return took;
        });
      }
      const worst = Math.max(...noticed);
      console.error(`${cycles} cycles, noticed after at most ${worst} ms`);
      assert.ok(proxy.connections() <= limitOf(app) + 1, `${proxy.connections()} links`);
      await eventually(
        async () => await sessions(server.url) <= limitOf(app),
        "no session is left behind",
      );
      assert.deepEqual(unhandled, []);
    } finally {
      await app.stop();
      await proxy.stop();
      await server.remove();
    }
  },
);

testWith(
  {
    ...debianPostgres,
    present: debianPostgres.present && (await Deno.stat(embedded18.bin).catch(() => null)) !== null,
  },
  "a server replaced by another version on the same port is taken for what it is",
  async () => {
    const old = await createDebianServer();
    const settings = ["shared_preload_libraries=pg_stat_statements"];
    const young = await createDebianServer({ bin: embedded18.bin, settings, port: old.port });
    await old.start();
    const app = await startApp({ DATABASE_URL: old.url, ...quick });
    const version = async () =>
      (await app.json<{ performance_metrics: { server_version: string | null } }>(
        "/api/health/database",
      )).performance_metrics.server_version;
    /** One goes, the other comes: each time it is noticed, and the version shown is the new one's. */
    const swap = async (from: DebianServer, to: DebianServer, expected: RegExp) => {
      await from.stop();
      await assertNoticed(app);
      await to.start();
      await eventually(
        async () => expected.test(await version() ?? ""),
        "the version is known",
        20_000,
      );
      await eventually(
        () => {
          const { readings } = app.holdfast.monitor.snapshot();
          return readings.io.missing === undefined === /^18/.test(expected.source.slice(1)) &&
            readings.checkpoints.error === undefined;
        },
        "the questions are those of its version",
        20_000,
      );
    };
    try {
      await eventually(async () => /^15/.test(await version() ?? ""), "the version is known");
      await swap(old, young, /^18/);
      // The other server has nothing of ours: that is said, and it is not healthy for a moment.
      for (let look = 0; look < 20; look++) {
        const { status } = await health(app);
        const partitions = await app.json<{ overall_status: string }>("/api/health/partitions");
        assert.notEqual(partitions.overall_status, "healthy");
        assert.notEqual(status, "healthy", "a server without our tables is not healthy");
      }
      await eventually(async () => (await health(app)).status === "unhealthy", "it is said");
      await swap(young, old, /^15/);
      await assertBack(app, Date.now());
      assert.deepEqual(unhandled, []);
    } finally {
      await app.stop();
      await young.remove();
      await old.remove();
    }
  },
);
