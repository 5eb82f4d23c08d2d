import assert from "node:assert/strict";
import { createPool, type Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { createFeeds } from "../../services/ingest/judge/feeds.ts";
import { createSymbolDirectory } from "../../services/ingest/judge/symbols.ts";
import { createIngest, type Ingest } from "../../services/ingest/service.ts";
import type { ParsedTick, RowBatch } from "../../services/ingest/tick.ts";
import type { IngestAnswer } from "../../services/ingest/upload.ts";
import { systemClock } from "../../lib/clock.ts";
import { embeddedPassword } from "../helpers/embedded_url.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Gate, startGate } from "../helpers/gate.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { countTicks } from "../helpers/ticks.ts";

let app: TestApp;
let gate: Gate;
let pool: Pool;
let ingest: Ingest;

Deno.test.beforeAll(async () => {
  app = await startApp();
  const { target } = app.holdfast;
  assert.ok(target.kind === "socket");
  gate = startGate(`${target.directory}/.s.PGSQL.${target.port}`);
  const url = `postgres://postgres:${embeddedPassword(target)}@127.0.0.1:${gate.port}/holdfast`;
  pool = createPool({
    target: { kind: "url", url },
    max: 1,
    waitingMax: 10,
    applicationName: "flights_test",
    statementTimeoutMs: 120_000,
    lockTimeoutMs: 120_000,
    pooler: { pooled: false },
  });
  ingest = createIngest({
    streams: pool,
    groups: pool,
    rotation: { ensureDays: async () => {}, hasDays: () => true, forget: () => {} }, // made at the start
    directory: createSymbolDirectory(),
    feeds: createFeeds({ clock: systemClock }),
    config: { ...app.config, HOLDFAST_INGEST_GROUP_LANES: 1 },
    clock: systemClock,
  });
});

Deno.test.afterAll(async () => {
  await pool.end();
  await gate.stop();
  await app.stop();
});

function upload(
  symbol: string,
  prices: readonly number[],
  { key, bodies = 1 }: { key?: string; bodies?: number } = {},
): Promise<IngestAnswer> {
  const ticks = prices.map((price, at): ParsedTick => ({
    line: at + 1,
    instrumentId: 0,
    tsUs: Date.now() * 1_000,
    symbol,
    price,
    size: 1,
    exchange: null,
    side: null,
    tradeId: null,
  }));
  async function* batches(): AsyncGenerator<RowBatch> {
    for (let body = 0; body < bodies; body++) {
      yield { ticks: ticks.map((tick) => ({ ...tick })), refusals: [] };
    }
  }
  return ingest.ingest({
    batches: batches(),
    create: true,
    backfill: false,
    idempotencyKey: key,
    fingerprint: () => JSON.stringify(prices),
  });
}

/** Makes what the next upload of this symbol needs known, so that its statements are sent ahead. */
const warm = (symbol: string) => upload(symbol, [1], { key: `warm ${symbol}` });

const stored = (accepted: number) => ({ accepted, quarantined: 0, replayed: false });
const codeOf = (sent: Promise<IngestAnswer>) =>
  sent.then(() => "stored", (error) => error instanceof HoldfastError ? error.code : error);
const sends = (words: string, passage: "hold" | "cut") => {
  gate.judge((text) => {
    if (!text.includes(words)) return "pass";
    gate.judge(() => "pass");
    return passage;
  });
};
const copyStart = "copy market.ticks";
/** The first bytes of the rows of a COPY. */
const copyRows = "PGCOPY";

async function hasKey(key: string): Promise<boolean> {
  const rows = await app.sql`select from holdfast.idempotency_keys where key = ${key}`;
  return rows.length > 0;
}

Deno.test("a group needs two answers of the server: to its start, and to its rows with their commit", async () => {
  await warm("FLIGHT");
  let copies = 0;
  gate.judge((text) => {
    if (text.includes(copyStart)) copies++;
    return text.includes(copyRows) ? "hold" : "pass";
  });
  gate.hold();
  const sent = upload("FLIGHT", [2, 3]);
  await eventually(() => copies === 1, "the COPY is begun before begin is answered");
  gate.release();
  await eventually(
    async () => await countTicks(app, "FLIGHT") === 3,
    "the rows are committed before their COPY is answered",
  );
  assert.ok(gate.isHolding());
  gate.release();
  assert.deepEqual(await sent, stored(2));
  gate.judge(() => "pass");
});

Deno.test("a link that breaks with the start of a group leaves neither its rows nor its keys", async () => {
  await warm("START");
  sends(copyStart, "hold");
  const sent = codeOf(upload("START", [2, 3], { key: "start" }));
  await eventually(() => gate.isHolding(), "the start is sent");
  gate.cut();
  assert.equal(await sent, "database_unavailable");
  assert.equal(await hasKey("start"), false);
  assert.deepEqual(await upload("START", [2, 3], { key: "start" }), stored(2));
  assert.equal(await countTicks(app, "START"), 3);
});

Deno.test("a link that breaks before the rows of a group leaves neither its rows nor its keys", async () => {
  await warm("ROWS");
  sends(copyRows, "cut");
  assert.equal(await codeOf(upload("ROWS", [2, 3], { key: "rows" })), "database_unavailable");
  assert.equal(await hasKey("rows"), false);
  assert.equal(await countTicks(app, "ROWS"), 1);
  assert.deepEqual(await upload("ROWS", [2, 3], { key: "rows" }), stored(2));
  assert.equal(await countTicks(app, "ROWS"), 3);
});

Deno.test("an upload whose commit went unanswered is replayed, and stored once", async () => {
  await warm("COMMIT");
  sends(copyRows, "hold");
  const sent = codeOf(upload("COMMIT", [2, 3], { key: "commit" }));
  await eventually(async () => await countTicks(app, "COMMIT") === 3, "the rows are committed");
  gate.cut();
  assert.equal(await sent, "database_unavailable");
  assert.deepEqual(await upload("COMMIT", [2, 3], { key: "commit" }), {
    ...stored(2),
    replayed: true,
  });
  assert.equal(await countTicks(app, "COMMIT"), 3);
});

Deno.test("a key that another instance commits while a group begins gets that instance's answer", async () => {
  await warm("LOST");
  let sent: Promise<IngestAnswer[]> | undefined;
  await app.sql.begin(async (other) => {
    await other`
      insert into holdfast.idempotency_keys (key, fingerprint, answer)
      values ('lost', '[2,3]', ${other.json(stored(7))})`;
    // The first is written alone, and the others together after it.
    sent = Promise.all([
      upload("LOST", [4]),
      upload("LOST", [2, 3], { key: "lost" }),
      upload("LOST", [5, 6, 7], { key: "kept" }),
    ]);
    await eventually(async () => {
      const waiting = await app.admin`
        select from pg_stat_activity
        where application_name = 'flights_test' and wait_event_type = 'Lock'`;
      return waiting.length === 1;
    }, "the group waits for the key");
  });
  assert.deepEqual(await sent, [stored(1), { ...stored(7), replayed: true }, stored(3)]);
  assert.equal(await countTicks(app, "LOST"), 1 + 1 + 3);
});

Deno.test("a key that another instance gives up while a group begins is this group's", async () => {
  await warm("WON");
  let sent: Promise<IngestAnswer> | undefined;
  const givenUp = app.sql.begin(async (other) => {
    await other`insert into holdfast.idempotency_keys (key) values ('won')`;
    sent = upload("WON", [2, 3], { key: "won" });
    await eventually(async () => {
      const waiting = await app.admin`
        select from pg_stat_activity
        where application_name = 'flights_test' and wait_event_type = 'Lock'`;
      return waiting.length === 1;
    }, "the group waits for the key");
    throw new Error("given up");
  });
  await assert.rejects(givenUp, /given up/);
  assert.deepEqual(await sent, stored(2));
  assert.equal(await countTicks(app, "WON"), 3);
});

Deno.test("an instrument that another instance changed is judged as it is, although the COPY has begun", async () => {
  await warm("CHANGED");
  await app.sql`update market.instruments set tick_size = 0.5 where symbol = 'CHANGED'`;
  const { accepted, errors } = await upload("CHANGED", [1.5, 1.7, 2]);
  assert.equal(accepted, 2);
  assert.deepEqual(errors?.map(({ line, path }) => [line, path]), [[2, "price"]]);
  assert.equal(await countTicks(app, "CHANGED"), 3);
});

Deno.test("an upload whose rows a trigger leaves out is refused whole, small and large", async () => {
  await warm("WHOLE");
  await app.admin.unsafe(`
    create function market.leave_out() returns trigger language plpgsql as $$
    begin
      if new.price = 13 then return null; end if;
      return new;
    end $$;
    create trigger leave_out before insert on market.ticks
    for each row execute function market.leave_out();`);
  try {
    const small = [[2], [12, 13], [3, 4]].map((prices) => codeOf(upload("WHOLE", prices)));
    assert.deepEqual(await Promise.all(small), ["stored", "database_error", "stored"]);
    assert.equal(await countTicks(app, "WHOLE"), 1 + 1 + 2);
    assert.equal(await codeOf(upload("WHOLE", [12, 13], { bodies: 2 })), "database_error");
    assert.equal(await countTicks(app, "WHOLE"), 1 + 1 + 2);
  } finally {
    await app.admin.unsafe("drop function market.leave_out() cascade");
  }
  assert.deepEqual(await upload("WHOLE", [12, 13]), stored(2));
});
