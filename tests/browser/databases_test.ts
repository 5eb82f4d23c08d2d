import assert from "node:assert/strict";
import { seriousFaults, visit, withBrowser } from "../helpers/browser.ts";
import { writeDatabases } from "../helpers/databases.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually } from "../helpers/eventually.ts";
import { chromium, testWith } from "../helpers/skip.ts";
import { startApp } from "../helpers/test_app.ts";

testWith(
  chromium,
  "the overview leads to the pages of each database, which stay at it in every link and request",
  async () => {
    const own = await startApp();
    await own.admin`create database second owner holdfast`;
    const folder = await Deno.makeTempDir({ prefix: "holdfast-databases-" });
    const url = embeddedUrl(own.holdfast.target);
    const databases = await writeDatabases(folder, url);
    try {
      await withBrowser(async (browser, app) => {
        await eventually(async () => {
          const answer = await app.request("/api/databases/second/health/database");
          await answer.body?.cancel();
          return answer.status === 200;
        }, "the second database was read");
        const { page, frames } = await visit(browser, `${app.url}/databases`);
        const asked: string[] = [];
        page.on("request", (request) => {
          const { pathname } = new URL(request.url());
          if (/^\/(api|ws)/.test(pathname)) asked.push(pathname);
        });
        await page.getByRole("row", { name: /gone/ }).waitFor();
        await eventually(async () => {
          const rows = await page.locator("tbody tr").allInnerTexts();
          return /unhealthy[^]*gone/.test(rows[0] ?? "");
        }, "the one in trouble is first, once it was tried");
        assert.deepEqual(await seriousFaults(page), []);

        asked.length = 0;
        await page.getByRole("link", { name: "second", exact: true }).click();
        await page.waitForURL("**/databases/second/");
        await page.getByText("All databases").waitFor();
        await eventually(
          () => frames.some((frame) => "database" in frame && frame.database === "second"),
          "the live channel is that of the database",
        );
        await page.getByRole("link", { name: "Replication" }).first().click();
        await page.locator('main[data-page="/replication"]').waitFor();
        assert.equal(new URL(page.url()).pathname, "/databases/second/replication");
        await page.reload();
        await page.locator('main[data-page="/replication"]').waitFor();
        const elsewhere = asked.filter((path) =>
          !path.startsWith("/api/databases") && path !== "/api/session"
        );
        assert.deepEqual(elsewhere, [], "nothing is asked of another database");

        // A link opened in another tab keeps the database, too.
        const link = page.getByRole("link", { name: "Storage" }).first();
        await link.focus();
        assert.equal(await link.getAttribute("href"), "/databases/second/storage");
      }, {
        HOLDFAST_DATABASES: databases,
        HOLDFAST_DATA_DIR: folder,
        HOLDFAST_INSTANCE: "pages",
      });
    } finally {
      await own.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
