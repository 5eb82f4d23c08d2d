import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium as engine } from "playwright-core";
import { apiTools, runTool } from "../helpers/api_tools.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { chromium, testWith } from "../helpers/skip.ts";

const dist = new URL("../../client/dist/", import.meta.url);
const node = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path));

let app: TestApp;
Deno.test.beforeAll(async () => {
  if (!apiTools.present) return;
  const built = await runTool(["build_client.ts"]);
  assert.equal(built.code, 0, built.text);
  app = await startApp();
});
Deno.test.afterAll(() => app?.stop());

/** The same program for every runtime: stores a tick, reads it, is refused, and hears of an alert where it has sockets. */
const program = (from: string, url: string, symbol: string) => `
  const { createClient } = await import(${JSON.stringify(from)});
  const client = createClient({ baseUrl: ${JSON.stringify(url)} });
  const live = typeof WebSocket === "undefined" ? undefined : client.live({ types: ["performance_alert"] });
  const event = live?.next();
  const body = [{ ts: new Date().toISOString(), symbol: "${symbol}", price: 7, size: 1 }];
  const { accepted } = await client.storeTicks({ query: { create: true }, body });
  const { ticks } = await client.listTicks({ query: { symbol: "${symbol}" } });
  const refused = await client.getInstrument({ path: { id: 2000000000 } }).catch(({ name, code }) => name + " " + code);
  while (live && !live.position) await new Promise((done) => setTimeout(done, 20));
  await client.testChannel({ path: { name: "websocket" } });
  const heard = await event;
  live?.close();
  const report = { accepted, prices: ticks.map(({ price }) => price), refused, heard: heard?.type };
`;
const expected = (heard: string | undefined) => ({
  accepted: 1,
  prices: [7],
  refused: "HoldfastProblem not_found",
  ...(heard ? { heard } : {}),
});

testWith(
  { what: `Node, and ${apiTools.what}`, present: node !== undefined && apiTools.present },
  "the published client runs on Node",
  async () => {
    const code = program(new URL("client.js", dist).href, app.url, "NODE") +
      "console.log(JSON.stringify({ ...report, sockets: typeof WebSocket }));process.exit(0)";
    const { stdout, stderr } = await new Deno.Command(node ?? "node", {
      args: ["--input-type=module", "--eval", code],
    }).output();
    const decoder = new TextDecoder();
    assert.notEqual(decoder.decode(stdout), "", decoder.decode(stderr));
    const { sockets, ...report } = JSON.parse(decoder.decode(stdout));
    assert.deepEqual(report, expected(sockets === "undefined" ? undefined : "performance_alert"));
  },
);

testWith(
  { what: `Chromium, and ${apiTools.what}`, present: chromium.present && apiTools.present },
  "the published client runs in a browser, under the page's content security policy",
  async () => {
    const browser = await engine.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
    try {
      const page = await browser.newPage();
      await page.route("**/client/*.js", async (route) => {
        const name = new URL(route.request().url()).pathname.split("/").at(-1) ?? "";
        const body = await Deno.readTextFile(new URL(name, dist));
        await route.fulfill({ contentType: "text/javascript", body });
      });
      await page.goto(`${app.url}/login`);
      const code = program("/client/client.js", app.url, "BROWSER");
      const report = await page.evaluate(`(async () => { ${code} return report; })()`);
      assert.deepEqual(report, expected("performance_alert"));
    } finally {
      await browser.close();
    }
  },
);
