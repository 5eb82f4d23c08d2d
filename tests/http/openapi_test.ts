import assert from "node:assert/strict";
import openapiTS, { astToString } from "openapi-typescript";
import { parse } from "yaml";
import { renderConfiguration } from "../../tools/configuration.ts";
import { renderMonitoring } from "../../tools/monitoring.ts";
import { renderOpenApi } from "../../tools/openapi.ts";

const root = new URL("../../", import.meta.url);

Deno.test("openapi.yaml is what the routes say; after a change run: deno task openapi", async () => {
  assert.equal(await Deno.readTextFile(new URL("openapi.yaml", root)), renderOpenApi());
});

Deno.test("docs/configuration.md is what the settings say; after a change run: deno task openapi", async () => {
  const page = await Deno.readTextFile(new URL("docs/configuration.md", root));
  assert.equal(page, renderConfiguration());
});

Deno.test("docs/monitoring.md lists the signals there are; after a change run: deno task openapi", async () => {
  const page = await Deno.readTextFile(new URL("docs/monitoring.md", root));
  assert.equal(page, renderMonitoring(page));
});

Deno.test("the document holds the models outsiders rely on, and every operation may answer a problem", () => {
  const document = parse(renderOpenApi());
  for (
    const model of [
      "DatabaseHealthResponse",
      "DatabasePerformanceMetrics",
      "PartitionHealthMetrics",
      "PerformanceImprovementMetrics",
      "Problem",
      "Tick",
      "Candle",
      "Instrument",
      "Alert",
    ]
  ) assert.ok(document.components.schemas[model], model);
  const ids = new Set<string>();
  for (const [path, operations] of Object.entries<Record<string, never>>(document.paths)) {
    for (
      const [method, operation] of Object.entries<
        { responses: object; summary?: string; operationId?: string }
      >(
        operations,
      )
    ) {
      assert.ok("default" in operation.responses, `${method} ${path} says nothing of problems`);
      assert.ok("400" in operation.responses, `${method} ${path} does not say what it refuses`);
      assert.ok(operation.summary, `${method} ${path} has no summary`);
      assert.ok(operation.operationId, `${method} ${path} has no operationId`);
      assert.ok(!ids.has(operation.operationId), `${operation.operationId} stands twice`);
      ids.add(operation.operationId);
    }
  }
});

Deno.test("a client generated from the document type-checks, and its types catch a wrong call", async () => {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-client-" });
  try {
    const types = astToString(await openapiTS(renderOpenApi()));
    await Deno.writeTextFile(`${folder}/holdfast.d.ts`, types);
    const client = (limit: string) => `
      import createClient from "openapi-fetch";
      import type { components, paths } from "./holdfast.d.ts";
      const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8000" });
      export async function latest(symbol: string): Promise<components["schemas"]["Tick"] | undefined> {
        const { data, error } = await client.GET("/api/ticks", { params: { query: { symbol, limit: ${limit} } } });
        if (error) throw new Error(error.detail);
        return data.ticks[0];
      }
      export async function verdict() {
        const { data } = await client.GET("/api/health/database");
        const pool: number | undefined = data?.connection_pool.utilization;
        return [data?.overall_status, pool];
      }`;
    const check = async (name: string, text: string) => {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["check", "--config", new URL("deno.json", root).pathname, `${folder}/${name}`],
      }).output();
      return { code, text: new TextDecoder().decode(stderr) };
    };
    const right = await check("right.ts", client("1"));
    assert.equal(right.code, 0, right.text);
    const wrong = await check("wrong.ts", client('"many"'));
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.text, /Type 'string' is not assignable to type 'number/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
