import assert from "node:assert/strict";
import { type Document, operationsIn } from "../fuzz/requests.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const filled = (path: string) => path.replaceAll(/\{\w+\}/g, "x");

/** The methods that the document has for an address, over all paths that fit it. */
function methodsAt(document: Document, address: string): string[] {
  const found = new Set(
    operationsIn(document)
      .filter(({ path }) =>
        new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`)
          .test(address)
      )
      .map(({ method }) => method),
  );
  if (found.has("GET")) found.add("HEAD");
  found.add("OPTIONS");
  return all.filter((method) => found.has(method));
}

Deno.test("every path answers other methods with 405 and Allow, whatever else is wrong", async () => {
  const document = app.holdfast.document as unknown as Document;
  const paths = Object.keys(document.paths);
  assert.ok(paths.length > 40);
  for (const path of paths) {
    const address = filled(path);
    const methods = methodsAt(document, address);
    const expected = methods.join(", ");
    const options = await app.request(`${address}?nonsense=1`, { method: "OPTIONS" });
    assert.deepEqual([path, options.status, options.headers.get("allow"), await options.text()], [
      path,
      204,
      expected,
      "",
    ]);
    for (const method of [...all, "PURGE"].filter((one) => !methods.includes(one))) {
      const answer = await app.request(`${address}?nonsense=1&nonsense=1`, {
        method,
        headers: { "content-type": "a/b", "idempotency-key": "x", "if-match": "broken" },
        ...(method === "GET" || method === "HEAD" ? {} : { body: "{" }),
      });
      const text = await answer.text();
      assert.deepEqual([method, path, answer.status, answer.headers.get("allow")], [
        method,
        path,
        405,
        expected,
      ]);
      if (method === "HEAD") assert.equal(text, "");
      else assert.equal(JSON.parse(text).code, "method_not_allowed");
    }
  }
});

Deno.test("HEAD answers as GET does, without a body", async () => {
  for (const { method, path } of operationsIn(app.holdfast.document as unknown as Document)) {
    if (method !== "GET") continue;
    const read = async () => {
      const answer = await app.request(filled(path));
      await answer.text();
      return [answer.status, answer.headers.get("content-type")];
    };
    // What is unknown at the start may be known between two requests: then both are sent again.
    for (let tries = 1;; tries++) {
      const before = await read();
      const head = await app.request(filled(path), { method: "HEAD" });
      const text = await head.text();
      if (String(await read()) !== String(before)) {
        assert.ok(tries < 20, `${path} never stands still`);
        continue;
      }
      assert.deepEqual([path, head.status, head.headers.get("content-type"), text], [
        path,
        ...before,
        "",
      ]);
      break;
    }
  }
});

Deno.test("pages know their methods too, and a path that is nowhere is 404 for all", async () => {
  for (const path of ["/", "/alerts", "/docs", "/login", "/openapi.json"]) {
    const answer = await app.request(path, { method: "POST" });
    await answer.text();
    assert.deepEqual([path, answer.status, answer.headers.get("allow")], [
      path,
      405,
      "GET, HEAD, OPTIONS",
    ]);
  }
  for (const method of all) {
    const answer = await app.request("/api/nowhere", { method });
    await answer.text();
    assert.deepEqual([method, answer.status, answer.headers.get("allow")], [method, 404, null]);
  }
});
