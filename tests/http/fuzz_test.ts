import assert from "node:assert/strict";
import { fuzz } from "../fuzz/run.ts";
import { startApp } from "../helpers/test_app.ts";

Deno.test("requests made from openapi.yaml are answered as it publishes, and never with a 5xx", async () => {
  const app = await startApp();
  try {
    const document = await app.json<Parameters<typeof fuzz>[0]["document"]>("/openapi.json");
    const { statuses, findings } = await fuzz({
      url: app.url,
      document,
      requests: 1_500,
      seed: 20_261_127,
    });
    assert.deepEqual(findings, []);
    // Both what is taken and what is refused was tried.
    assert.ok((statuses[200] ?? 0) > 100 && (statuses[400] ?? 0) > 100, JSON.stringify(statuses));
  } finally {
    await app.stop();
  }
});
