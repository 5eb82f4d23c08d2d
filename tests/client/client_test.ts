import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { createClient } from "../../client/client.ts";
import { HoldfastProblem, retryAfterOf } from "../../client/problem.ts";
import { isWorthRetrying, waitOf } from "../../client/retry.ts";
import { renderClient } from "../../tools/client.ts";
import { clientOf } from "../helpers/client.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const tick = (n: number) => ({
  ts: new Date(Date.now() - 60_000 + n).toISOString(),
  symbol: "CLIENT",
  price: n + 1,
  size: 1,
});

/** Answers one after the other, and what was asked. */
function answering(...answers: (Response | Error)[]) {
  const asked: Request[] = [];
  const fetch = (request: Request) => {
    asked.push(request);
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    return answer instanceof Response ? Promise.resolve(answer.clone()) : Promise.reject(answer);
  };
  return { asked, fetch };
}

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ status, code, detail: `about ${code}`, request_id: "r-1" }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
const soon = { "retry-after": "0" };
const stored = () => Response.json({ accepted: 1, quarantined: 0, replayed: false });

async function rejection(work: Promise<unknown>): Promise<HoldfastProblem> {
  const error = await work.then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof HoldfastProblem, String(error));
  return error;
}

Deno.test("the generated files of the client follow from the routes", async () => {
  for (const [name, text] of Object.entries(await renderClient())) {
    const there = await Deno.readTextFile(new URL(`../../client/${name}`, import.meta.url));
    assert.ok(there === text, `client/${name} has drifted; run deno task openapi`);
  }
});

Deno.test("ticks in every form go in, and come out page by page", async () => {
  const client = clientOf(app);
  const line = (n: number) => JSON.stringify(tick(n));
  const query = { create: true };
  await client.storeTicks({ query, body: [tick(1), tick(2)] });
  await client.storeTicks({ query, type: "application/x-ndjson", body: `${line(3)}\n${line(4)}` });
  await client.storeTicks({
    query,
    type: "application/x-ndjson",
    body: new Uint8Array(gzipSync(line(5))),
    headers: { "content-encoding": "gzip" },
  });
  const stream = new Blob([line(6), "\n", line(7)]).stream();
  const answer = await client.storeTicks({ query, type: "application/x-ndjson", body: stream });
  assert.deepEqual(answer, { accepted: 2, quarantined: 0, replayed: false });
  const prices: number[] = [];
  let pages = 0;
  for await (const page of client.pages("listTicks", { query: { symbol: "CLIENT", limit: 3 } })) {
    pages++;
    prices.push(...page.ticks.map(({ price }) => price));
  }
  assert.deepEqual([prices, pages], [[2, 3, 4, 5, 6, 7, 8], 3]);
});

Deno.test("answers are typed and whole: text, none, a verdict with 503, a new one with its headers", async () => {
  const client = clientOf(app);
  assert.match(await client.getExposition(), /^# (HELP|TYPE)/);
  const { status, data, headers } = await client.send("createInstrument", {
    body: { symbol: "MADE" },
  });
  assert.deepEqual([status, headers.get("location")], [201, `/api/instruments/${data.id}`]);
  assert.equal(
    await client.deleteInstrument({ path: { id: data.id }, query: { purge: true } }),
    undefined,
  );
  const unwell = answering(Response.json({ status: "unhealthy" }, { status: 503 }));
  const health = await createClient({ baseUrl: "http://x", ...unwell }).getHealth();
  assert.deepEqual([health.status, unwell.asked.length], ["unhealthy", 1]);
});

Deno.test("a refusal is a HoldfastProblem with code, faults and the request's id", async () => {
  const client = clientOf(app);
  const unknown = await rejection(client.getInstrument({ path: { id: 2_000_000_000 } }));
  assert.deepEqual([unknown.status, unknown.code, unknown.retries], [404, "not_found", 0]);
  assert.match(unknown.requestId ?? "", /^[0-9a-f-]{36}$/);
  const wrong = await rejection(
    client.createInstrument({ body: { symbol: "X", currency: "no" } }),
  );
  assert.deepEqual([wrong.code, wrong.errors[0]?.path], ["invalid_request", "currency"]);
  const away = await rejection(
    createClient({ baseUrl: "http://127.0.0.1:1", retry: { tries: 2, baseMs: 1 } }).getHealth(),
  );
  assert.deepEqual([away.status, away.code, away.retries], [0, "unreachable", 1]);
  assert.ok(wrong instanceof Error && wrong.name === "HoldfastProblem");
});

Deno.test("ticks are sent again under one key, which is made where none is given, and are stored once", async () => {
  const keys: (string | null)[] = [];
  const lossy = async (request: Request) => {
    keys.push(request.headers.get("idempotency-key"));
    const answer = await fetch(request);
    if (keys.length > 1) return answer;
    await answer.body?.cancel();
    throw new TypeError("connection reset");
  };
  const client = clientOf(app, { fetch: lossy });
  const input = { query: { create: true }, body: [{ ...tick(1), symbol: "ONCE" }] };
  const { data, retries } = await client.send("storeTicks", input);
  assert.deepEqual([data.accepted, data.replayed, retries], [1, true, 1]);
  assert.equal(keys.length, 2);
  assert.ok(keys[0] && keys[0] === keys[1]);
  const { ticks } = await client.listTicks({ query: { symbol: "ONCE" } });
  assert.equal(ticks.length, 1);
});

Deno.test("what could be done twice is not sent again; what passes is, as the server asks", async () => {
  const once = async (
    call: (client: ReturnType<typeof createClient>) => Promise<unknown>,
    ...answers: (Response | Error)[]
  ) => {
    const server = answering(...answers);
    const waits: number[] = [];
    const client = createClient({
      baseUrl: "http://x",
      fetch: server.fetch,
      retry: { tries: 3, baseMs: 1, random: () => 0, onRetry: ({ waitMs }) => waits.push(waitMs) },
    });
    const error = await call(client).then(
      () => undefined,
      (thrown: HoldfastProblem) => thrown.code,
    );
    return { error, tries: server.asked.length, waits };
  };
  const away = problem(503, "database_unavailable", { "retry-after": "0.004" });
  const store = (client: ReturnType<typeof createClient>) => client.storeTicks({ body: [tick(1)] });
  const create = (client: ReturnType<typeof createClient>) =>
    client.createToken({ body: { name: "x", scope: "read" } });
  assert.deepEqual(await once(store, away, problem(409, "idempotency_in_flight", soon), stored()), {
    error: undefined,
    tries: 3,
    waits: [4, 0],
  });
  assert.deepEqual((await once(store, away)).error, "database_unavailable");
  assert.equal((await once(store, away)).tries, 3);
  assert.equal((await once(store, problem(409, "partition_sealed"))).tries, 1);
  assert.equal((await once(create, away)).tries, 1, "a token could be there already");
  assert.equal((await once(create, new TypeError("reset"))).tries, 1);
  assert.equal((await once(create, problem(429, "rate_limited", soon))).tries, 3);
  const stream = (client: ReturnType<typeof createClient>) =>
    client.storeTicks({ type: "text/csv", body: new Blob(["ts"]).stream() });
  assert.equal((await once(stream, away)).tries, 1, "a stream is read once");
});

Deno.test("a deadline ends tries and waits with the last problem; the caller's own abort is thrown as it is", async () => {
  const busy = answering(problem(503, "overloaded", { "retry-after": "60" }));
  const client = createClient({ baseUrl: "http://x", fetch: busy.fetch });
  const late = await rejection(client.getHealth({}, { deadlineMs: 50 }));
  assert.deepEqual([late.code, busy.asked.length], ["overloaded", 1]);
  const silent = createClient({
    baseUrl: "http://x",
    fetch: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    retry: { tries: 1 },
  });
  assert.equal((await rejection(silent.getHealth({}, { timeoutMs: 20 }))).code, "timeout");
  assert.equal((await rejection(silent.getHealth({}, { deadlineMs: 20 }))).code, "timeout");
  const mine = new AbortController();
  const asked = silent.getHealth({}, { signal: mine.signal });
  mine.abort(new Error("enough"));
  await assert.rejects(asked, /^Error: enough$/);
});

Deno.test("a path parameter is encoded, and one that is missing is said before anything is sent", async () => {
  const server = answering(Response.json({}));
  const client = createClient({ baseUrl: "http://x/holdfast/", fetch: server.fetch });
  await client.getPartitionPolicy({ path: { table: "a/b.c?d" } });
  assert.equal(server.asked[0]?.url, "http://x/holdfast/api/partitions/policies/a%2Fb.c%3Fd");
  await assert.rejects(client.getMetric({ path: { name: "" } }), /path\.name is missing/);
  assert.equal(server.asked.length, 1);
});

Deno.test("waits stay within their bounds and never undercut what the server asks for", () => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  fc.assert(fc.property(
    fc.nat(100),
    fc.option(fc.nat(1_000_000), { nil: undefined }),
    fc.integer({ min: 1, max: 10_000 }),
    fc.integer({ min: 1, max: 100_000 }),
    unit,
    (retry, asked, baseMs, maxMs, random) => {
      const wait = waitOf(retry, asked, { baseMs, maxMs, random: () => random });
      if (asked !== undefined) return wait >= asked && wait <= asked * 1.1;
      return wait > 0 && wait <= maxMs && wait >= Math.min(maxMs, baseMs) / 2;
    },
  ));
  fc.assert(fc.property(fc.string(), fc.nat(), (text, now) => {
    const ms = retryAfterOf(text, now);
    return ms === undefined || ms >= 0;
  }));
  assert.deepEqual(
    [
      retryAfterOf("3", 0),
      retryAfterOf("-1", 0),
      retryAfterOf("Thu, 01 Jan 1970 00:00:05 GMT", 2_000),
    ],
    [3_000, undefined, 3_000],
  );
  assert.ok(!isWorthRetrying({ status: 409, code: "conflict" }, true));
});
