import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { type Answer, bodyOf, countTicks, gzip, send, tick, types } from "../helpers/ticks.ts";

let app: TestApp;
let dataDir: string;
Deno.test.beforeAll(async () => {
  dataDir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  await Deno.chmod(dataDir, 0o755);
  app = await startApp({ HOLDFAST_DATA_DIR: dataDir });
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(dataDir, { recursive: true });
});

const ts = new Date().toISOString();
const batch = (symbol: string, rows = 3) =>
  Array.from({ length: rows }, (_, at) => tick({ ts, symbol, price: at }));
const keyed = (key: string) => ({ "idempotency-key": key });
const post = (body: string | Uint8Array, key: string, headers: Record<string, string> = {}) =>
  app.post("/api/ticks?create=true", body, { ...keyed(key), ...headers });

async function countKeys(key: string): Promise<number> {
  const rows = await app.sql`select 1 from holdfast.idempotency_keys where key = ${key}`;
  return rows.length;
}

Deno.test("a batch sent again gets its first answer and is stored once", async () => {
  const ticks = [...batch("TWICE"), tick({ ts: "2001-01-01T00:00:00Z", symbol: "TWICE" })];
  const first = await send(app, ticks, "?create=true", keyed("twice"));
  assert.deepEqual(
    [first.accepted, first.quarantined, first.replayed, first.errors?.length],
    [3, 1, false, 1],
  );
  for (let turn = 0; turn < 3; turn++) {
    const again = await send(app, ticks, "?create=true", keyed("twice"));
    assert.deepEqual(again, { ...first, replayed: true });
  }
  assert.equal(await countTicks(app, "TWICE"), 3);
  const rows = await app.sql`select 1 from holdfast.quarantine where raw like '%TWICE%'`;
  assert.equal(rows.length, 1);
});

Deno.test("the same ticks without a key, or under another, are stored again", async () => {
  await send(app, batch("AGAIN"), "?create=true", keyed("again-1"));
  await send(app, batch("AGAIN"), "", keyed("again-2"));
  await send(app, batch("AGAIN"));
  assert.equal(await countTicks(app, "AGAIN"), 9);
});

Deno.test("a key used for another body is refused and stores nothing", async () => {
  await send(app, batch("OTHER"), "?create=true", keyed("other"));
  const others = [
    JSON.stringify(batch("OTHER", 2)),
    `${JSON.stringify(batch("OTHER"))} `,
    JSON.stringify([]),
  ];
  for (const body of others) {
    const response = await post(body, "other");
    assert.equal(response.status, 422);
    assert.equal((await response.json()).code, "idempotency_key_reused");
  }
  assert.equal(await countTicks(app, "OTHER"), 3);
});

Deno.test("ten uploads with one key at once store their batch once", async () => {
  const body = bodyOf("ndjson", batch("RACE", 5_000));
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const response = await post(body, "race", { "content-type": types.ndjson });
      assert.equal(response.status, 200);
      return await response.json() as Answer;
    }),
  );
  assert.deepEqual(answers.map(({ accepted }) => accepted), Array(10).fill(5_000));
  assert.equal(answers.filter(({ replayed }) => !replayed).length, 1);
  assert.equal(await countTicks(app, "RACE"), 5_000);
});

Deno.test("ten uploads at once, each with its own key, are all stored", async () => {
  const answers = await Promise.all(
    Array.from(
      { length: 10 },
      (_, at) => send(app, batch("CROWD", 500), "?create=true", keyed(`crowd-${at}`)),
    ),
  );
  assert.equal(answers.filter(({ replayed }) => replayed).length, 0);
  assert.equal(await countTicks(app, "CROWD"), 5_000);
});

Deno.test("a body that is refused leaves its key free", async () => {
  for (const bad of ["[", '[{"ts": 1}]', ""]) {
    const response = await post(bad, "freed");
    assert.equal(response.status, 400);
    await response.body?.cancel();
    assert.equal(await countKeys("freed"), 0);
  }
  const answer = await send(app, batch("FREED"), "?create=true", keyed("freed"));
  assert.deepEqual([answer.accepted, answer.replayed], [3, false]);
});

Deno.test("an upload broken off by its client leaves its key free and no row", async () => {
  const broken = new AbortController();
  const rows = bodyOf("ndjson", batch("BROKEN", 30_000));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(rows));
    },
  });
  const sent = app.request("/api/ticks?create=true", {
    method: "POST",
    headers: { "content-type": types.ndjson, ...keyed("broken") },
    body,
    signal: broken.signal,
  });
  await eventually(async () => {
    const [row] = await app.sql<{ busy: number }[]>`
      select count(*)::int4 as busy
      from pg_stat_activity
      where application_name = 'holdfast-ingest' and state = 'idle in transaction'`;
    return row?.busy === 1;
  }, "the upload to wait for more");
  broken.abort();
  await assert.rejects(sent);
  const answer = await eventually(
    async () => {
      const response = await post(rows, "broken", { "content-type": types.ndjson });
      return response.status === 200 ? await response.json() as Answer : undefined;
    },
    "the key to be free",
  );
  assert.deepEqual([answer.accepted, answer.replayed], [30_000, false]);
  assert.equal(await countTicks(app, "BROKEN"), 30_000);
});

Deno.test("a key is bound to the bytes that were sent", async () => {
  const body = bodyOf("ndjson", batch("ZIP"));
  const zipped = await gzip(body);
  const headers = { "content-type": types.ndjson, "content-encoding": "gzip" };
  const first: Answer = await (await post(zipped, "zip", headers)).json();
  const again: Answer = await (await post(zipped, "zip", headers)).json();
  assert.deepEqual([first.replayed, again.replayed], [false, true]);
  assert.equal(await countTicks(app, "ZIP"), 3);
});

Deno.test("a key that is no key is refused", async () => {
  for (const key of ["", "a b", "x".repeat(256)]) {
    const response = await post(JSON.stringify(batch("NOKEY")), key);
    assert.equal(response.status, 400);
    const problem = await response.json();
    assert.deepEqual(problem.errors.map((one: { path: string }) => one.path), ["idempotency-key"]);
  }
});

Deno.test("a key outlives the app that took it", async () => {
  const ticks = batch("MOVED");
  const first = await send(app, ticks, "?create=true", keyed("moved"));
  await app.stop();
  app = await startApp({ HOLDFAST_DATA_DIR: dataDir });
  const again = await send(app, ticks, "?create=true", keyed("moved"));
  assert.deepEqual(again, { ...first, replayed: true });
  assert.equal(await countTicks(app, "MOVED"), 3);
});
