import assert from "node:assert/strict";
import { createPool } from "../../db/pool/pool.ts";
import { createLogger } from "../../log.ts";
import { takesKey } from "../../routes/guards/idempotency.ts";
import { claimSeconds, createRequestKeys } from "../../services/requests/keys.ts";
import { HoldfastError } from "../../errors.ts";
import { type Document, operationsIn } from "../fuzz/requests.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { fillDataDir } from "../helpers/template.ts";

let app: TestApp;
let dataDir: string;
const open = () => startApp({ HOLDFAST_DATA_DIR: dataDir });
Deno.test.beforeAll(async () => {
  dataDir = await Deno.makeTempDir({ prefix: "holdfast-keys-" });
  await Deno.chmod(dataDir, 0o755);
  await fillDataDir(dataDir);
  app = await open();
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(dataDir, { recursive: true });
});

const log = createLogger({ level: "error", write: () => {} });

async function send(path: string, body: unknown, key: string) {
  const answer = await app.post(path, body, { "idempotency-key": key });
  const text = await answer.text();
  return {
    status: answer.status,
    replayed: answer.headers.get("idempotency-replayed"),
    location: answer.headers.get("location"),
    type: answer.headers.get("content-type"),
    text,
    code: answer.status >= 400 ? JSON.parse(text).code as string : undefined,
  };
}

const silence = (reason: string) => ({
  reason,
  ends_at: new Date(Date.now() + 3_600_000).toISOString(),
});
const silences = async () =>
  (await app.json<{ silences: unknown[] }>("/api/alerts/silences")).silences.length;

Deno.test("a request sent again with its key is answered as it was, and done once", async () => {
  const body = silence("once");
  const first = await send("/api/alerts/silences", body, "once-1");
  assert.deepEqual([first.status, first.replayed], [201, null]);
  const again = await send("/api/alerts/silences", body, "once-1");
  assert.deepEqual(again, { ...first, replayed: "true" });
  assert.equal(await silences(), 1);
  const made = await send("/api/instruments", { symbol: "KEY" }, "once-1");
  assert.equal(made.status, 201, "a key holds for one path");
  const replay = await send("/api/instruments", { symbol: "KEY" }, "once-1");
  assert.deepEqual(replay, { ...made, replayed: "true" });
  assert.match(replay.location ?? "", /^\/api\/instruments\/\d+$/);
});

Deno.test("a key with another body or another query is refused", async () => {
  await send("/api/instruments", { symbol: "OTHER" }, "other-1");
  for (const [path, body] of [["/api/instruments", { symbol: "ELSE" }]] as const) {
    const { status, code } = await send(path, body, "other-1");
    assert.deepEqual([status, code], [422, "idempotency_key_reused"]);
  }
  await send("/api/candles/rebuild", { symbol: "OTHER" }, "other-2");
  const { status } = await send(
    "/api/candles/rebuild",
    { symbol: "OTHER", force: true },
    "other-2",
  );
  assert.equal(status, 422);
});

Deno.test("of requests with one key at the same time one is carried out", async () => {
  const body = { symbol: "RACE" };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send("/api/instruments", body, "race-1")),
  );
  const fresh = answers.filter(({ status, replayed }) => status === 201 && replayed === null);
  assert.equal(fresh.length, 1);
  for (const { status, replayed, code } of answers) {
    assert.ok(
      status === 201 && (replayed === "true" || replayed === null) ||
        status === 409 && code === "idempotency_in_flight",
      `${status} ${code}`,
    );
  }
  const { instruments } = await app.json<{ instruments: unknown[] }>(
    "/api/instruments?symbol=RACE",
  );
  assert.equal(instruments.length, 1);
});

Deno.test("a refusal leaves the key free", async () => {
  const early = await send("/api/candles/rebuild", { symbol: "LATER" }, "free-1");
  assert.deepEqual([early.status, early.code], [404, "not_found"]);
  await send("/api/instruments", { symbol: "LATER" }, "free-1");
  const late = await send("/api/candles/rebuild", { symbol: "LATER" }, "free-1");
  assert.deepEqual([late.status, late.replayed], [200, null]);
});

Deno.test("a key that is no key is refused", async () => {
  for (const key of ["a b", "é", "x".repeat(256)]) {
    const { status, code } = await send("/api/instruments", { symbol: "BAD" }, key).catch(() => ({
      status: 400,
      code: "invalid_request",
    }));
    assert.deepEqual([status, code], [400, "invalid_request"]);
  }
});

Deno.test("keys outlast a restart", async () => {
  const body = { symbol: "RESTART" };
  const first = await send("/api/instruments", body, "restart-1");
  await app.stop();
  app = await open();
  assert.deepEqual(await send("/api/instruments", body, "restart-1"), {
    ...first,
    replayed: "true",
  });
});

const another = (keep?: number) => {
  const pool = createPool({
    target: app.holdfast.target,
    pooler: { pooled: false },
    applicationName: "another",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 2_000,
    max: 1,
    waitingMax: 10,
  });
  return { pool, keys: createRequestKeys({ pool, log, ...(keep ? { keep } : {}) }) };
};
const answer = { status: 200, headers: {}, body: "{}" };
const coded = (code: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === code;

Deno.test("another instance waits for the first, then gives its answer; of an orphan it says that it does not know", async () => {
  const here = another();
  const there = another();
  const name = { path: "/x", key: "k" };
  let release = () => {};
  const held = new Promise<void>((done) => release = done);
  const first = here.keys.once(name, "f", async () => {
    await held;
    return answer;
  });
  while ((await app.sql`select 1 from holdfast.request_keys where path = '/x'`).length === 0) {
    await Promise.resolve();
  }
  const never = () => Promise.reject(new Error("It was done twice"));
  await assert.rejects(there.keys.once(name, "f", never), coded("idempotency_in_flight"));
  release();
  assert.equal(await first, undefined);
  assert.deepEqual(await there.keys.once(name, "f", never), answer);

  await assert.rejects(
    here.keys.once({ ...name, key: "lost" }, "f", () => Promise.reject(new Error("killed"))),
    /killed/,
  );
  const lost = { ...name, key: "lost" };
  await assert.rejects(here.keys.once(lost, "f", never), coded("idempotency_outcome_unknown"));
  await assert.rejects(there.keys.once(lost, "f", never), coded("idempotency_in_flight"));
  await app.sql`
    update holdfast.request_keys
    set claimed_at = claimed_at - ${claimSeconds}::int4 * interval '1 second'
    where key = 'lost'`;
  await assert.rejects(there.keys.once(lost, "f", never), coded("idempotency_outcome_unknown"));
  await Promise.all([here.pool.end(), there.pool.end()]);
});

Deno.test("keys are kept by age and by number", async () => {
  const { pool, keys } = another(3);
  await app.sql`delete from holdfast.request_keys`;
  for (let n = 0; n < 6; n++) {
    await keys.once({ path: "/n", key: String(n) }, "f", () => Promise.resolve(answer));
  }
  await app.sql`
    update holdfast.request_keys set claimed_at = claimed_at - interval '8 days' where key = '5'`;
  assert.equal(await keys.forget(7), 3);
  const left = await app.sql`select key from holdfast.request_keys order by key`;
  assert.deepEqual(left.map(({ key }) => key), ["2", "3", "4"]);
  await pool.end();
});

Deno.test("the document says of every POST that it takes a key, and how it is answered again", () => {
  const document = app.holdfast.document as unknown as Document;
  for (const { method, path, parameters, responses } of operationsIn(document)) {
    const header = parameters.find((one) =>
      one.in === "header" && /^idempotency-key$/i.test(one.name)
    );
    const takes = takesKey(method, path);
    assert.equal(header !== undefined, takes || path === "/api/ticks" && method === "POST", path);
    if (!takes) continue;
    for (const [status, response] of Object.entries(responses)) {
      if (!/^2/.test(status)) continue;
      const { headers = {} } = response as { headers?: Record<string, unknown> };
      assert.ok("Idempotency-Replayed" in headers, `${path} ${status}`);
    }
    const problems = JSON.stringify(responses);
    for (const code of ["idempotency_key_reused", "idempotency_in_flight"]) {
      assert.ok(problems.includes(code), `${path} does not say ${code}`);
    }
  }
});
