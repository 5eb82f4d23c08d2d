import assert from "node:assert/strict";
import { apiTools, runTool } from "../helpers/api_tools.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { testWith } from "../helpers/skip.ts";

const clients = ["openapi_typescript", "hey_api", "orval", "swagger_typescript_api", "kubb"];

async function ask(client: string, app: TestApp): Promise<void> {
  const { code, output, text } = await runTool([`clients/${client}.ts`, app.url]);
  assert.equal(code, 0, text);
  const name = client.toUpperCase().replaceAll("_", "-");
  const report: Record<string, unknown> = JSON.parse(output);
  assert.match(String(report.health), /^(healthy|degraded|unhealthy|unknown)$/);
  assert.ok(Number(report.pool) > 0);
  assert.deepEqual({ ...report, health: "", pool: 0 }, {
    accepted: 2,
    prices: [1.5, 2.5],
    health: "",
    pool: 0,
    created: `${name}-2`,
    notFound: "not_found",
  });
}

testWith(
  apiTools,
  "clients of five generators compile strictly, and speak with a running server",
  async (t) => {
    const generated = await runTool(["generate.ts"]);
    assert.equal(generated.code, 0, generated.text);
    const app = await startApp();
    try {
      for (const client of clients) await t.step(client, () => ask(client, app));
    } finally {
      await app.stop();
    }
  },
);

testWith(apiTools, "the linters find what is wrong: a warning is not clean", async () => {
  const broken = await Deno.makeTempDir({ prefix: "holdfast-lint-" });
  try {
    const root = new URL("../../", import.meta.url);
    const openapi = await Deno.readTextFile(new URL("openapi.yaml", root));
    await Deno.writeTextFile(
      `${broken}/openapi.yaml`,
      openapi.replace(/^ {2}description: .*\n/m, "").replace(/^ {6}summary: .*\n/m, ""),
    );
    const asyncapi = await Deno.readTextFile(new URL("asyncapi.yaml", root));
    await Deno.writeTextFile(
      `${broken}/asyncapi.yaml`,
      asyncapi.replaceAll("openapi.yaml#", `${new URL("openapi.yaml", root).pathname}#`)
        .replace("    action: send\n", ""),
    );
    const { code, output } = await runTool(["lint.ts", broken]);
    assert.equal(code, 1);
    assert.equal(output.match(/not clean/g)?.length, 3, output);
    assert.match(output, /operation-summary/);
    assert.match(output, /info-description/);
  } finally {
    await Deno.remove(broken, { recursive: true });
  }
});
