import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { pagePaths } from "../../routes/pages/pages.ts";
import { seriousFaults, visit, withBrowser } from "../helpers/browser.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { alertOnConnections, recentTicks } from "../helpers/page_data.ts";
import type { TestApp } from "../helpers/test_app.ts";
import { chromium, testWith } from "../helpers/skip.ts";

/** Ticks, rows in quarantine, a mark, and an alert that is critical, so that an incident is recorded too. */
async function fill(app: TestApp): Promise<{ alert: string; incident: string }> {
  const ticks = recentTicks();
  const refused = { ...ticks[0], price: -1 };
  await (await app.post("/api/ticks?create=true", [...ticks, refused])).body?.cancel();
  await (await app.post("/api/marks", { text: "deploy 42" })).body?.cancel();
  await alertOnConnections(app, { warning: 0.001, critical: 0.002 });
  for (const tier of ["stats", "slow"] as const) await app.holdfast.monitor.runNow(tier);
  await app.holdfast.monitor.checkNow();
  const ids = await eventually(async () => {
    const { alerts } = await app.json<{ alerts: { id: string }[] }>("/api/alerts");
    const { incidents } = await app.json<{ incidents: { id: string }[] }>("/api/incidents");
    return alerts[0] && incidents[0] && { alert: alerts[0].id, incident: incidents[0].id };
  }, "an alert and its incident are there");
  assert.ok(ids);
  return ids;
}

/** A word that each page shows only with real data. */
const shows: Record<string, RegExp> = {
  "/": /Server connections high/,
  "/alerts": /Server connections high/,
  "/alerts/:id": /The server's connections are nearly used up/,
  "/incidents": /connections_critical/,
  "/incidents/:id": /Copy a summary/,
  "/activity": /Who blocks whom/,
  "/statements": /since reset/i,
  "/statements/:id": /Time a call/,
  "/history": /connections used/,
  "/storage": /market\.candles_1m/,
  "/replication": /this server is a primary/,
  "/partitions": /market\.ticks/,
  "/partitions/:table": /Partitions ahead/,
  "/backups": /no complete backup/,
  "/market": /600\.19/,
  "/feeds": /SPY/,
  "/quarantine": /price must not be negative/,
  "/benchmarks": /Insert performance/,
  "/databases": /default/,
  "/rules": /connections/,
  "/settings": /This Holdfast/,
};

/** Adds up the layout shifts of a page; `layoutShift` is set to 0 to begin anew. */
const noteShifts = `
  globalThis.layoutShift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.layoutShift += entry.value;
  }).observe({ type: "layout-shift" });`;

async function settled(page: Page, path: string): Promise<void> {
  await page.locator(`main[data-page="${path}"]`).waitFor();
  await page.getByText(shows[path] ?? assert.fail(path)).first().waitFor();
  await page.locator("[aria-busy]").first().waitFor({ state: "detached" });
}

testWith(
  chromium,
  "every page shows real data, keeps still, and axe finds nothing serious, light and dark",
  async () => {
    await withBrowser(async (browser, app) => {
      const { alert, incident } = await fill(app);
      const { queries } = await app.json<{ queries: { query_id: string }[] }>(
        "/api/queries?order=total&limit=1",
      );
      const address = (path: string) =>
        path.replace("/alerts/:id", `/alerts/${alert}`)
          .replace("/incidents/:id", `/incidents/${incident}`)
          .replace("/statements/:id", `/statements/${queries[0]?.query_id}`)
          .replace(":table", "market.ticks")
          .replace(/^\/activity$/, "/activity?show=all")
          .replace(/^\/rules$/, "/rules?rule=connections");
      const { page, complaints, hosts } = await visit(browser, app.url);
      const faults: string[] = [];
      await page.evaluate(noteShifts);
      for (const path of pagePaths) {
        await page.evaluate(
          `layoutShift = 0; history.pushState(null, "", ${
            JSON.stringify(address(path))
          }); dispatchEvent(new PopStateEvent("popstate"))`,
        );
        await settled(page, path);
        const shift = Number(await page.evaluate("layoutShift"));
        if (shift > 0.05) faults.push(`${path} moves what was drawn: layout shift ${shift}`);
        await page.emulateMedia({ colorScheme: "light" });
        faults.push(...(await seriousFaults(page)).map((one) => `${path} light ${one}`));
        await page.emulateMedia({ colorScheme: "dark" });
        faults.push(
          ...(await seriousFaults(page, ["color-contrast"])).map((one) => `${path} dark ${one}`),
        );
      }
      assert.deepEqual(faults, []);
      // The server is unhealthy, and nothing was verified yet: both are said with a status.
      const expected = /\/api\/(partitions\/verify|health|health\/database|health\/partitions)$/;
      assert.deepEqual(complaints.filter((one) => !expected.test(one)), []);
      assert.deepEqual([...hosts], [new URL(app.url).host]);
    });
  },
);

testWith(
  chromium,
  "addresses, back, reload and keys lead to a page and its state; phones have no overflow",
  async () => {
    await withBrowser(async (browser, app) => {
      await fill(app);
      const { page } = await visit(browser, `${app.url}/alerts?state=all&q=conn`);
      await page.getByText("Server connections high").first().waitFor();
      assert.equal(await page.getByLabel("Filter by words").inputValue(), "conn");
      await page.keyboard.press("g");
      await page.keyboard.press("h");
      await settled(page, "/history");
      await page.getByLabel("Time range").selectOption("24h");
      await page.waitForURL(({ search }) => search === "?range=24h");
      await page.reload();
      await settled(page, "/history");
      assert.equal(await page.getByLabel("Time range").inputValue(), "24h");
      await page.goBack();
      await page.goBack();
      await settled(page, "/alerts");
      assert.equal(new URL(page.url()).search, "?state=all&q=conn");
      await page.keyboard.press("Control+k");
      await page.locator('[role="combobox"]:focus').waitFor();
      await page.keyboard.type("market.ticks");
      await page.getByRole("option", { name: /market\.ticks/ }).waitFor();
      await page.keyboard.press("Enter");
      await settled(page, "/partitions/:table");
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "detached" });
      await page.goto(`${app.url}/history`);
      await settled(page, "/history");
      const chart = page.locator(".chart .u-over").first();
      await chart.waitFor();
      const box = await chart.boundingBox();
      assert.ok(box);
      await within(5_000, "a cursor over a chart does not spin", async () => {
        await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
        const dragged = performance.now();
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.8, box.y + 30, { steps: 4 });
        await page.mouse.up();
        return performance.now() - dragged;
      });
      await page.waitForURL(/from=.*to=/);
      await page.setViewportSize({ width: 360, height: 780 });
      await page.getByRole("navigation", { name: "Pages" }).getByText("More").click();
      await page.getByRole("dialog", { name: "All pages" }).getByText("Backups").click();
      await settled(page, "/backups");
      for (const path of ["/", "/alerts", "/activity", "/rules?rule=connections", "/quarantine"]) {
        await page.goto(app.url + path);
        await settled(page, path.replace(/\?.*/, ""));
        const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.ok(Number(wide) <= 0, `${path} is ${wide} px too wide on a phone`);
      }
    });
  },
);
