import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { startApp, type TestApp } from "../helpers/test_app.ts";

interface Operation {
  responses: Record<
    string,
    { $ref?: string; content?: Record<string, { schema: Record<string, unknown> }> }
  >;
}

const document = parse(await Deno.readTextFile(new URL("../../openapi.yaml", import.meta.url)));
const ajv = new Ajv2020({ strict: false, allErrors: true });
// Its types describe the module, the import is the function.
(addFormats as unknown as (instance: Ajv2020) => void)(ajv);
ajv.addSchema(document, "openapi.yaml");

/** The schema that openapi.yaml publishes for an answer, made strict about unknown fields at the top. */
function schemaOf(method: string, path: string, status: string, type: string) {
  const operation: Operation = document.paths[path]?.[method];
  assert.ok(operation, `${method} ${path} is not in openapi.yaml`);
  const published = operation.responses[status];
  const named = published?.$ref?.split("/").at(-1);
  const response = named === undefined ? published : document.components.responses[named];
  assert.ok(
    response?.content?.[type],
    `${method} ${path} ${status} ${type} is not in openapi.yaml`,
  );
  const place = named === undefined
    ? ["paths", path, method, "responses", status]
    : ["components", "responses", named];
  const pointer = place.concat(["content", type, "schema"])
    .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
  return ajv.compile({ $ref: `openapi.yaml#/${pointer.join("/")}` });
}

async function conforms(
  app: TestApp,
  method: string,
  path: string,
  url: string,
  init?: RequestInit,
) {
  const response = await app.request(url, { ...init, method: method.toUpperCase() });
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const body: Record<string, unknown> = await response.json();
  const validate = schemaOf(method, path, String(response.status), type);
  const valid: boolean = validate(body);
  assert.ok(
    valid,
    `${method} ${url}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body).slice(0, 600)}`,
  );
  return { response, body };
}

Deno.test("every answer has the shape that openapi.yaml publishes", async (t) => {
  const app = await startApp();
  const now = new Date().toISOString();
  const json = { "content-type": "application/json" };
  try {
    await t.step("ticks in, one quarantined", async () => {
      const { body } = await conforms(app, "post", "/api/ticks", "/api/ticks?create=true", {
        headers: json,
        body: JSON.stringify([
          {
            ts: now,
            symbol: "SPY",
            price: 601.25,
            size: 100,
            exchange: "P",
            side: "buy",
            trade_id: 7,
          },
          { ts: "2001-01-01T00:00:00Z", symbol: "SPY", price: 1, size: 1 },
        ]),
      });
      assert.deepEqual([body.accepted, body.quarantined, body.replayed], [1, 1, false]);
    });
    const gets: [string, string][] = [
      ["/api/ticks", "/api/ticks?symbol=SPY"],
      ["/api/candles", "/api/candles?symbol=SPY"],
      ["/api/instruments", "/api/instruments"],
      ["/api/exactness", "/api/exactness?symbol=SPY"],
      ["/api/instruments/{id}", "/api/instruments/1"],
      ["/api/quarantine", "/api/quarantine"],
      ["/api/alerts", "/api/alerts"],
      ["/api/alerts/rules", "/api/alerts/rules"],
      ["/api/locks", "/api/locks"],
      ["/api/queries", "/api/queries"],
      ["/api/indexes", "/api/indexes"],
      ["/api/incidents", "/api/incidents"],
      ["/api/metrics", "/api/metrics"],
      ["/api/metrics/{name}", "/api/metrics/connections_used"],
      ["/api/health", "/api/health"],
      ["/api/health/live", "/api/health/live"],
      ["/api/health/ready", "/api/health/ready"],
      ["/api/health/database", "/api/health/database"],
      ["/api/health/performance", "/api/health/performance"],
      ["/api/health/partitions", "/api/health/partitions"],
      ["/api/health/feeds", "/api/health/feeds"],
      ["/api/partitions", "/api/partitions"],
      ["/api/partitions/policies", "/api/partitions/policies"],
      ["/api/partitions/policies/{table}", "/api/partitions/policies/market.ticks"],
      ["/api/partitions/log", "/api/partitions/log?limit=3"],
      ["/api/partitions/archives", "/api/partitions/archives"],
      ["/api/partitions/conversions", "/api/partitions/conversions"],
      ["/api/audit", "/api/audit"],
      ["/api/tokens", "/api/tokens"],
      ["/api/session", "/api/session"],
      ["/api/benchmarks", "/api/benchmarks"],
      ["/api/benchmarks/runs", "/api/benchmarks/runs"],
      ["/api/benchmarks/history", "/api/benchmarks/history"],
      ["/api/benchmarks/validation", "/api/benchmarks/validation"],
    ];
    for (const [path, url] of gets) {
      await t.step(`get ${url}`, async () => {
        const { response } = await conforms(app, "get", path, url);
        assert.equal(response.status, 200);
      });
    }
    await t.step("quarantined rows tried again, mended and given up", async () => {
      const { body } = await conforms(
        app,
        "post",
        "/api/quarantine/retry",
        "/api/quarantine/retry",
        { headers: json, body: JSON.stringify({ reason: "stale" }) },
      );
      assert.deepEqual([body.retried, body.stored], [1, 0]);
      const [row] = (await app.json<{ quarantine: { id: string }[] }>("/api/quarantine"))
        .quarantine;
      const mended = await conforms(
        app,
        "post",
        "/api/quarantine/{id}/retry",
        `/api/quarantine/${row?.id}/retry`,
        {
          headers: json,
          body: JSON.stringify({ tick: { ts: now, symbol: "SPY", price: 1, size: 1 } }),
        },
      );
      assert.equal(mended.response.status, 200);
      const purged = await conforms(
        app,
        "delete",
        "/api/quarantine",
        "/api/quarantine?all=true",
      );
      assert.equal(purged.response.status, 200);
    });
    await t.step("candles made anew", async () => {
      const { response } = await conforms(
        app,
        "post",
        "/api/candles/rebuild",
        "/api/candles/rebuild",
        { headers: json, body: JSON.stringify({ symbol: "SPY" }) },
      );
      assert.equal(response.status, 200);
    });
    await t.step("instruments made, changed, deleted, restored", async () => {
      const made = await conforms(app, "post", "/api/instruments", "/api/instruments", {
        headers: json,
        body: JSON.stringify({ symbol: "IBM", kind: "equity", currency: "USD", tick_size: 0.01 }),
      });
      assert.equal(made.response.status, 201);
      const url = made.response.headers.get("location") ?? "";
      await conforms(app, "patch", "/api/instruments/{id}", url, {
        headers: json,
        body: '{"tick_size": 0.05}',
      });
      await conforms(app, "delete", "/api/instruments/{id}", url);
      await conforms(app, "post", "/api/instruments/{id}/restore", `${url}/restore`);
    });
    await t.step("partitions planned, a policy set", async () => {
      const { body } = await conforms(
        app,
        "post",
        "/api/partitions/plan",
        "/api/partitions/plan",
        { headers: json, body: "{}" },
      );
      const { body: refused } = await conforms(
        app,
        "post",
        "/api/partitions/convert",
        "/api/partitions/convert",
        {
          headers: json,
          body: JSON.stringify({
            table: "market.ticks",
            key_column: "ts",
            policy: { interval: "1 day", key: "timestamptz" },
          }),
        },
      );
      assert.deepEqual(refused.refusals, ["it is partitioned already"]);
      await conforms(app, "post", "/api/partitions/apply", "/api/partitions/apply", {
        headers: json,
        body: JSON.stringify({ digest: body.digest }),
      });
      await conforms(app, "post", "/api/partitions/verify", "/api/partitions/verify", {
        headers: json,
        body: "{}",
      });
      await conforms(
        app,
        "put",
        "/api/partitions/policies/{table}",
        "/api/partitions/policies/market.ticks",
        { headers: json, body: JSON.stringify({ interval: "day", key: "timestamptz" }) },
      );
    });
    await t.step("a backup taken, listed, checked", async () => {
      const { response, body } = await conforms(app, "post", "/api/backups", "/api/backups");
      assert.equal(response.status, 202);
      await app.holdfast.backups.idle();
      await conforms(app, "get", "/api/backups", "/api/backups");
      await conforms(app, "get", "/api/backups/{id}", `/api/backups/${body.id}`);
      const checked = await conforms(
        app,
        "post",
        "/api/backups/{id}/verify",
        `/api/backups/${body.id}/verify`,
        { headers: json, body: '{"restore": false}' },
      );
      assert.equal(checked.response.status, 200);
      await conforms(app, "get", "/api/health/database", "/api/health/database");
    });
    await t.step("rules changed", async () => {
      await conforms(app, "put", "/api/alerts/rules", "/api/alerts/rules", {
        headers: json,
        body: JSON.stringify({ rules: [{ name: "connections", warning: 0.9 }] }),
      });
    });
    const problems: [string, string, string, number][] = [
      ["get", "/api/ticks", "/api/ticks?symbol=NOPE", 404],
      ["get", "/api/ticks", "/api/ticks", 400],
      ["get", "/api/candles", "/api/candles?symbol=SPY&interval=7m", 400],
      ["get", "/api/instruments/{id}", "/api/instruments/999", 404],
      ["delete", "/api/instruments/{id}", "/api/instruments/1?purge=true", 409],
      ["post", "/api/quarantine/{id}/retry", "/api/quarantine/999/retry", 404],
      ["get", "/api/partitions/policies/{table}", "/api/partitions/policies/no.such", 404],
      ["delete", "/api/partitions/policies/{table}", "/api/partitions/policies/market.ticks", 409],
      ["get", "/api/backups/{id}", "/api/backups/20010101T000000Z-abcdef", 404],
      ["post", "/api/locks/{pid}/cancel", "/api/locks/1/cancel", 404],
    ];
    for (const [method, path, url, status] of problems) {
      await t.step(`${method} ${url} is a problem`, async () => {
        const { response, body } = await conforms(app, method, path, url);
        assert.equal(response.status, status);
        assert.equal(response.headers.get("content-type"), "application/problem+json");
        assert.equal(body.status, status);
      });
    }
  } finally {
    await app.stop();
  }
});
