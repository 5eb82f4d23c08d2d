import assert from "node:assert/strict";
import { DatabaseHealthResponse, PartitionHealthResponse } from "../../routes/health/schemas.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import type { Answer } from "../helpers/ticks.ts";

const quick = { HOLDFAST_FAST_TIER_SECONDS: "1", HOLDFAST_BROADCAST_SECONDS: "1" };
const minute = Math.floor((Date.now() - 3_600_000) / 60_000) * 60_000;

/** 3,000 ticks of two symbols in ten minutes, among them three that must be refused. */
const ticks = Array.from({ length: 3_000 }, (_, at) => ({
  ts: new Date(minute + at * 200).toISOString(),
  symbol: at % 3 === 0 ? "IBM" : "SPY",
  price: at === 100 ? -1 : 100 + (at * 7919 % 1000) / 100,
  size: 1 + at % 500,
  exchange: "NPQ"[at % 3],
}));
ticks[200]!.ts = "9999-01-01T00:00:00Z";
ticks[300]!.symbol = "";

interface Outcome {
  ingest: Answer;
  replay: Answer;
  ticks: unknown;
  candles: unknown;
  reasons: Record<string, number>;
}

/** Puts the ticks in and reads everything back, through the API alone. */
async function outcomeOf(app: TestApp): Promise<Outcome> {
  const body = ticks.map((tick) => JSON.stringify(tick)).join("\n");
  const post = async () =>
    await (await app.post("/api/ticks?create=true", body, {
      "content-type": "application/x-ndjson",
      "idempotency-key": "once-only",
    })).json();
  const [ingest, replay] = [await post(), await post()];
  const { ticks: stored } = await app.json<{ ticks: unknown[] }>(
    "/api/ticks?symbol=IBM&limit=1000",
  );
  const { candles } = await app.json<{ candles: unknown[] }>(
    `/api/candles?symbol=SPY&interval=1m&from=${new Date(minute).toISOString()}`,
  );
  const health = DatabaseHealthResponse.parse(await app.json("/api/health/database"));
  return { ingest, replay, ticks: stored, candles, reasons: health.ingest.quarantined_by_reason };
}

testWith(
  debianPostgres,
  "Debian's Postgres 15 as DATABASE_URL gives the same results as the embedded 18",
  async (t) => {
    const server = await createDebianServer();
    await server.start();
    const embedded = await startApp(quick);
    const given = await startApp({ DATABASE_URL: server.url, ...quick });
    try {
      await t.step("ticks, candles, refusals and replays are equal", async () => {
        const expected = await outcomeOf(embedded);
        const { accepted, quarantined, replayed } = expected.ingest;
        assert.deepEqual([accepted, quarantined, replayed], [2_997, 3, false]);
        assert.deepEqual(expected.replay, { ...expected.ingest, replayed: true });
        assert.deepEqual(await outcomeOf(given), expected);
      });

      await t.step("health is healthy and names this server", async () => {
        const report = await eventually(async () => {
          const found = DatabaseHealthResponse.parse(await given.json("/api/health/database"));
          const { server_version, transactions_per_second } = found.performance_metrics;
          // A busy machine may cut a reading short, or hold up the event loop, for a moment.
          if (found.overall_status !== "healthy") throw new Error(JSON.stringify(found.checks));
          return server_version !== null && transactions_per_second !== null && found;
        }, "the statistics are read, and it is healthy");
        assert.match(report.performance_metrics.server_version!, /^15\./);
        assert.equal(
          report.performance_metrics.checksum_failures,
          null,
          "checksums are off: unknown",
        );
        assert.deepEqual(report.checks.filter(({ name }) => name.startsWith("collector:")), []);
        // Sessions come and go: the two readings are compared until they are of the same moment.
        await eventually(async () => {
          const found = DatabaseHealthResponse.parse(await given.json("/api/health/database"));
          const [real] = await given.sql`
            select count(*)::int as used
            from pg_stat_activity
            where backend_type = 'client backend'`;
          return Math.abs(found.performance_metrics.connections_used! - real!.used) <= 2;
        }, "the sessions are those of the server");
      });

      await t.step("rotation makes the same partitions and fills a gap", async () => {
        const leavesOf = async (app: TestApp) => {
          const found = PartitionHealthResponse.parse(await app.json("/api/health/partitions"));
          return found.tables[0]?.children.map(({ partition, from, to }) => ({
            partition,
            from,
            to,
          }));
        };
        const expected = await leavesOf(embedded);
        assert.ok(expected && expected.length >= 8);
        assert.deepEqual(await leavesOf(given), expected);
        await given.sql.unsafe(`drop table ${expected.at(-2)?.partition}`);
        await given.holdfast.everyHour();
        await eventually(async () => {
          assert.deepEqual(await leavesOf(given), expected);
          return true;
        }, "the gap is filled");
      });

      await t.step("over TCP too a stopped server is noticed, and found again", async () => {
        await server.stop();
        await eventually(async () => (await given.request("/api/health")).status === 503, "away");
        for (let again = 0; again < 3; again++) {
          await within(5_000, "requests do not hang", async () => {
            const asked = performance.now();
            const answer = await given.request("/api/ticks?symbol=SPY");
            assert.equal((await answer.json()).code, "database_unavailable");
            return performance.now() - asked;
          });
        }
        await server.start();
        await eventually(
          async () => (await given.request("/api/health/ready")).status === 200,
          "back",
        );
        await eventually(
          async () => (await given.request("/api/ticks?symbol=SPY")).status === 200,
          "requests are served again",
        );
      });
    } finally {
      await given.stop();
      await embedded.stop();
      await server.remove();
    }
  },
);
