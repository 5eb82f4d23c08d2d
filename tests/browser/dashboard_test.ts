import assert from "node:assert/strict";
import { type Browser, chromium as engine, type Page } from "playwright-core";
import { type House, startHouse } from "../helpers/house.ts";
import { chromium, testWith } from "../helpers/skip.ts";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

interface Visit {
  page: Page;
  complaints: string[];
  /** Hosts that were asked for anything. */
  hosts: Set<string>;
  frames: { type: string; data: Record<string, unknown> }[];
}

/** Opens a page and notes whatever it complains of, asks for, and hears on its WebSocket. */
async function visit(browser: Browser, url: string): Promise<Visit> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  const seen: Visit = { page, complaints: [], hosts: new Set(), frames: [] };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  page.on("request", (request) => {
    if (request.url().startsWith("http")) seen.hosts.add(new URL(request.url()).host);
  });
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => seen.frames.push(JSON.parse(String(payload))));
  });
  await page.goto(url);
  return seen;
}

async function withBrowser(
  work: (browser: Browser, house: House) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const house = await startHouse(env);
  const browser = await engine.launch({ executablePath: "/usr/bin/chromium", args: flags });
  try {
    await work(browser, house);
  } finally {
    await browser.close();
    await house.stop();
  }
}

testWith(
  chromium,
  "the dashboard shows real ticks and a provoked alert, live, without a complaint",
  async () => {
    await withBrowser(async (browser, house) => {
      const now = Date.now();
      const ticks = Array.from({ length: 300 }, (_, n) => ({
        ts: new Date(now - (300 - n) * 1_000).toISOString(),
        symbol: "SPY",
        price: 600 + (n % 20) / 100,
        size: 100,
        exchange: "P",
      }));
      // The page opens on what moves most, not on the first letter.
      const quiet = { ...ticks[0], symbol: "AAA", price: 1 };
      const stored = await house.post("/api/ticks?create=true", [quiet, ...ticks]);
      assert.equal((await stored.json()).accepted, 301);

      const { page, complaints, hosts, frames } = await visit(browser, house.url);
      await page.getByText("Healthy", { exact: true }).first().waitFor();
      await page.getByText("600.19").first().waitFor();
      const heard = (type: string) => frames.find((frame) => frame.type === type);
      assert.ok(heard("hello"));
      assert.ok(heard("database_performance")?.data.connection_pool);

      const change = await house.request("/api/alerts/rules", {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ rules: [{ name: "connections", warning: 0.001, for_seconds: 0 }] }),
      });
      await change.body?.cancel();
      await house.holdfast.monitor.checkNow();
      await page.getByText(/Server connections high: [\d.]+%/).first().waitFor();
      await page.getByText("Degraded", { exact: true }).first().waitFor();
      const alert = heard("performance_alert");
      assert.equal(alert?.data.alert_type, "connections_warning");
      assert.match(String(alert?.data.message), /^Server connections high: /);

      const silences = async () =>
        (await (await house.request("/api/alerts/silences")).json()).silences as {
          rule: string;
          ends_at: string;
        }[];
      const card = page.locator("article.alert", { hasText: "Server connections high" });
      await card.getByRole("button", { name: "Silence for 1 h" }).click();
      await card.getByText("silenced: channels are not told").waitFor();
      const [silence] = await silences();
      assert.equal(silence?.rule, "connections");
      await card.getByRole("button", { name: "End silence" }).click();
      await card.getByRole("button", { name: "Silence for 1 h" }).waitFor();
      assert.ok(Date.parse((await silences())[0]?.ends_at ?? "") <= Date.now());

      assert.deepEqual(complaints, []);
      assert.deepEqual([...hosts], [new URL(house.url).host]);
    });
  },
);

testWith(chromium, "the API reference shows every operation and asks no other host", async () => {
  await withBrowser(async (browser, house) => {
    const { page, complaints, hosts } = await visit(browser, `${house.url}/docs`);
    await page.getByText("/api/health/database").first().waitFor();
    await page.getByText("/api/ticks").first().waitFor();
    assert.deepEqual(complaints, []);
    assert.deepEqual([...hosts], [new URL(house.url).host]);
  });
});

testWith(chromium, "a reader signs in, is offered nothing to change, and signs out", async () => {
  const [admin, reader] = ["a".repeat(32), "r".repeat(32)];
  await withBrowser(async (browser, house) => {
    const { page } = await visit(browser, house.url);
    const signIn = async (token: string) => {
      await page.getByLabel("Access token").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
    };
    const run = page.getByRole("button", { name: "Run quick benchmark" });
    await signIn(reader);
    assert.equal(await run.isVisible(), false);
    await page.getByRole("button", { name: "Sign out" }).click();
    await signIn(admin);
    assert.equal(await run.isVisible(), true);
  }, { HOLDFAST_TOKEN: admin, HOLDFAST_READ_TOKEN: reader });
});
