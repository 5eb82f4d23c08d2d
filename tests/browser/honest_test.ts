import assert from "node:assert/strict";
import { chromium as engine, type Page } from "playwright-core";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { flags, visit, withBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { chromium, testWith } from "../helpers/skip.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { fillDataDir } from "../helpers/template.ts";

testWith(
  chromium,
  "with the database gone no page shows a green mark, and the reason is in plain words",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-test-" });
    await Deno.chmod(folder, 0o755);
    await fillDataDir(folder);
    const log = createLogger({ level: "error", write: () => {} });
    const server = await createEmbeddedServer({ dataDir: folder, log });
    await server.start();
    const { target } = server;
    assert.ok(target.kind === "socket");
    const app = await startApp({
      DATABASE_URL: embeddedUrl(target),
      HOLDFAST_FAST_TIER_SECONDS: "1",
    });
    const browser = await engine.launch({ executablePath: "/usr/bin/chromium", args: flags });
    try {
      await app.holdfast.monitor.runNow("stats");
      const { page } = await visit(browser, app.url);
      await page.locator('.verdict[data-status="healthy"]').waitFor();
      await page.locator(".line .tone-good").first().waitFor();
      await server.stop();
      await page.locator('.verdict[data-status="unhealthy"]').waitFor();
      await page.getByText(
        /The database (is not running|refuses connections|cannot be reached)|no answer since/,
      )
        .first().waitFor();
      for (
        const path of [
          "/",
          "/activity",
          "/storage",
          "/replication",
          "/partitions",
          "/backups",
          "/feeds",
        ]
      ) {
        await page.evaluate(
          `history.pushState(null, "", "${path}"); dispatchEvent(new PopStateEvent("popstate"))`,
        );
        await page.locator(`main[data-page="${path}"] h1`).waitFor();
        await page.locator("[aria-busy]").first().waitFor({ state: "detached" });
        // A check of the verdict itself may pass; no panel may say more than the verdict.
        const green = await page.locator("main .tone-good:not(.checks *)").count();
        assert.equal(green, 0, `${path} shows a green mark while nothing is known`);
      }
    } finally {
      await browser.close();
      await app.stop();
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** 53 alerts as the API lists them: 50 of one rule. */
function alerts() {
  return Array.from({ length: 53 }, (_, n) => ({
    id: `00000000-0000-4000-8000-0000000000${String(n).padStart(2, "0")}`,
    rule: n < 50 ? "sequence" : `other_${n}`,
    alert_type: "sequence_warning",
    severity: n < 5 ? "critical" : "warning",
    state: "firing",
    message: `Sequence used up: 9${n % 10} %`,
    value: 0.9,
    threshold: 0.85,
    scope: `app.orders_${n}_seq`,
    started_at: new Date(Date.now() - n * 60_000).toISOString(),
    resolved_at: null,
    acknowledged_at: null,
    silenced_by: null,
    evidence: [],
    cause: "",
    cure: [],
  }));
}

interface Transfer {
  path: string;
  bytes: number;
}

/** Returns what the network carries for the page while `work` runs, heads included, as Chromium counts it. */
async function bytesOf(page: Page, work: () => Promise<void>): Promise<Transfer[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const paths = new Map<string, string>();
  const transfers: Transfer[] = [];
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    paths.set(requestId, new URL(request.url).pathname);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    transfers.push({ path: paths.get(requestId) ?? "?", bytes: encodedDataLength });
  });
  await work();
  await session.detach();
  return transfers;
}

const sum = (transfers: readonly Transfer[]) =>
  transfers.reduce((total, { bytes }) => total + bytes, 0);

testWith(
  chromium,
  "53 alerts are four lines, a slow answer is not a dead server, a test says that it is one, and little is sent",
  async () => {
    await withBrowser(async (browser, app) => {
      const { page, hosts } = await visit(browser, "about:blank");
      await page.route(
        "**/api/alerts?**",
        (route) => route.fulfill({ json: { alerts: alerts(), next_cursor: null, complete: true } }),
      );
      // What is asked again while a busy machine still draws is not of the first load.
      const asked = new Set<string>();
      page.on("request", (request) => asked.add(new URL(request.url()).pathname));
      const cold = await bytesOf(page, async () => {
        await page.goto(app.url);
        await page.getByText("sequence: 50, 5 critical").waitFor();
        await page.waitForLoadState("networkidle");
      });
      assert.ok(asked.size <= 20, `a cold load takes ${[...asked].join(" ")}`);
      assert.ok(sum(cold) < 130_000, `a cold load takes ${JSON.stringify(cold)}`);
      assert.equal(await page.locator("article.alert").count(), 4);
      await page.getByText("50 alerts").click();
      assert.equal(await page.locator(".member").count(), 50);
      assert.match(await page.locator(".member").first().innerText(), /90 %/);

      await (await app.request("/api/alerts/channels/websocket/test", { method: "POST" })).body
        ?.cancel();
      await page.getByText(/Test notification, nothing is wrong/).waitFor();

      await page.route("**/api/health", async (route) => await route.abort("timedout"));
      await page.route("**/api/health/database", async (route) => await route.abort());
      await page.evaluate(`document.dispatchEvent(new Event("visibilitychange"))`);
      await page.locator('.verdict[data-status="unknown"]').waitFor();
      assert.deepEqual([...hosts], [new URL(app.url).host]);

      // Routing switches the browser's store off: another page shows that it is used.
      const { page: fresh } = await visit(browser, app.url);
      await fresh.waitForLoadState("networkidle");
      const reload = await bytesOf(fresh, async () => {
        await fresh.reload();
        await fresh.locator(".verdict[data-status]").waitFor();
        await fresh.waitForLoadState("networkidle");
      });
      const pageBytes = sum(reload.filter(({ path }) => !path.startsWith("/api/")));
      assert.ok(pageBytes < 5_000, `a reload takes ${pageBytes} bytes: ${JSON.stringify(reload)}`);
      const rules = reload.filter(({ path }) => path === "/api/alerts/rules");
      assert.ok(sum(rules) < 1_000, "unchanged rules are not sent again");
      assert.ok(sum(reload) < 25_000, `a reload takes ${JSON.stringify(reload)}`);
    });
  },
);

testWith(chromium, "the API reference shows every operation and asks no other host", async () => {
  await withBrowser(async (browser, app) => {
    const { page, complaints, hosts } = await visit(browser, `${app.url}/docs`);
    await page.getByText("/api/health/database").first().waitFor();
    await page.getByText("/api/ticks").first().waitFor();
    assert.deepEqual(complaints, []);
    assert.deepEqual([...hosts], [new URL(app.url).host]);
  });
});

Deno.test("shells, assets and their versions are cached as they may be", async () => {
  const app = await startApp();
  try {
    const shell = await app.request("/alerts/some-id");
    const page = await shell.text();
    assert.equal(shell.headers.get("cache-control"), "no-cache");
    const script = /src="(\/assets\/[0-9a-f]+\/app\.js)"/.exec(page)?.[1];
    assert.ok(script, page);
    const asset = await app.request(script);
    assert.match(asset.headers.get("cache-control") ?? "", /immutable/);
    const etag = asset.headers.get("etag") ?? "";
    assert.match(etag, /-gzip"$/);
    await asset.body?.cancel();
    const again = await app.request(script, { headers: { "if-none-match": etag } });
    assert.equal(again.status, 304);
    const old = await app.request(script.replace(/[0-9a-f]{16}/, "0".repeat(16)));
    assert.equal(old.status, 404, "another version's module is not mixed in");
    await old.body?.cancel();
    const none = await app.request("/no/such/page", { headers: { accept: "text/html" } });
    assert.equal(none.status, 404);
    await none.body?.cancel();
    await eventually(() => app.holdfast.monitor.checkNow().then(() => true), "it measured");
    const json = await app.request("/api/alerts/rules", {
      headers: { "sec-fetch-mode": "cors", "accept-encoding": "gzip" },
    });
    assert.ok((await json.json()).rules.length > 50, "compressed for a page, and whole");
  } finally {
    await app.stop();
  }
});
