import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { visit, withFirefox } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { alertOnConnections, recentTicks } from "../helpers/page_data.ts";
import { firefox, testWith } from "../helpers/skip.ts";
import type { TestApp } from "../helpers/test_app.ts";

/** Ticks of the last minutes, and an alert that fires. */
async function fill(app: TestApp): Promise<void> {
  await (await app.post("/api/ticks?create=true", recentTicks())).body?.cancel();
  await alertOnConnections(app, { warning: 0.001 });
  await app.holdfast.monitor.runNow("stats");
  await app.holdfast.monitor.checkNow();
}

/** The pages of the navigation that are walked, and a text that each shows only with real data. */
const walked: [title: string, path: string, text: RegExp][] = [
  ["Alerts", "/alerts", /Server connections high/],
  ["Activity", "/activity", /Who blocks whom/],
  ["Statements", "/statements", /since reset/i],
  ["Storage", "/storage", /market\.candles_1m/],
  ["Partitions", "/partitions", /market\.ticks/],
  ["Backups", "/backups", /deno task restore/],
  ["Market", "/market", /600\.19/],
  ["Rules", "/rules", /connections/],
  ["Settings", "/settings", /This Holdfast/],
];

async function settled(page: Page, path: string): Promise<void> {
  await page.locator(`main[data-page="${path}"] h1`).waitFor();
  await page.locator("[aria-busy]").first().waitFor({ state: "detached" });
}

testWith(
  firefox,
  "Firefox walks the main pages, hears of events, acknowledges an alert, and restores a range after a reload",
  async () => {
    await withFirefox(async (browser, app) => {
      await fill(app);
      const { page, complaints, hosts } = await visit(browser, app.url);
      await page.locator('.verdict[data-status="degraded"]').waitFor();

      await page.locator('.chip .dot[data-phase="open"]').waitFor();
      const test = await app.request("/api/alerts/channels/websocket/test", { method: "POST" });
      assert.equal(test.status, 200, await test.text());
      await page.getByText(/Test notification, nothing is wrong/).waitFor();

      const alert = page.locator("article.alert", { hasText: "Server connections high" });
      await alert.getByRole("button", { name: "Acknowledge" }).click();
      await alert.getByLabel("Your name").fill("Ada");
      await alert.getByRole("button", { name: "Acknowledge" }).click();
      await alert.getByText(/acknowledged .* by Ada/).waitFor();
      const { alerts } = await app.json<
        { alerts: { rule: string; acknowledged_by: string | null }[] }
      >("/api/alerts");
      const acknowledged = alerts.find(({ rule }) => rule === "connections");
      assert.match(acknowledged?.acknowledged_by ?? "", /^Ada\b/);

      const rail = page.locator("nav.rail");
      for (const [title, path, text] of walked) {
        await rail.getByRole("link", { name: title }).click();
        await settled(page, path);
        await page.getByText(text).first().waitFor();
        const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.ok(Number(wide) <= 0, `${path} is ${wide} px too wide`);
      }

      await page.keyboard.press("g");
      await page.keyboard.press("h");
      await settled(page, "/history");
      await page.getByLabel("Time range").selectOption("24h");
      await page.waitForURL(({ search }) => search === "?range=24h");
      await page.reload();
      await settled(page, "/history");
      assert.equal(await page.getByLabel("Time range").inputValue(), "24h");
      const chart = page.locator(".chart .u-over").first();
      await chart.waitFor();
      const box = await chart.boundingBox();
      assert.ok(box);
      await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.8, box.y + 30, { steps: 4 });
      await page.mouse.up();
      await eventually(() => /from=.*to=/.test(page.url()), "dragging over a chart zooms");
      await page.goBack();
      await eventually(
        () => new URL(page.url()).search === "?range=24h",
        "the back button ends the zoom",
      );

      assert.deepEqual(complaints.filter((one) => !/\/api\/health/.test(one)), []);
      assert.deepEqual([...hosts], [new URL(app.url).host]);
    });
  },
);
