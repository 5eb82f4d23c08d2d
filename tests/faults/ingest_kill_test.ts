import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { createFleet } from "../helpers/fleet.ts";
import { postmastersOf, type ServeProcess } from "../helpers/process.ts";

/** Rounds of each kind; three in the suite, `HOLDFAST_FAULT_ROUNDS=20` for the proof in docs/performance.md. */
const rounds = Number(Deno.env.get("HOLDFAST_FAULT_ROUNDS") ?? 3);
const clients = 6;
const batchRows = 200;
const { start, newFolder, clear } = createFleet();

Deno.test.afterAll(clear);

interface Load {
  acknowledged: Set<string>;
  /** Lets every client finish the batch it is at. */
  stop(): Promise<void>;
}

/** Clients that send batch after batch, each until it is acknowledged, as a careful sender does. */
function startLoad(url: () => string): Load {
  const acknowledged = new Set<string>();
  let stopping = false;

  async function sendUntilAcknowledged(key: string): Promise<void> {
    const ts = new Date().toISOString();
    const body = Array.from(
      { length: batchRows },
      (_, row) =>
        JSON.stringify({
          ts,
          symbol: `S${row % 5}`,
          price: row,
          size: 1,
          trade_id: `${key}-${row}`,
        }),
    ).join("\n");
    for (;;) {
      try {
        const answer = await fetch(`${url()}/api/ticks?create=true`, {
          method: "POST",
          headers: { "content-type": "application/x-ndjson", "idempotency-key": key },
          body,
          signal: AbortSignal.timeout(20_000),
        });
        const text = await answer.text();
        if (answer.status === 200) {
          assert.equal(JSON.parse(text).accepted, batchRows);
          acknowledged.add(key);
          return;
        }
        assert.ok([409, 503, 504].includes(answer.status), `${answer.status}: ${text}`);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error; // else the connection broke: try again
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  const running = Array.from({ length: clients }, async (_, client) => {
    for (let batch = 0; !stopping; batch++) await sendUntilAcknowledged(`${client}-${batch}`);
  });
  return {
    acknowledged,
    async stop() {
      stopping = true;
      await Promise.all(running);
    },
  };
}

/** Every acknowledged row is there once, none twice, none missing; what candles say adds up to the same. */
async function assertExactlyOnce(dir: string, { acknowledged }: Load): Promise<number> {
  const sql = connectSql({
    target: {
      kind: "socket",
      directory: `${dir}/socket`,
      port: 5432,
      user: "postgres",
      database: "holdfast",
    },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
  try {
    const [ticks] = await sql<{ rows: number; once: number; batches: number; size: number }[]>`
      select
        count(*)::int as rows,
        count(distinct trade_id)::int as once,
        count(distinct substring(trade_id from '^[0-9]+-[0-9]+'))::int as batches,
        coalesce(sum(size), 0)::float8 as size
      from market.ticks`;
    assert.deepEqual(ticks, {
      rows: acknowledged.size * batchRows,
      once: acknowledged.size * batchRows,
      batches: acknowledged.size,
      size: acknowledged.size * batchRows,
    });
    const [candles] = await sql<{ trades: number; volume: number }[]>`
      select sum(trades)::int as trades, sum(volume)::float8 as volume from market.candles_1m`;
    assert.deepEqual(candles, { trades: ticks?.rows, volume: ticks?.size });
    return ticks?.rows ?? 0;
  } finally {
    await sql.end({ timeout: 2 });
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

Deno.test(`the postmaster killed ${rounds} times amid uploads: each acknowledged row is there once`, async () => {
  const dir = await newFolder();
  const holdfast = start(dir);
  await holdfast.ready();
  const load = startLoad(() => holdfast.url);
  for (let round = 0; round < rounds; round++) {
    // The moment is what varies between rounds; nothing waits for a result here.
    await pause(200 + Math.random() * 1_500);
    for (const { pid } of await postmastersOf(dir)) Deno.kill(pid, "SIGKILL");
    const before = load.acknowledged.size;
    const until = performance.now() + 60_000;
    while (load.acknowledged.size < before + clients && performance.now() < until) await pause(50);
    assert.ok(load.acknowledged.size > before, `uploads go on after round ${round}`);
  }
  await load.stop();
  const rows = await assertExactlyOnce(dir, load);
  console.error(
    `${rows} rows in ${load.acknowledged.size} batches, ${rounds} kills of the postmaster`,
  );
  assert.equal(holdfast.logged("internal").length, 0);
  holdfast.interrupt();
  assert.equal(await holdfast.exited, 0);
});

Deno.test(`Holdfast killed ${rounds} times amid uploads: each acknowledged row is there once`, async () => {
  const dir = await newFolder();
  let holdfast: ServeProcess = start(dir);
  await holdfast.ready();
  const load = startLoad(() => holdfast.url);
  for (let round = 0; round < rounds; round++) {
    await pause(200 + Math.random() * 1_500);
    holdfast.kill("SIGKILL");
    await holdfast.exited;
    holdfast = start(dir);
    await holdfast.ready();
  }
  await pause(500);
  await load.stop();
  const rows = await assertExactlyOnce(dir, load);
  console.error(`${rows} rows in ${load.acknowledged.size} batches, ${rounds} kills of Holdfast`);
  holdfast.interrupt();
  assert.equal(await holdfast.exited, 0);
});
