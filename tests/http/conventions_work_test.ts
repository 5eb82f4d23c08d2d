import assert from "node:assert/strict";
import fc from "fast-check";
import { createPool, type Pool } from "../../db/pool/pool.ts";
import { saveOperation } from "../../db/requests/operations.ts";
import { HoldfastError } from "../../errors.ts";
import { createLogger } from "../../log.ts";
import { preferenceOf } from "../../routes/common/long_work.ts";
import { createOperations } from "../../services/requests/operations.ts";
import { EndedEarly, type WorkContext } from "../../services/requests/work.ts";
import { type Document, operationsIn } from "../fuzz/requests.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { send, tick } from "../helpers/ticks.ts";

let app: TestApp;
let pool: Pool;
Deno.test.beforeAll(async () => {
  app = await startApp();
  pool = createPool({
    target: app.holdfast.target,
    pooler: { pooled: false },
    applicationName: "another",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 2_000,
    max: 1,
    waitingMax: 10,
  });
});
Deno.test.afterAll(async () => {
  await pool.end();
  await app.stop();
});

const log = createLogger({ level: "error", write: () => {} });

interface OperationAnswer {
  id: string;
  kind: string;
  status: string;
  progress: { step: string; done: number; of: number; unit: string } | null;
  result: Record<string, unknown> | null;
  problems: { code: string; detail: string }[];
}

async function untilOver(location: string): Promise<OperationAnswer> {
  let last: OperationAnswer | undefined;
  await eventually(
    async () => {
      const answer = await app.request(location);
      last = await answer.json() as OperationAnswer;
      const over = last.status !== "running";
      assert.equal(answer.headers.get("retry-after"), over ? null : "2");
      return over;
    },
    "the operation is over",
    20_000,
  );
  return last as OperationAnswer;
}

Deno.test("work is done in its request, or goes on as an operation that Location names", async () => {
  const now = Date.now();
  await send(
    app,
    [tick({ ts: new Date(now - 60_000).toISOString(), symbol: "WRK" })],
    "?create=true",
  );
  const body = { symbol: "WRK" };
  const at = "/api/candles/rebuild";
  const waited = await app.post(at, body);
  const known = await waited.json();
  assert.deepEqual([waited.status, known.next_from], [200, null]);

  const headers = { prefer: "respond-async", "idempotency-key": "async-1" };
  const answer = await app.post(at, body, headers);
  const text = await answer.text();
  assert.equal(answer.status, 202, text);
  assert.equal(answer.headers.get("preference-applied"), "respond-async");
  assert.equal(answer.headers.get("retry-after"), "2");
  const location = answer.headers.get("location") ?? "";
  const over = await untilOver(location);
  assert.deepEqual([over.kind, over.status, over.problems], ["candle_rebuild", "succeeded", []]);
  assert.deepEqual(over.result, known);
  assert.ok(over.progress !== null);
  const replayed = await app.post(at, body, headers);
  assert.deepEqual(
    [replayed.status, replayed.headers.get("location"), await replayed.text()],
    [202, location, text],
  );
  const { operations } = await app.json<{ operations: OperationAnswer[] }>("/api/operations");
  assert.deepEqual(operations, [over]);
});

Deno.test("what goes wrong after the answer stands in the operation, with its code", async () => {
  const answer = await app.post("/api/partitions/apply", { digest: "0".repeat(64) }, {
    prefer: "respond-async",
  });
  await answer.body?.cancel();
  assert.equal(answer.status, 202);
  const over = await untilOver(answer.headers.get("location") ?? "");
  assert.deepEqual([over.status, over.result], ["failed", null]);
  assert.equal(over.problems[0]?.code, "catalogue_changed");
  const waited = await app.post("/api/partitions/apply", { digest: "0".repeat(64) });
  assert.deepEqual([waited.status, (await waited.json()).code], [409, "catalogue_changed"]);
});

Deno.test("a dry run is asked for by one query parameter; the old form still holds", async () => {
  const at = "/api/candles/rebuild";
  const symbol = "DRY";
  await send(
    app,
    [tick({ ts: new Date(Date.now() - 60_000).toISOString(), symbol })],
    "?create=true",
  );
  await app.sql`
    delete from market.candles_1m
    where instrument_id = (select id from market.instruments where symbol = ${symbol})`;
  const candles = async () =>
    (await app.json<{ candles: unknown[] }>(`/api/candles?symbol=${symbol}`)).candles.length;
  for (const [query, body] of [["?dry_run=true", {}], ["", { dry_run: true }]] as const) {
    const found = await app.post(at + query, { symbol, ...body });
    assert.equal((await found.json()).changed, 1);
    assert.equal(await candles(), 0);
  }
  const both = await app.post(`${at}?dry_run=false`, { symbol, dry_run: true });
  const { code, errors } = await both.json();
  assert.deepEqual([both.status, code, errors[0].path], [400, "invalid_request", "dry_run"]);
  const done = await app.post(at, { symbol });
  await done.body?.cancel();
  assert.equal(await candles(), 1);

  await app.sql`create table public.convertible (id int primary key, ts timestamptz not null)`;
  const conversion = {
    table: "public.convertible",
    key_column: "ts",
    widen_keys: true,
    policy: { interval: "1 day", key: "timestamptz" },
  };
  const plan = await app.post("/api/partitions/convert?dry_run=true", {
    ...conversion,
    action: "start",
    digest: "0".repeat(64),
  });
  const planned = await plan.json();
  assert.deepEqual([plan.status, planned.conversion], [200, null]);
  const undo = await app.post("/api/partitions/convert?dry_run=true", {
    table: "public.convertible",
    action: "undo",
  });
  assert.deepEqual([undo.status, (await undo.json()).errors[0].path], [400, "dry_run"]);
});

Deno.test("the document says of each 202 where to ask on, and of each dry run the one parameter", () => {
  const document = app.holdfast.document as unknown as Document;
  let accepted = 0;
  let dry = 0;
  for (const { method, path, responses, parameters, body } of operationsIn(document)) {
    if ("202" in responses) {
      accepted++;
      const { headers = {} } = responses["202"] as { headers?: object };
      assert.ok("Location" in headers && "Retry-After" in headers, `${method} ${path}`);
    }
    const parameter = parameters.find(({ name }) => name.replaceAll("-", "_") === "dry_run");
    const reference = JSON.stringify(body?.types ?? {}).match(/schemas\/(\w+)/)?.[1] ?? "";
    const fields = (document.components.schemas?.[reference] as {
      properties?: Record<string, { deprecated?: boolean }>;
    })?.properties ?? {};
    if (fields.dry_run) {
      assert.ok(parameter && fields.dry_run.deprecated, `${method} ${path}`);
    }
    if (!parameter) continue;
    dry++;
    assert.deepEqual([parameter.name, parameter.in, parameter.required], [
      "dry_run",
      "query",
      false,
    ]);
  }
  assert.ok(accepted >= 8, String(accepted));
  assert.equal(dry, 2);
});

/** Operations whose time stands still until it is moved on. */
function still(start = Date.parse("2026-01-01T00:00:00Z")) {
  let now = start;
  const waiting = new Set<() => void>();
  const operations = createOperations({
    pool,
    log,
    clock: { now: () => new Date(now) } as Parameters<typeof createOperations>[0]["clock"],
    delay(_ms, call) {
      const once = () => {
        waiting.delete(once);
        call();
      };
      waiting.add(once);
      return () => waiting.delete(once);
    },
  });
  return {
    operations,
    elapse: () => [...waiting].forEach((call) => call()),
    move: (ms: number) => now += ms,
    waits: () => waiting.size,
  };
}

function held() {
  let finish: (result: { n: number }) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const run = () => new Promise<{ n: number }>((done, refuse) => [finish, fail] = [done, refuse]);
  return {
    work: { kind: "test", subject: "s", afterAbort: "nothing stays", run },
    finish: (n: number) => finish({ n }),
    fail: (error: unknown) => fail(error),
  };
}

async function begunLate(
  { operations, elapse }: Pick<ReturnType<typeof still>, "operations" | "elapse">,
  work: Parameters<ReturnType<typeof createOperations>["begin"]>[0],
) {
  const begun = operations.begin(work, 1_000);
  elapse();
  const outcome = await begun;
  assert.ok("operation" in outcome);
  return outcome.operation;
}

Deno.test("work that ends in time leaves no operation, and its error is thrown", async () => {
  const { operations, waits } = still();
  const before = (await operations.list({ limit: 1_000, before: undefined })).length;
  const quick = {
    kind: "test",
    subject: "s",
    afterAbort: "nothing stays",
    run: () => Promise.resolve({ n: 1 }),
  };
  assert.deepEqual(await operations.begin(quick, 1_000), { result: { n: 1 } });
  const broken = { ...quick, run: () => Promise.reject(new HoldfastError("conflict", "no")) };
  await assert.rejects(operations.begin(broken, 1_000), /no/);
  assert.equal(waits(), 0);
  assert.equal((await operations.list({ limit: 1_000, before: undefined })).length, before);
});

Deno.test("any instance answers an operation; one whose process is gone is aborted, and says so", async () => {
  const here = still();
  const there = still();
  const { work, finish } = held();
  const { id } = await begunLate(here, work);
  assert.equal((await there.operations.get(id)).status, "running");
  there.move(61_000);
  const gone = await there.operations.get(id);
  assert.deepEqual([gone.status, gone.problems[0]?.code], ["aborted", "shutting_down"]);
  await there.operations.tidy();
  // It was only slow: what it did counts.
  finish(7);
  await eventually(async () => (await there.operations.get(id)).status === "succeeded", "it ends");
  const done = await there.operations.get(id);
  assert.deepEqual(done.result, { n: 7 });
  await pool.run((sql) => saveOperation(sql, { ...done, status: "running", result: null }));
  assert.equal((await there.operations.get(id)).status, "succeeded", "a late beat undoes nothing");
});

Deno.test("an error that is ours is not told; a stop says that it was cut off", async () => {
  const here = still();
  const { work, fail } = held();
  const { id } = await begunLate(here, work);
  fail(new Error("select secret"));
  await eventually(async () => (await here.operations.get(id)).status === "failed", "it fails");
  const failed = await here.operations.get(id);
  assert.equal(failed.problems[0]?.code, "internal");
  assert.doesNotMatch(JSON.stringify(failed), /secret/);
  const cut = held();
  const { id: second } = await begunLate(here, cut.work);
  await here.operations.stop();
  assert.equal((await here.operations.get(second)).status, "aborted");
});

/** Work that an abort ends with a part of its result. */
const endless = {
  kind: "test",
  subject: "s",
  afterAbort: "three stay",
  run: ({ signal }: WorkContext) =>
    new Promise<{ n: number }>((_done, refuse) =>
      signal?.addEventListener("abort", () => refuse(new EndedEarly({ n: 3 })))
    ),
};

Deno.test("an aborted operation keeps what was done; aborting it again changes nothing", async () => {
  const here = still();
  const { id } = await begunLate(here, endless);
  const aborted = await here.operations.abort(id);
  assert.deepEqual([aborted.status, aborted.result], ["aborted", { n: 3 }]);
  assert.deepEqual(aborted.problems, [
    { code: "aborted", detail: "Aborted on request; three stay" },
  ]);
  assert.deepEqual(await here.operations.abort(id), aborted);
  assert.deepEqual(await still().operations.abort(id), aborted);
});

Deno.test("an operation that has ended, or that runs elsewhere, is not aborted, and it is said why", async () => {
  const here = still();
  const first = held();
  const { id } = await begunLate(here, first.work);
  await assert.rejects(still().operations.abort(id), /runs in another Holdfast; abort it there/);
  first.finish(1);
  await eventually(async () => (await here.operations.get(id)).status === "succeeded", "it ends");
  await assert.rejects(here.operations.abort(id), /has succeeded at 2026-.*nothing left to abort/);
  await assert.rejects(here.operations.abort(crypto.randomUUID()), { code: "not_found" });
  const second = held();
  const failing = await begunLate(here, second.work);
  second.fail(new HoldfastError("conflict", "no"));
  await eventually(
    async () => (await here.operations.get(failing.id)).status === "failed",
    "it fails",
  );
  await assert.rejects(here.operations.abort(failing.id), /has failed at/);
});

Deno.test("an abort that must wait says for what; work that is done by then has succeeded", async () => {
  const [here, there] = [still(), still()];
  const finished = Promise.withResolvers<{ n: number }>();
  const { id } = await begunLate(here, {
    ...endless,
    run(context: WorkContext) {
      context.mustFinish("the detach of a.b runs to its end");
      return finished.promise;
    },
  });
  const aborting = here.operations.abort(id);
  here.elapse();
  const { status, problems } = await aborting;
  const expected = {
    code: "aborting",
    detail: "Abort requested; the detach of a.b runs to its end",
  };
  assert.deepEqual([status, problems], ["running", [expected]]);
  here.elapse();
  await eventually(
    async () => (await there.operations.get(id)).problems[0]?.code === "aborting",
    "other instances say so",
  );
  finished.resolve({ n: 9 });
  await eventually(async () => (await here.operations.get(id)).status === "succeeded", "it ends");
  assert.deepEqual((await here.operations.get(id)).problems, []);
});

Deno.test("work that changes nothing ends with the client that waits for it", async () => {
  const client = new AbortController();
  const begun = still().operations.begin({ ...endless, client: client.signal }, 60_000);
  client.abort();
  await assert.rejects(begun, { code: "client_left" });
});

Deno.test("DELETE cancels a rebuild in Postgres, and is 409 for one that has ended", async () => {
  const symbol = "ABT";
  const ts = new Date(Date.now() - 60_000).toISOString();
  await send(app, [tick({ ts, symbol })], "?create=true");
  async function rebuild(): Promise<string> {
    const answer = await app.post(
      "/api/candles/rebuild",
      { symbol },
      { prefer: "respond-async" },
    );
    await answer.body?.cancel();
    return answer.headers.get("location") ?? "";
  }
  const holder = await app.sql.reserve();
  try {
    await holder`begin`;
    await holder`lock table market.candles_1m in access exclusive mode`;
    const location = await rebuild();
    const waits = async () => {
      const rows = await app.sql`
        select 1 from pg_stat_activity
        where application_name = 'holdfast' and wait_event_type = 'Lock'`;
      return rows.length;
    };
    await eventually(async () => await waits() === 1, "the rebuild waits for the lock");
    const aborted = await app.request(location, { method: "DELETE" });
    const first = await aborted.json();
    assert.deepEqual([aborted.status, first.status, first.progress.unit], [
      200,
      "aborted",
      "partitions",
    ]);
    assert.ok(Date.parse(first.result.next_from) <= Date.parse(ts));
    assert.match(first.problems[0].detail, /next_from in result/);
    assert.equal(await waits(), 0);
    const again = await app.request(location, { method: "DELETE" });
    assert.deepEqual([again.status, await again.json()], [200, first]);
  } finally {
    await holder`rollback`;
    holder.release();
  }
  const location = await rebuild();
  assert.equal((await untilOver(location)).status, "succeeded");
  const late = await app.request(location, { method: "DELETE" });
  const { code, detail } = await late.json();
  assert.deepEqual([late.status, code], [409, "conflict"]);
  assert.match(detail, /has succeeded at/);
});

Deno.test("Prefer is read as RFC 7240 writes it, whatever stands in it", () => {
  assert.deepEqual(preferenceOf(undefined), { waitMs: 25_000, isAsync: false });
  assert.deepEqual(preferenceOf("respond-async"), { waitMs: 0, isAsync: true });
  assert.deepEqual(preferenceOf("respond-async, wait=5"), { waitMs: 5_000, isAsync: true });
  assert.deepEqual(preferenceOf("Wait=9999"), { waitMs: 60_000, isAsync: false });
  fc.assert(fc.property(fc.string(), (text) => {
    const { waitMs } = preferenceOf(text);
    assert.ok(waitMs >= 0 && waitMs <= 60_000);
  }));
});
