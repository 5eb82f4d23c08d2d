import assert from "node:assert/strict";
import { readConfig } from "../../config/config.ts";
import { targetOf } from "../../db/address/target.ts";
import { connectSql, type Sql } from "../../db/connection.ts";
import { openPools, openStandbyPools } from "../../db/pool/open.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { DatabaseHealthResponse } from "../../routes/health/schemas.ts";
import { createReads } from "../../services/market/reads/service.ts";
import { type Cluster, createCluster, embeddedBin } from "../helpers/cluster.ts";
import { eventually } from "../helpers/eventually.ts";
import { debianPostgres, slowTests, testWith } from "../helpers/skip.ts";
import { startApp } from "../helpers/test_app.ts";

const boundMs = 10_000;
const scope = { signal: () => undefined };
/** A role with no rights but to read its tables. */
const asReader = (url: string) => url.replace("postgres@", "reader@");

/** A primary and a standby of it, with plain connections to both. */
async function startPair(bin: string) {
  const primary = await createCluster(bin);
  const clusters: Cluster[] = [primary];
  await primary.configure("autovacuum = off", "max_standby_streaming_delay = 0");
  await primary.start();
  await primary.stop();
  const standby = await primary.copy();
  clusters.push(standby);
  await standby.follow({ port: primary.port });
  for (const cluster of clusters) await cluster.start();
  const open = (cluster: Cluster) =>
    connectSql({
      target: { kind: "url", url: cluster.url() },
      max: 2,
      applicationName: "test",
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
      pooled: false,
    });
  const [onPrimary, onStandby] = [open(primary), open(standby)];
  return {
    primary,
    standby,
    clusters,
    onPrimary,
    onStandby,
    open,
    async end() {
      await Promise.all([onPrimary, onStandby].map((sql) => sql.end({ timeout: 2 })));
      for (const cluster of clusters.reverse()) await cluster.remove();
    },
  };
}

type Pair = Awaited<ReturnType<typeof startPair>>;

/** Reads of a counter that only grows, with a clock that the test moves. */
function readsOf(
  { primary, onPrimary }: Pick<Pair, "primary" | "onPrimary">,
  standbys: readonly { name: string; url: string }[],
) {
  let at = 0;
  const logs: LogFields[] = [];
  const config = readConfig({});
  const pools = openPools(targetOf(primary.url(), {}), { pooled: false }, config);
  const reads = createReads({
    pool: pools.app,
    polls: pools.records,
    standbys: standbys.map(({ name, url }) => ({
      name,
      ...openStandbyPools(targetOf(url, {}), config, scope),
    })),
    boundMs,
    now: () => at,
    log: createLogger({ level: "info", write: (line) => logs.push(JSON.parse(line)) }),
  });
  const count = async (sql: Sql) => {
    const [row] = await sql<{ n: number }[]>`select n from public.counter`;
    return row?.n;
  };
  const read = async (options?: { boundMs: number }) => {
    const { answer, source } = await reads.read(count, options);
    return { n: answer, ...source! };
  };
  return {
    reads,
    read,
    logs,
    pass: (ms: number) => at += ms,
    /**
     * Polls and reads until the standby answers, which a busy machine may delay. Commits, as the write canary does: what is
     * not flushed, such as hint bits, reaches no standby.
     */
    fromStandby: (what: string) =>
      eventually(async () => {
        await onPrimary`select pg_logical_emit_message(true, 'test', '')`;
        await reads.poll();
        const found = await read();
        return found.target === "standby" ? found : false;
      }, what),
    /** Polls until reads are refused for this reason. */
    refused: (reason: string) =>
      eventually(async () => {
        await reads.poll();
        return reads.report()?.standbys[0]?.refusal === reason;
      }, `it is refused: ${reason}`),
    async end() {
      await reads.stop();
      await Promise.all(Object.values(pools).map((pool) => pool.end()));
    },
  };
}

type Reads = ReturnType<typeof readsOf>;

async function boundHolds(t: Deno.TestContext, pair: Pair, one: Reads): Promise<void> {
  const { onPrimary, onStandby } = pair;
  const { reads, read, pass } = one;

  await t.step("before the first poll the primary answers", async () => {
    assert.deepEqual(await read(), { n: 0, target: "primary", refusal: "primary_unknown" });
  });

  await t.step("a standby stays fresh beside an idle primary", async () => {
    const found = await eventually(async () => {
      await one.fromStandby("it answers");
      pass(3_600_000);
      await reads.poll(); // marks the position; the standby may have been polled before
      await reads.poll();
      const found = await read();
      return found.target === "standby" ? found : false;
    }, "an hour without a commit later it answers too");
    assert.deepEqual(found, { n: 0, target: "standby", staleMs: 0, boundMs });
  });

  await t.step("paused, it never answers what is staler than the bound", async () => {
    await onStandby`select pg_wal_replay_pause()`;
    await eventually(async () => {
      const [row] = await onStandby`select pg_get_wal_replay_pause_state() as state`;
      return row?.state === "paused";
    }, "it is paused");
    await reads.poll();
    await onPrimary`update public.counter set n = 1`;
    let stale = 0;
    for (let sinceMs = 1_000; sinceMs <= 2 * boundMs; sinceMs += 1_000) {
      pass(1_000);
      await reads.poll();
      const found = await read();
      if (found.target === "standby") {
        stale++;
        assert.equal(found.n, 0);
        assert.ok(found.staleMs <= boundMs && sinceMs <= boundMs, JSON.stringify(found));
      } else assert.equal(found.n, 1);
      if (sinceMs > boundMs) assert.equal(found.target, "primary");
    }
    assert.ok(stale > 0, "it answered within the bound");
    assert.equal(reads.report()?.standbys[0]?.refusal, "stale");
  });

  await t.step("the bound holds at each read, also when no poll came for long", async () => {
    await onStandby`select pg_wal_replay_resume()`;
    assert.equal((await one.fromStandby("it has caught up")).n, 1);
    await onPrimary`update public.counter set n = 2`;
    pass(boundMs + 1);
    const found = await read();
    assert.deepEqual([found.target, found.n], ["primary", 2]);
  });

  await t.step("a client may lower the bound, not raise it", async () => {
    await one.fromStandby("it answers");
    assert.deepEqual(await read({ boundMs: 0 }), { n: 2, target: "primary", refusal: undefined });
    pass(3_000);
    assert.equal((await read({ boundMs: 2_000 })).target, "primary");
    pass(boundMs);
    assert.equal((await read({ boundMs: 10 * boundMs })).target, "primary");
    const kept = await one.fromStandby("others still read from it");
    assert.equal(kept.target === "standby" && kept.boundMs, boundMs);
  });
}

async function errorsStayInside(t: Deno.TestContext, pair: Pair, one: Reads): Promise<void> {
  const { onPrimary, onStandby, standby } = pair;
  const { reads, read } = one;

  await t.step("a recovery conflict on the standby is no error of the client", async () => {
    await one.fromStandby("it answers");
    const before = reads.report()?.standbys[0]?.fallen_back.error ?? 0;
    let runs = 0;
    const { answer, source } = await eventually(async () => {
      runs = 0;
      await reads.poll();
      const found = await reads.read(async (sql) => {
        if (runs++ > 0) return "read again";
        await sql`select count(*) from public.truncated`;
        await onPrimary`truncate public.truncated`;
        await sql`select pg_sleep(20)`;
        return "slept";
      });
      return runs === 2 ? found : false;
    }, "the standby cancels it");
    assert.deepEqual([answer, source?.target], ["read again", "primary"]);
    const { fallen_back } = reads.report()!.standbys[0]!;
    assert.ok(fallen_back.error + fallen_back.unreachable > before);
  });

  await t.step("an address that leads to another database is not read", async () => {
    await onPrimary`create database other`;
    await eventually(
      async () => (await onStandby`select from pg_database where datname = 'other'`).length > 0,
      "it is replicated",
    );
    const other = readsOf(pair, [{ name: "other", url: standby.url("other") }]);
    try {
      await other.refused("other_cluster");
      assert.deepEqual(await other.read(), {
        n: 2,
        target: "primary",
        refusal: "other_cluster",
      });
    } finally {
      await other.end();
    }
  });

  await t.step("killed, it is not missed", async () => {
    await one.fromStandby("it answers");
    await standby.stop("immediate");
    const found = await read();
    assert.deepEqual([found.n, found.target], [2, "primary"]);
    await one.refused("unreachable");
    assert.deepEqual(await read(), { n: 2, target: "primary", refusal: "unreachable" });
    await standby.start();
    await one.fromStandby("back, it answers again");
  });

  await t.step("promoted, it is no longer read", async () => {
    const promoted = pair.open(standby);
    try {
      await promoted`select pg_promote()`;
      await promoted`update public.counter set n = 99`;
      const found = await read();
      assert.deepEqual([found.n, found.target], [2, "primary"]);
      await one.refused("promoted");
      assert.deepEqual(await read(), { n: 2, target: "primary", refusal: "promoted" });
    } finally {
      await promoted.end();
    }
    const reasons = one.logs.map(({ event, reason }) => `${event} ${reason ?? ""}`.trim());
    assert.ok(reasons.includes("standby_not_read stale"), reasons.join());
    assert.ok(reasons.includes("standby_read_again"), reasons.join());
    assert.equal(reasons.at(-1), "standby_not_read promoted");
  });
}

/** Through the API, with real time: headers, health and metrics. */
async function servesFromStandby(pair: Pair): Promise<void> {
  const app = await startApp({
    DATABASE_URL: pair.primary.url(),
    HOLDFAST_READ_URLS: pair.standby.url(),
    HOLDFAST_READ_STALENESS_SECONDS: "2",
  });
  try {
    const tick = { ts: new Date().toISOString(), symbol: "SPY", price: 170, size: 1 };
    assert.equal((await app.post("/api/ticks?create=true", [tick])).status, 200);
    const get = async (path: string) => {
      const answer = await app.request(path);
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      return { from: answer.headers.get("holdfast-read-from"), body: JSON.parse(text) };
    };
    for (const path of ["/api/ticks?symbol=SPY", "/api/candles?symbol=SPY"]) {
      await eventually(async () => {
        const { from, body } = await get(path);
        const [, staleness] = /^standby;staleness=([\d.]+);bound=2$/.exec(from ?? "") ?? [];
        if (staleness !== undefined) assert.ok(Number(staleness) <= 2, from ?? "");
        return staleness !== undefined && (body.ticks ?? body.candles).length === 1;
      }, `${path} is answered by the standby`);
    }
    assert.equal((await get("/api/ticks?symbol=SPY&staleness_seconds=0")).from, "primary");
    assert.equal((await get("/api/instruments")).from, null);
    await eventually(async () => {
      const { reads } = DatabaseHealthResponse.parse(await app.json("/api/health/database"));
      if (reads?.standbys[0]?.fallen_back.absent) return true;
      assert.equal((await app.request("/api/ticks?symbol=NONE")).status, 404);
    }, "a symbol that the standby does not know is looked for on the primary");

    const { reads } = DatabaseHealthResponse.parse(await app.json("/api/health/database"));
    const name = `127.0.0.1:${pair.standby.port}`;
    assert.equal(reads?.standbys[0]?.name, name);
    assert.ok(reads.primary > 0 && reads.standbys[0].served > 0);
    const metrics = await (await app.request("/metrics")).text();
    assert.match(metrics, /^holdfast_market_reads_total\{target="primary"\} [1-9]/m);
    assert.ok(metrics.includes(`holdfast_market_reads_total{target="${name}"}`));
    assert.ok(
      metrics.includes(
        `holdfast_market_reads_fallen_back_total{standby="${name}",reason="promoted"} 0`,
      ),
    );
    assert.match(metrics, /^holdfast_read_standby_staleness_seconds\{/m);

    await pair.onStandby`select pg_wal_replay_pause()`;
    assert.equal((await app.post("/api/ticks", [{ ...tick, price: 171 }])).status, 200);
    const uploaded = performance.now();
    await eventually(async () => {
      const began = performance.now();
      const { from, body } = await get("/api/ticks?symbol=SPY");
      if (began - uploaded > 2_000) assert.equal(body.ticks.length, 2, from ?? "");
      return body.ticks.length === 2 && /^primary;reason=/.test(from ?? "");
    }, "the primary answers in place of the paused standby");
    await pair.onStandby`select pg_wal_replay_resume()`;
  } finally {
    await app.stop();
  }
}

async function behaves(t: Deno.TestContext, bin: string): Promise<void> {
  const pair = await startPair(bin);
  try {
    await t.step(
      "the API says which server answered, and counts it",
      () => servesFromStandby(pair),
    );
    const { onPrimary } = pair;
    await onPrimary`create role reader login`;
    await onPrimary`create table public.counter as select 0 as n`;
    await onPrimary`create table public.truncated as select 0 as n`;
    await onPrimary`grant select on public.counter, public.truncated to reader`;
    await eventually(
      async () => (await pair.onStandby`select to_regclass('public.truncated') as t`)[0]?.t,
      "the tables are replicated",
    );
    const one = readsOf(pair, [{ name: "one", url: asReader(pair.standby.url()) }]);
    try {
      await boundHolds(t, pair, one);
      await errorsStayInside(t, pair, one);
    } finally {
      await one.end();
    }
  } finally {
    await pair.end();
  }
}

/** A standby that follows another promoted one has another history, though it is a standby of the same cluster. */
async function followsAnother(bin: string): Promise<void> {
  const pair = await startPair(bin);
  const { standby, onPrimary, clusters } = pair;
  try {
    await onPrimary`create role reader login`;
    await onPrimary`create table public.counter as select 0 as n`;
    await onPrimary`grant select on public.counter to reader`;
    await standby.stop();
    const below = await standby.copy();
    clusters.push(below);
    await below.follow({ port: standby.port });
    await standby.start();
    await below.start();
    const byAll = readsOf(pair, [{ name: "below", url: below.url() }]);
    const byReader = readsOf(pair, [{ name: "below", url: asReader(below.url()) }]);
    const [promoted, beneath] = [pair.open(standby), pair.open(below)];
    try {
      await byAll.fromStandby("a standby of a standby answers");
      await promoted`select pg_promote()`;
      await byAll.refused("other_timeline");
      await promoted`update public.counter set n = 99`;
      await promoted`checkpoint`;
      await eventually(async () => {
        await beneath`checkpoint`;
        await byReader.reads.poll();
        return byReader.reads.report()?.standbys[0]?.refusal === "other_timeline";
      }, "the reader sees the timeline after a restartpoint");
      assert.equal((await byReader.read()).n, 0);
    } finally {
      await Promise.all([promoted, beneath].map((sql) => sql.end()));
      await byAll.end();
      await byReader.end();
    }
  } finally {
    await pair.end();
  }
}

Deno.test("reads from a standby of the embedded server", async (t) => {
  await behaves(t, await embeddedBin());
});

testWith(
  slowTests.present ? debianPostgres : slowTests,
  "reads from a standby of Debian's server",
  async (t) => await behaves(t, debianPostgres.bin),
);

testWith(slowTests, "a standby that follows another promoted standby is not read", async () => {
  await followsAnother(await embeddedBin());
});
