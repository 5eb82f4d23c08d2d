import assert from "node:assert/strict";
import { methodsOf } from "../../routes/guards/method_guard.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

async function problemOf(path: string, method: string) {
  const answer = await app.request(path, { method });
  return { status: answer.status, allow: answer.headers.get("allow"), body: await answer.text() };
}

Deno.test("a path that takes other methods says which; one that is not there is not found", async () => {
  const put = await problemOf("/api/ticks", "PUT");
  assert.deepEqual([put.status, put.allow], [405, "GET, HEAD, POST, OPTIONS"]);
  const { code, detail } = JSON.parse(put.body);
  assert.deepEqual([code, detail], [
    "method_not_allowed",
    "/api/ticks takes GET, HEAD, POST, OPTIONS, not PUT",
  ]);
  const patch = await problemOf("/api/partitions/policies/market.ticks", "PATCH");
  assert.deepEqual([patch.status, patch.allow], [405, "GET, HEAD, PUT, DELETE, OPTIONS"]);
  for (const path of ["/api/no/such", "/api/tick", "/apiXticks", "/assets/none.js"]) {
    const { status, allow } = await problemOf(path, "GET");
    assert.deepEqual([path, status, allow], [path, 404, null]);
  }
  assert.equal((await problemOf("/api/health", "HEAD")).status, 200);
});

Deno.test("a body that need not be sent is not missed, whatever type the client names for it", async () => {
  const headers = { "content-type": "application/json" };
  const planned = await app.request("/api/partitions/plan", { method: "POST", headers });
  assert.equal(planned.status, 200, await planned.text());
  const applied = await app.request("/api/partitions/apply", { method: "POST", headers });
  assert.equal(applied.status, 400);
  assert.match((await applied.json()).detail, /digest/);
  const broken = await app.request("/api/partitions/plan", {
    method: "POST",
    headers,
    body: "{",
  });
  assert.equal(broken.status, 400);
  assert.match((await broken.json()).detail, /Malformed JSON/);
});

Deno.test("a refusal names the field, and what a body should be sent as", async () => {
  const path = "/api/partitions/policies/market.ticks";
  const put = async (body: string, headers: Record<string, string>) => {
    const answer = await app.request(path, {
      method: "PUT",
      body: new TextEncoder().encode(body),
      headers,
    });
    const { errors, detail } = await answer.json();
    return [answer.status, errors?.[0]?.path, errors?.[0]?.message ?? detail];
  };
  const json = { "content-type": "application/json" };
  assert.deepEqual(await put("{}", json), [400, "interval", "is required (string)"]);
  assert.deepEqual(await put('{"interval":"1 day","key":"timestamptz","premak":3}', json), [
    400,
    "premak",
    "is not a field of this request; did you mean premake?",
  ]);
  const others: Record<string, string>[] = [{}, { "content-type": "text/plain" }];
  for (const headers of others) {
    const [status, , detail] = await put('{"interval":"1 day"}', headers);
    assert.deepEqual([status, detail], [415, "Send the body with Content-Type: application/json"]);
  }
});

Deno.test("the methods of a path are those of its pattern, letter by letter", () => {
  const at = methodsOf([
    { method: "GET", path: "/a.b/:id" },
    { method: "POST", path: "/a.b/:id" },
    { method: "PUT", path: "/a.b/:id/c" },
    { method: "GET", path: "/assets/:name{.+}" },
    { method: "ALL", path: "/*" },
  ]);
  assert.deepEqual(at("/a.b/1"), ["GET", "HEAD", "POST", "OPTIONS"]);
  assert.deepEqual(at("/a.b/1/c"), ["PUT", "OPTIONS"]);
  assert.deepEqual(at("/assets/a/b.js"), ["GET", "HEAD", "OPTIONS"]);
  assert.deepEqual([at("/aXb/1"), at("/a.b/"), at("/a.b/1/2"), at("")], [[], [], [], []]);
});
