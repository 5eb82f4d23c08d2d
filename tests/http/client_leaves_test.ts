import assert from "node:assert/strict";
import { HoldfastError } from "../../errors.ts";
import { createRequestScope } from "../../lib/request_scope.ts";
import { createGroupCommit } from "../../services/ingest/write/group_commit.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { beginUpload } from "../helpers/slow_upload.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_POOL_SIZE: "4", HOLDFAST_INGEST_LANES: "1" });
  const stored = await app.post(
    "/api/ticks?create=true",
    [{ ts: new Date().toISOString(), symbol: "FLT", price: 1, size: 1 }],
  );
  assert.equal(stored.status, 200);
  await app.sql`create table public.convertible (id int primary key, ts timestamptz not null)`;
});
Deno.test.afterAll(() => app.stop());

/** Runs `work` while nobody else can use `tables`. */
async function whileLocked(tables: string, work: () => Promise<void>): Promise<void> {
  const holder = await app.sql.reserve();
  try {
    await holder.unsafe(`begin; lock table ${tables} in access exclusive mode`);
    await work();
  } finally {
    await holder`rollback`;
    holder.release();
  }
}

/** Statements of `application` that wait for a lock. */
async function waiting(application: string): Promise<number> {
  const [row] = await app.sql<{ count: number }[]>`
    select count(*)::int4 as count
    from pg_stat_activity
    where application_name = ${application} and state = 'active' and wait_event_type = 'Lock'`;
  return row?.count ?? 0;
}

/** Opens a request and answers how to leave it. */
async function ask(method: string, path: string, body = ""): Promise<Deno.Conn> {
  const connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(app.url).port),
  });
  await connection.write(new TextEncoder().encode(
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  ));
  return connection;
}

const now = Date.now();
const span = `from=${new Date(now - 86_400_000).toISOString()}&to=${new Date(now).toISOString()}`;
const convertible = {
  table: "public.convertible",
  action: "start",
  digest: "0".repeat(64),
  key_column: "ts",
  widen_keys: true,
  policy: { interval: "1 day", key: "timestamptz" },
};
const [maintenance, records] = ["holdfast-maintenance", "holdfast-records"];
type Read = [what: string, path: string, tables: string, body?: object, application?: string];
const reads: Read[] = [
  ["ticks", `/api/ticks?symbol=FLT&${span}`, "market.ticks"],
  ["candles", `/api/candles?symbol=FLT&interval=1m&${span}`, "market.candles_1m"],
  ["exactness", "/api/exactness?symbol=FLT", "market.ticks"],
  ["instruments", "/api/instruments", "market.instruments"],
  ["quarantine", "/api/quarantine", "holdfast.quarantine"],
  ["the history of a metric", `/api/metrics/cache_hit_ratio?${span}`, "holdfast.sample_series"],
  ["incidents", "/api/incidents", "holdfast.incidents"],
  ["the log of partitions", "/api/partitions/log", "holdfast.maintenance_log"],
  ["a rehearsal", "/api/alerts/rehearse", "holdfast.sample_series", { rule: "cache_hit_ratio" }],
  ["a plan", "/api/partitions/plan", "holdfast.partition_policies", {}, maintenance],
  ["archives", "/api/partitions/archives", "holdfast.partition_archives", undefined, maintenance],
  [
    "a dry run of a conversion",
    "/api/partitions/convert?dry_run=true",
    "holdfast.partition_moves",
    convertible,
    maintenance,
  ],
  ["a verification", "/api/partitions/verify", "holdfast.sealed_partitions", {}, maintenance],
  [
    "a dry run of a rebuild",
    "/api/candles/rebuild?dry_run=true",
    "market.candles_1m",
    { symbol: "FLT" },
  ],
  ["benchmark runs", "/api/benchmarks/runs", "holdfast.benchmark_runs", undefined, records],
  ["rehearsals", "/api/rehearsals", "holdfast.rehearsals", undefined, records],
];

for (const [what, path, tables, body, application = "holdfast"] of reads) {
  Deno.test(`${what}: a client that leaves ends its statement on the server within a second`, async () => {
    await within(1_000, "its statement is gone", async () => {
      let left = Infinity;
      let gone = Infinity;
      await whileLocked(tables, async () => {
        const connection = body
          ? await ask("POST", path, JSON.stringify(body))
          : await ask("GET", path);
        await eventually(async () => await waiting(application) === 1, "its statement waits");
        left = performance.now();
        connection.close();
        await eventually(async () => await waiting(application) === 0, "its statement is gone");
        gone = performance.now();
      });
      return gone - left;
    });
    const answer = await app.request(
      path,
      body
        ? {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }
        : {},
    );
    assert.ok(answer.status < 300, `${answer.status}: the pool works on`);
    await answer.body?.cancel();
    await eventually(
      () => app.logs.some(({ path: one, status }) => status === 499 && path.startsWith(`${one}`)),
      "the access log says that it left",
    );
  });
}

Deno.test("clients that leave while they wait for a connection are gone from the queue", async () => {
  await within(1_500, "all are gone", async () => {
    let left = Infinity;
    let gone = Infinity;
    await whileLocked("market.ticks", async () => {
      const path = `/api/ticks?symbol=FLT&${span}`;
      const connections = await Promise.all(Array.from({ length: 30 }, () => ask("GET", path)));
      await eventually(async () => await waiting("holdfast") === 4, "the pool is full");
      left = performance.now();
      for (const connection of connections) connection.close();
      await eventually(async () => await waiting("holdfast") === 0, "all are gone");
      gone = performance.now();
    });
    return gone - left;
  });
  // No queue is before it.
  const answer = await app.request("/api/instruments", { signal: AbortSignal.timeout(2_000) });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
});

Deno.test("a change goes on when its client leaves", async () => {
  await whileLocked("market.instruments", async () => {
    const connection = await ask("POST", "/api/instruments", JSON.stringify({ symbol: "STAYS" }));
    await eventually(async () => await waiting("holdfast") === 1, "it waits", 5_000);
    connection.close();
    await new Promise((done) => setTimeout(done, 300)); // it could have been taken for left by then
    assert.equal(await waiting("holdfast"), 1);
  });
  await eventually(async () => {
    const [row] = await app.sql`select 1 from market.instruments where symbol = 'STAYS'`;
    return row !== undefined;
  }, "it was made");
});

const rows = (count: number, symbol: string) =>
  Array.from(
    { length: count },
    (_, at) =>
      `{"ts":"${new Date(now - at).toISOString()}","symbol":"${symbol}","price":1,"size":1}\n`,
  )
    .join("");

Deno.test("a sender that leaves in its upload ends what the server does for it, and nothing is stored", async () => {
  await within(1_000, "it is broken off", async () => {
    let left = Infinity;
    let ended = Infinity;
    await whileLocked("market.ticks", async () => {
      const upload = await beginUpload(app.url);
      await upload.send(rows(10_300, "GONE"));
      await eventually(async () => await waiting("holdfast-ingest") === 1, "it is written");
      left = performance.now();
      upload.vanish();
      await eventually(async () => await waiting("holdfast-ingest") === 0, "it is broken off");
      ended = performance.now();
    });
    return ended - left;
  });
  const [row] = await app.sql<{ count: number }[]>`
    select count(*)::int4 as count
    from market.ticks
    join market.instruments on market.instruments.id = market.ticks.instrument_id
    where symbol = 'GONE'`;
  assert.equal(row?.count, 0);
  // The one lane is free again.
  const next = await beginUpload(app.url);
  await next.send(rows(6_000, "NEXT"));
  assert.equal((await next.finish()).body.accepted, 6_000);
});

Deno.test("a small upload whose sender leaves while it waits to be written is given up, and no other", async () => {
  const written: number[] = [];
  const go = Promise.withResolvers<void>();
  const groups = createGroupCommit({
    lanes: 1,
    rowsMax: 100,
    uploadsMax: 10,
    waitMs: 60_000,
    async store(uploads) {
      await go.promise;
      for (const { rows } of uploads) written.push(rows);
      return uploads.map(({ rows }) => ({ accepted: rows, quarantined: 0, replayed: false }));
    },
  });
  const upload = (rows: number) => ({
    batch: { ticks: [], refusals: [] },
    rows,
    create: false,
    backfill: false,
    key: undefined,
    fingerprint: () => "",
  });
  const leaving = new AbortController();
  const begun = groups.submit(upload(1), leaving.signal);
  await eventually(() => groups.stats().active === 1, "the first is being written");
  const gone = groups.submit(upload(2), leaving.signal);
  const stays = groups.submit(upload(3), new AbortController().signal);
  leaving.abort();
  await assert.rejects(
    gone,
    (error) => error instanceof HoldfastError && error.code === "client_left",
  );
  go.resolve();
  assert.equal((await begun).accepted, 1);
  assert.equal((await stays).accepted, 3);
  assert.deepEqual(written, [1, 3]);
  await assert.rejects(groups.submit(upload(4), leaving.signal));
});

Deno.test("what goes on after the answer belongs to no request", async () => {
  const scope = createRequestScope();
  const { signal } = new AbortController();
  const later = Promise.withResolvers<void>();
  let after: Promise<AbortSignal | undefined> | undefined;
  const during = await scope.run(signal, async () => {
    after = later.promise.then(() => scope.signal());
    await Promise.resolve();
    return scope.signal();
  });
  assert.equal(during, signal);
  later.resolve();
  assert.equal(await after, undefined);
  assert.equal(scope.signal(), undefined);
});
