import assert from "node:assert/strict";
import { seriousFaults, visit, withBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { chromium, testWith } from "../helpers/skip.ts";
import type { TestApp } from "../helpers/test_app.ts";

const joined = `
  select g.id, count(*)
  from public.groups as g
  join public.members as m on m.group_id = g.id
  where m.size > 3
  group by g.id`;

interface Statement {
  query_id: string;
  query: string | null;
  recent: object | null;
}

/** Runs a join until two readings know it, as the list of what ran of late asks for, and returns its id. */
async function runJoin(app: TestApp): Promise<string> {
  await app.sql.unsafe(`
    create table public.groups (id int primary key);
    create table public.members (group_id int not null, size int not null);
    insert into public.groups select n from generate_series(1, 100) as n;
    insert into public.members select n % 100 + 1, n % 10 from generate_series(1, 20000) as n;
  `).simple();
  return await eventually(async () => {
    await app.sql.unsafe(joined);
    await app.holdfast.monitor.runNow("stats");
    const { queries } = await app.json<{ queries: Statement[] }>("/api/queries?limit=1000");
    const found = queries.find(({ query }) => /join public\.members/.test(query ?? ""));
    return found?.recent ? found.query_id : false;
  }, "the join and its text are known");
}

testWith(
  chromium,
  "the page of a statement shows its history, its plan as a tree, and what made it slower",
  async () => {
    await withBrowser(async (browser, app) => {
      const id = await runJoin(app);
      const { page, complaints } = await visit(browser, `${app.url}/statements?by=io`);
      await page.getByRole("button", { name: "I/O", pressed: true }).waitFor();
      await page.getByLabel("Filter statements").fill("public.members");
      await page.locator(`a.statement[href="/statements/${id}"]`).first().waitFor();
      // Holdfast must watch for most of an hour before it finds a slower statement.
      await page.route(`**/api/database/statements/${id}`, async (route) => {
        const answer = await (await route.fetch()).json();
        const since = new Date(Date.now() - 600_000).toISOString();
        answer.statement.regressions = [{
          metric: "mean_ms",
          before: 2,
          after: 9,
          ratio: 4.5,
          since,
          causes: [{ kind: "cache_misses", before: 0, after: 80 }],
          changes: [{
            at: since,
            kind: "setting",
            subject: "work_mem",
            before: "4096",
            after: "64",
            same_table: false,
          }],
        }];
        await route.fulfill({ json: answer });
      });
      await page.locator(`a.statement[href="/statements/${id}"]`).first().click();
      await page.getByText("blocks that were no longer in the cache (0 → 80)").waitFor();
      await page.getByText(/work_mem: 4096 → 64/).waitFor();
      await page.getByRole("img", { name: /^Time a call: .*2 ms before, 9 ms since/ }).waitFor();
      await page.locator(".chart canvas").nth(3).waitFor();
      await page.getByLabel("Time range").selectOption("6h");
      await page.getByRole("img", { name: /^Calls a second: \d\d:\d\d/ }).waitFor();

      const tree = page.getByRole("list", { name: "Plan" });
      await tree.getByText("Filter:").first().waitFor();
      const text = await tree.innerText();
      assert.match(text, /Join|Nested Loop/);
      assert.match(text, /Scan on members m/);
      assert.match(text, /m?\.?size > \$1/);
      const shares = [...text.matchAll(/^([\d.]+) %$/gm)].map(([, share]) => Number(share));
      const sum = shares.reduce((all, one) => all + one, 0);
      assert.ok(Math.abs(sum - 100) < 2, `${shares} add up to ${sum}`);
      assert.deepEqual(await seriousFaults(page), []);
      await page.setViewportSize({ width: 360, height: 800 });
      assert.equal(
        await page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
        true,
        "a phone has no overflow",
      );
      const expected = /\/api\/(partitions\/verify|health|health\/database|health\/partitions)$/;
      assert.deepEqual(complaints.filter((one) => !expected.test(one)), []);
    });
  },
);
