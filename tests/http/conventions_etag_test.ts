import assert from "node:assert/strict";
import { isTagged } from "../../routes/guards/etag.ts";
import { createRuleRegistry } from "../../services/alerts/rules/registry.ts";
import { createAlertStore } from "../../services/alerts/storage/store.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { openRecords } from "../../db/records/records.ts";
import { createLogger } from "../../log.ts";
import { HoldfastError } from "../../errors.ts";
import { type Document, operationsIn } from "../fuzz/requests.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
  await app.sql`create table public.plain (ts timestamptz not null) partition by range (ts)`;
});
Deno.test.afterAll(() => app.stop());

const ticksPolicy = "/api/partitions/policies/market.ticks";
const plainPolicy = "/api/partitions/policies/public.plain";
const policy = { interval: "1 day", key: "timestamptz", premake: 2 };

async function call(
  method: string,
  path: string,
  { body, ...headers }: Record<string, unknown> & { body?: unknown } = {},
) {
  const answer = await app.request(path, {
    method,
    headers: { "content-type": "application/json", ...headers } as Record<string, string>,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    etag: answer.headers.get("etag") ?? "",
    text,
    code: answer.status >= 400 ? JSON.parse(text).code as string : undefined,
    json: <T>() => JSON.parse(text) as T,
  };
}

async function newInstrument(symbol: string) {
  const made = await call("POST", "/api/instruments", { body: { symbol } });
  const { id } = made.json<{ id: number }>();
  return { path: `/api/instruments/${id}`, etag: made.etag };
}

Deno.test("what is read and not changed is 304, and has the tag that a change answered", async () => {
  const { path, etag } = await newInstrument("TAG");
  const put = await call("PUT", plainPolicy, { body: policy });
  assert.equal(put.status, 200, put.text);
  const rules = await call("PUT", "/api/alerts/rules", {
    body: { name: "blocked_sessions", warning: 3 },
  });
  const known = [
    [path, etag],
    [plainPolicy, put.etag],
    ["/api/alerts/rules", rules.etag],
    ["/api/instruments", undefined],
    ["/api/partitions/policies", undefined],
    [ticksPolicy, undefined],
  ] as const;
  for (const [at, tag] of known) {
    const first = await call("GET", at);
    assert.match(first.etag, /^"[\w-]{22}"$/, at);
    if (tag !== undefined) assert.equal(first.etag, tag, at);
    for (const header of [first.etag, `W/${first.etag}`, `"x", ${first.etag}`, "*"]) {
      const again = await call("GET", at, { "if-none-match": header });
      assert.deepEqual([at, again.status, again.text, again.etag], [at, 304, "", first.etag]);
      const head = await call("HEAD", at, { "if-none-match": header });
      assert.equal(head.status, 304);
    }
    assert.equal((await call("GET", at, { "if-none-match": '"other"' })).status, 200);
    const broken = await call("GET", at, { "if-none-match": "other" });
    assert.deepEqual([broken.status, broken.code], [400, "invalid_request"]);
  }
});

Deno.test("a page gets compressed bytes with a tag of their own, which holds for a change too", async () => {
  const page = { "sec-fetch-mode": "cors", "accept-encoding": "gzip" };
  const read = async (headers: Record<string, string>) => {
    const answer = await app.request("/api/alerts/rules", { headers });
    await answer.body?.cancel();
    return answer;
  };
  const plain = (await read({})).headers.get("etag") ?? "";
  const packed = await read(page);
  assert.equal(packed.headers.get("content-encoding"), "gzip");
  assert.equal(packed.headers.get("cache-control"), "private, no-cache");
  const tag = packed.headers.get("etag") ?? "";
  assert.equal(tag, plain.replace(/"$/, '-gzip"'));
  for (const headers of [{ "if-none-match": tag }, { ...page, "if-none-match": tag }]) {
    const again = await read(headers);
    assert.deepEqual([again.status, again.headers.get("etag")], [304, tag]);
  }
  const changed = await call("PUT", "/api/alerts/rules", {
    "if-match": tag,
    body: { name: "blocked_sessions", warning: 4 },
  });
  assert.equal(changed.status, 200, changed.text);
  const late = await call("PUT", "/api/alerts/rules", {
    "if-match": tag,
    body: { name: "blocked_sessions", warning: 5 },
  });
  assert.equal(late.status, 412, late.text);
  const document = await app.request("/openapi.json", { headers: page });
  assert.equal(document.headers.get("content-encoding"), "gzip", "the largest part of /docs");
  assert.ok("paths" in await document.json());
});

Deno.test("a change of what has changed since is 412 and changes nothing; with the present tag, or none, it is made", async () => {
  const { path, etag } = await newInstrument("CHANGED");
  const patched = await call("PATCH", path, { body: { kind: "etf" }, "if-match": etag });
  assert.equal(patched.status, 200, patched.text);
  assert.notEqual(patched.etag, etag);
  for (const tag of [etag, '"other"', `W/${patched.etag}`]) {
    for (
      const [method, at] of [["PATCH", path], ["DELETE", path], [
        "DELETE",
        `${path}?purge=true`,
      ]] as const
    ) {
      const late = await call(method, at, {
        ...(method === "PATCH" ? { body: { kind: "x" } } : {}),
        "if-match": tag,
      });
      assert.deepEqual([method, late.status, late.code], [method, 412, "precondition_failed"]);
    }
  }
  assert.equal((await call("GET", path)).etag, patched.etag);
  assert.equal((await call("PATCH", path, { body: { kind: "a" }, "if-match": "*" })).status, 200);
  assert.equal((await call("PATCH", path, { body: { kind: "b" } })).status, 200);
  const { etag: last } = await call("GET", path);
  assert.equal((await call("DELETE", `${path}?purge=true`, { "if-match": last })).status, 204);
  assert.equal((await call("PATCH", path, { body: { kind: "b" }, "if-match": last })).status, 404);
  const broken = await call("PATCH", path, { body: { kind: "b" }, "if-match": "x" });
  assert.deepEqual([broken.status, broken.code], [400, "invalid_request"]);
});

Deno.test("a policy is made only where there is none, changed and removed only as it was read", async () => {
  await call("DELETE", plainPolicy);
  const none = await call("PUT", plainPolicy, { body: policy, "if-match": "*" });
  assert.deepEqual([none.status, none.code], [412, "precondition_failed"]);
  const made = await call("PUT", plainPolicy, { body: policy, "if-none-match": "*" });
  assert.equal(made.status, 200, made.text);
  const twice = await call("PUT", plainPolicy, { body: policy, "if-none-match": "*" });
  assert.deepEqual([twice.status, twice.code], [412, "precondition_failed"]);
  const changed = await call("PUT", plainPolicy, {
    body: { ...policy, premake: 3 },
    "if-match": made.etag,
  });
  assert.equal(changed.status, 200);
  assert.equal((await call("DELETE", plainPolicy, { "if-match": made.etag })).status, 412);
  assert.equal((await call("DELETE", plainPolicy, { "if-match": changed.etag })).status, 204);
  const { etag } = await call("GET", ticksPolicy);
  const ticks = await call("PUT", ticksPolicy, { body: policy, "if-match": etag });
  assert.equal(ticks.status, 200, ticks.text);
});

Deno.test("of changes made at the same time from the same reading exactly one wins", async () => {
  const { path, etag } = await newInstrument("RACE");
  await call("PUT", plainPolicy, { body: policy });
  for (let round = 0; round < 5; round++) {
    const read = await call("GET", path);
    const patches = await Promise.all(
      Array.from(
        { length: 8 },
        (_, n) => call("PATCH", path, { body: { kind: `k${round}${n}` }, "if-match": read.etag }),
      ),
    );
    const statuses = patches.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(7).fill(412)], `round ${round}, from ${etag}`);
    const before = await call("GET", plainPolicy);
    const puts = await Promise.all(
      Array.from({ length: 4 }, (_, n) =>
        call("PUT", plainPolicy, {
          body: { ...policy, premake: 10 * (round + 1) + n },
          "if-match": before.etag,
        })),
    );
    assert.deepEqual(puts.map(({ status }) => status).sort(), [200, 412, 412, 412]);
    const rules = await call("GET", "/api/alerts/rules");
    const changes = await Promise.all(
      Array.from({ length: 4 }, (_, n) =>
        call("PUT", "/api/alerts/rules", {
          body: { name: "blocked_sessions", warning: 10 * (round + 1) + n },
          "if-match": rules.etag,
        })),
    );
    assert.deepEqual(changes.map(({ status }) => status).sort(), [200, 412, 412, 412]);
  }
});

Deno.test("rules that two instances change at the same time are changed by one", async () => {
  const log = createLogger({ level: "error", write: () => {} });
  const opened = [1, 2].map(() =>
    openRecords({
      target: app.holdfast.target,
      applicationName: "another",
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 2_000,
      pooler: { pooled: false },
    })
  );
  const books = opened.map(({ db }) =>
    createRuleRegistry({
      initial: shippedRules,
      store: createAlertStore({ db, log } as Parameters<typeof createAlertStore>[0]),
      log,
    })
  );
  const rule = (rules: readonly { name: string; for_seconds: number }[]) =>
    rules.find(({ name }) => name === "long_transaction");
  for (let round = 0; round < 5; round++) {
    await books[0]?.refresh();
    const read = rule(books[0]?.rules() ?? [])?.for_seconds;
    const outcomes = await Promise.allSettled(
      books.map((book, n) =>
        book.change(
          [{ name: "long_transaction", changes: { for_seconds: 10 * (round + 1) + n } }],
          (present) => {
            if (rule(present)?.for_seconds === read) return;
            throw new HoldfastError("precondition_failed", "changed");
          },
        )
      ),
    );
    const failed = outcomes.filter((one) => one.status === "rejected");
    for (const { reason } of failed) {
      assert.ok(reason instanceof HoldfastError && reason.code === "precondition_failed", reason);
    }
    assert.equal(failed.length, 1);
  }
  await Promise.all(opened.map((one) => one.end()));
});

Deno.test("the document says which operations have tags and conditions", () => {
  const document = app.holdfast.document as unknown as Document;
  let seen = 0;
  for (const { method, path, parameters, responses } of operationsIn(document)) {
    const takes = (name: string) =>
      parameters.some((one) => one.in === "header" && one.name === name);
    const tagged = isTagged(path);
    assert.equal("304" in responses, tagged && method === "GET", `${method} ${path}`);
    assert.equal(
      takes("If-Match"),
      tagged && ["PUT", "PATCH", "DELETE"].includes(method),
      `${method} ${path}`,
    );
    assert.equal("412" in responses, takes("If-Match"), `${method} ${path}`);
    if (method !== "GET" || !tagged) continue;
    seen++;
    const { headers = {} } = responses["200"] as { headers?: object };
    assert.ok("ETag" in headers && takes("If-None-Match"), path);
  }
  assert.equal(seen, 5);
});
