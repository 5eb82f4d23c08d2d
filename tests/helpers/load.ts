import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";

const clients = 6;
export const batchRows = 200;

/** An answer that was not the hoped-for 200. */
export interface Refused {
  status: number;
  code: string;
  retryAfter: string | null;
  type: string | null;
  text: string;
}

export interface Load {
  /** Keys of the batches that were answered with 200. */
  acknowledged: Set<string>;
  refused: Refused[];
  /** Settles with the first answer that no sender should have got. */
  failed: Promise<never>;
  /** Lets every client finish the batch it is at. */
  stop(): Promise<void>;
  /** Lets every client go, whatever it is at: for after a failure, where nothing may ever answer again. */
  abandon(): void;
}

/** Clients that send batch after batch, each until it is acknowledged, as a careful sender does. */
export function startLoad(
  url: () => string,
  { mayBe = [409, 503, 504], pauseMs = 50, restMs = 0 }: {
    mayBe?: number[];
    /** Between two tries of one batch. */
    pauseMs?: number;
    /** Between two batches of one client. */
    restMs?: number;
  } = {},
): Load {
  const acknowledged = new Set<string>();
  const refused: Refused[] = [];
  let stopping = false;
  const abandoned = new AbortController();

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
    while (!abandoned.signal.aborted) {
      try {
        const answer = await fetch(`${url()}/api/ticks?create=true`, {
          method: "POST",
          headers: { "content-type": "application/x-ndjson", "idempotency-key": key },
          body,
          signal: AbortSignal.any([abandoned.signal, AbortSignal.timeout(60_000)]),
        });
        const text = await answer.text();
        if (answer.status === 200) {
          assert.equal(JSON.parse(text).accepted, batchRows);
          acknowledged.add(key);
          return;
        }
        assert.ok(mayBe.includes(answer.status), `${answer.status}: ${text}`);
        refused.push({
          status: answer.status,
          code: String(JSON.parse(text).code),
          retryAfter: answer.headers.get("retry-after"),
          type: answer.headers.get("content-type"),
          text,
        });
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error; // else the connection broke: try again
      }
      await new Promise((done) => setTimeout(done, pauseMs));
    }
  }

  const running = Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let batch = 0; !stopping; batch++) {
        await sendUntilAcknowledged(`${client}-${batch}`);
        if (restMs > 0) await new Promise((done) => setTimeout(done, restMs));
      }
    }),
  );
  const failed = new Promise<never>((_, reject) => void running.catch(reject));
  failed.catch(() => {}); // whoever does not race it learns it at the stop
  return {
    acknowledged,
    refused,
    failed,
    async stop() {
      stopping = true;
      await running;
    },
    abandon() {
      stopping = true;
      abandoned.abort();
    },
  };
}

/** Waits until every client has had a batch acknowledged, and one more. */
export async function awaitProgress(load: Load, deadlineMs = 60_000): Promise<void> {
  const before = load.acknowledged.size;
  const until = performance.now() + deadlineMs;
  while (load.acknowledged.size <= before + clients) {
    assert.ok(performance.now() < until, `uploads go on within ${deadlineMs} ms`);
    await Promise.race([load.failed, new Promise((done) => setTimeout(done, 50))]);
  }
}

/** A plain connection to the embedded server of a data directory. */
export function connectTo(dir: string): Sql {
  return connectSql({
    target: {
      kind: "socket",
      directory: `${dir}/socket`,
      port: 5432,
      user: "postgres",
      database: "holdfast",
      passwordFile: `${dir}/pgpass`,
    },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
}

/** Every acknowledged row is there once, none twice, none missing; what candles say adds up to the same. */
export async function assertExactlyOnce(dir: string, { acknowledged }: Load): Promise<number> {
  const sql = connectTo(dir);
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
