import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { visit, withBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import type { TestApp } from "../helpers/test_app.ts";
import { chromium, testWith } from "../helpers/skip.ts";

const json = (method: string, body: unknown) => ({
  method,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** Sessions that wait behind one another: a root and six more; each is what it was told when it is over. */
async function lockTree(app: TestApp) {
  await app.sql.unsafe(`
    create table public.orders (id int primary key, note text);
    insert into public.orders select g, 'new' from generate_series(1, 3) as g`).simple();
  const sessions = Array.from({ length: 7 }, (_, n) =>
    connectSql({
      target: app.holdfast.target,
      max: 1,
      applicationName: `orders-${n}`,
      statementTimeoutMs: 600_000,
      lockTimeoutMs: 600_000,
      pooled: false,
    }));
  const [root, ...others] = sessions;
  assert.ok(root);
  const end = (sql: typeof root, text: string) =>
    sql.unsafe(text).simple().then(() => "done", (error) => String(error.code));
  const first = end(
    root,
    "begin; update public.orders set note = 'root' where id = 1; select pg_sleep(500); commit",
  );
  await eventually(async () => {
    const [row] = await app.sql`select 1 as there from pg_locks where mode = 'RowExclusiveLock'
      and relation = 'public.orders'::regclass`;
    return row !== undefined;
  }, "the root holds its lock");
  const waiting = others.map((sql) =>
    end(sql, "update public.orders set note = 'later' where id = 1")
  );
  return {
    first,
    waiting,
    stop: () => Promise.all(sessions.map((sql) => sql.end({ timeout: 1 }))),
  };
}

testWith(chromium, "a lock tree of seven is freed by cancelling its root", async () => {
  await withBrowser(async (browser, app) => {
    const tree = await lockTree(app);
    const { page } = await visit(browser, `${app.url}/activity`);
    await eventually(async () => {
      await app.holdfast.monitor.checkNow();
      return (await app.json<{ roots: { blocked: unknown[] }[] }>("/api/locks")).roots.length > 0;
    }, "the tree is read");
    await page.getByText("blocks 6 sessions").waitFor();
    await page.setViewportSize({ width: 360, height: 800 });
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    await page.setViewportSize({ width: 1440, height: 900 });
    const root = page.locator('.lock[data-root="true"]');
    await root.getByRole("button", { name: "Cancel" }).click();
    await root.getByRole("button", { name: /^Cancel the statement of \d+\?$/ }).click();
    await page.getByText(/The statement of \d+ is cancelled/).first().waitFor();
    assert.equal(await tree.first, "57014"); // query_canceled
    assert.deepEqual(await Promise.all(tree.waiting), Array(6).fill("done"));
    await tree.stop();
  });
});

testWith(chromium, "a session idle in its transaction is ended from its alert", async () => {
  await withBrowser(async (browser, app) => {
    await app.sql.unsafe("create table public.accounts as select 1 as id").simple();
    const [root, waiter] = ["settlement", "router"].map((applicationName) =>
      connectSql({
        target: app.holdfast.target,
        max: 1,
        applicationName,
        statementTimeoutMs: 60_000,
        lockTimeoutMs: 60_000,
        pooled: false,
      })
    );
    assert.ok(root && waiter);
    const update = "update public.accounts set id = 1";
    await root.unsafe(`begin; ${update}`).simple();
    const waiting = waiter.unsafe(update).simple().then(() => "done", ({ code }) => String(code));
    const rule = { name: "lock_wait", warning: 0.001, clear: 0 };
    await (await app.request("/api/alerts/rules", json("PUT", { rules: [rule] }))).body?.cancel();
    const { id } = await eventually(async () => {
      await app.holdfast.monitor.checkNow();
      const { alerts } = await app.json<{ alerts: { rule: string; id: string }[] }>("/api/alerts");
      return alerts.find(({ rule }) => rule === "lock_wait") ?? false;
    }, "the wait fires");

    const { page } = await visit(browser, `${app.url}/alerts/${id}`);
    const idle = page.locator('.lock[data-root="true"]');
    await idle.getByText("idle in transaction").waitFor();
    assert.equal(await idle.getByRole("button", { name: "Cancel" }).count(), 0);
    await idle.getByRole("button", { name: "Terminate" }).click();
    await idle.getByRole("button", { name: /^End session \d+, roll back\?$/ }).click();
    await page.getByText(/Session \d+ is ended/).first().waitFor();
    assert.equal(await waiting, "done");

    const lock = "ACCESS SHARE on app.events; none but on the new app.events_p1; ".repeat(4);
    await page.route(`**/api/alerts/${id}`, async (route) => {
      const answer = await (await route.fetch()).json();
      const cure = Array.from({ length: 12 }, (_, n) => ({ sql: `select ${n}`, lock, risk: "" }));
      await route.fulfill({ json: { ...answer, cure } });
    });
    await page.setViewportSize({ width: 360, height: 800 });
    await page.goto(`${app.url}/alerts/${id}`);
    await page.getByText("2 more statements after these").waitFor();
    assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
    await Promise.all([root, waiter].map((sql) => sql.end({ timeout: 1 })));
  });
});

testWith(
  chromium,
  "an alert is acknowledged by name, silenced and let speak; a row is put right; a rule is rehearsed and saved; a policy changed, planned, applied",
  async () => {
    await withBrowser(async (browser, app) => {
      const now = new Date(Date.now() - 5_000).toISOString();
      const good = { ts: now, symbol: "SPY", price: 600, size: 1, exchange: "P" };
      await (await app.post("/api/ticks?create=true", [good, { ...good, price: -1 }])).body
        ?.cancel();
      const rule = { name: "connections", warning: 0.001, clear: 0, for_seconds: 0 };
      await (await app.request("/api/alerts/rules", json("PUT", { rules: [rule] }))).body
        ?.cancel();
      const { page } = await visit(browser, `${app.url}/alerts`);
      await app.holdfast.monitor.checkNow();

      const alert = page.locator("article.alert", { hasText: "Server connections high" });
      await alert.getByRole("button", { name: "Acknowledge" }).click();
      await alert.getByLabel("Your name").fill("Ada");
      await alert.getByRole("button", { name: "Acknowledge" }).click();
      await alert.getByText(/acknowledged .* by Ada/).waitFor();
      await alert.getByLabel(/^Silence/).selectOption("3600");
      await alert.getByText("silenced: channels are not notified").waitFor();
      await alert.getByRole("button", { name: "End silence" }).click();
      await alert.getByLabel(/^Silence/).waitFor();
      await alert.getByRole("link", { name: /Server connections high/ }).click();
      await page.getByText("usename, application_name").first().waitFor();
      await page.getByText("connections by state").waitFor();
      await page.locator(".chart canvas").first().waitFor();

      await page.goto(`${app.url}/quarantine`);
      await page.getByRole("button", { name: "Correct" }).click();
      await page.getByLabel("price", { exact: true }).fill("601");
      await page.getByRole("button", { name: "Store the corrected row" }).click();
      await page.getByText("No row is quarantined.").waitFor();
      const { ticks } = await app.json<{ ticks: { price: number }[] }>("/api/ticks?symbol=SPY");
      assert.deepEqual(ticks.map(({ price }) => price).sort(), [600, 601]);

      await page.goto(`${app.url}/rules?rule=lock_wait`);
      await page.getByText(/Would have fired 0 times/).waitFor();
      await page.getByLabel("warning level as a number").fill("42");
      await page.getByRole("button", { name: "Save the levels" }).click();
      await page.getByText("The levels of lock_wait are saved").waitFor();
      const { rules } = await app.json<{ rules: { name: string; warning: number }[] }>(
        "/api/alerts/rules",
      );
      assert.equal(rules.find(({ name }) => name === "lock_wait")?.warning, 42);

      await page.goto(`${app.url}/partitions/market.ticks`);
      await page.getByLabel("Rotation").selectOption("paused");
      await page.getByText(/While the rotation is paused, .* inserts fail when the last one ends/)
        .waitFor();
      await page.getByLabel("Rotation").selectOption("on");
      await page.getByLabel("Partitions ahead").fill("9");
      await page.getByText("inserts are safe for at least 9 d").waitFor();
      await page.getByRole("button", { name: "Save the policy" }).click();
      await page.getByText("The policy of market.ticks is saved").waitFor();
      await page.getByText(/create table "market"\."ticks_p/).first().waitFor();
      await page.getByRole("button", { name: "Apply this plan" }).click();
      await page.getByRole("button", { name: /^Apply \d+ statements\?$/ }).click();
      await page.getByText(/\d+ statements applied/).first().waitFor();
      const { policies } = await app.json<{ policies: { premake: number }[] }>(
        "/api/partitions/policies",
      );
      assert.equal(policies[0]?.premake, 9);
    });
  },
);

testWith(
  chromium,
  "a channel is tested, a row given up, metrics ranked, time paused, a moment marked, seals verified",
  async () => {
    await withBrowser(async (browser, app) => {
      const now = new Date(Date.now() - 5_000).toISOString();
      const bad = { ts: now, symbol: "SPY", price: -1, size: 1, exchange: "P" };
      await (await app.post("/api/ticks?create=true", [bad, { ...bad, price: 1 }])).body
        ?.cancel();
      const { page, complaints } = await visit(browser, `${app.url}/rules`);
      await page.getByRole("button", { name: "Send a test" }).first().click();
      await page.getByText(/The test reached/).first().waitFor();

      await page.goto(`${app.url}/quarantine`);
      await page.getByRole("button", { name: "Discard" }).click();
      await page.getByRole("button", { name: "Discard it permanently?" }).click();
      await page.getByText("No row is quarantined.").waitFor();

      await page.goto(`${app.url}/history`);
      await page.getByRole("button", { name: "Rank" }).click();
      await page.getByRole("button", { name: "Ask again" }).waitFor();
      await page.keyboard.press("p");
      await page.getByRole("button", { name: "Paused" }).click();
      await page.getByRole("button", { name: "Live" }).waitFor();

      await page.goto(`${app.url}/settings?show=all`);
      await page.getByLabel("Mark", { exact: true }).fill("deploy 43");
      await page.getByRole("button", { name: "Set the mark" }).click();
      await page.getByText("The mark is saved").waitFor();
      await page.getByText("HOLDFAST_PROFILE").first().waitFor();
      await page.goto(`${app.url}/partitions/market.ticks`);
      await page.getByRole("button", { name: "Verify now" }).click();
      await page.getByText(/checked, 0 differ/).waitFor();
      assert.deepEqual(complaints.filter((one) => !/verify|503/.test(one)), []);
    });
  },
);

// Half a minute of real work: on demand, with HOLDFAST_SLOW_TESTS=1.
if (Deno.env.get("HOLDFAST_SLOW_TESTS") === "1") {
  testWith(chromium, "a backup is taken and proven, a benchmark run and aborted", async () => {
    await withBrowser(async (browser, app) => {
      const { page } = await visit(browser, `${app.url}/backups`);
      await page.getByRole("button", { name: "Back up now" }).click();
      await page.getByRole("button", { name: "Prove" }).waitFor({ timeout: 60_000 });
      await page.getByRole("button", { name: "Prove" }).click();
      await page.getByText("The backup is being restored on trial").waitFor();
      await page.getByLabel("Moment (UTC)").fill("2026-01-31T09:30:00");
      await page.getByText("deno task restore --time 2026-01-31T09:30:00Z --to restored").waitFor();

      await page.goto(`${app.url}/benchmarks`);
      await page.getByRole("button", { name: "Run quick benchmark" }).click();
      await page.getByRole("heading", { name: "Running" }).waitFor();
      await page.getByRole("button", { name: "Abort", exact: true }).click();
      await page.getByRole("button", { name: "Abort the run?" }).click();
      await eventually(
        async () => {
          const { runs } = await app.json<{ runs: { status: string }[] }>("/api/benchmarks/runs");
          return runs[0]?.status === "aborted";
        },
        "the run is aborted",
        60_000,
      );
    });
  });
}

testWith(
  chromium,
  "signing in leads back; a reader is offered nothing to change; signing out ends the live channel",
  async () => {
    const [admin, reader] = ["a".repeat(32), "r".repeat(32)];
    await withBrowser(async (browser, app) => {
      const { page } = await visit(browser, `${app.url}/benchmarks?range=6h`);
      await page.waitForURL(/\/login\?to=/);
      const signIn = async (token: string) => {
        await page.getByLabel("Access token").fill(token);
        await page.getByRole("button", { name: "Sign in" }).click();
        await page.getByRole("button", { name: "Sign out" }).waitFor();
      };
      const run = page.getByRole("button", { name: "Run quick benchmark" });
      await signIn(reader);
      assert.equal(
        new URL(page.url()).pathname + new URL(page.url()).search,
        "/benchmarks?range=6h",
      );
      await page.getByText("Insert performance").waitFor();
      assert.equal(await run.isVisible(), false);
      await page.evaluate(`globalThis.ended = 0; for (const one of [WebSocket.prototype]) {
        const close = one.close; one.close = function () { globalThis.ended++; sessionStorage.ended = "1"; return close.call(this); };
      }`);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.waitForURL(/\/login\?to=/);
      assert.equal(await page.evaluate("sessionStorage.ended"), "1");
      await signIn(admin);
      await run.waitFor();
      await page.goto(`${app.url}/settings`);
      await page.getByLabel("Name", { exact: true }).fill("ci");
      await page.getByRole("button", { name: "Create a token" }).click();
      const secret = await page.locator(".note code").innerText();
      const asked = await app.request("/api/alerts", {
        headers: { authorization: `Bearer ${secret}` },
      });
      assert.equal(asked.status, 200, await asked.text());
      const row = page.getByRole("row", { name: /^ci/ });
      await row.getByRole("button", { name: "Revoke" }).click();
      await row.getByRole("button", { name: /Revoke it/ }).click();
      await row.waitFor({ state: "detached" });
    }, { HOLDFAST_TOKEN: admin, HOLDFAST_READ_TOKEN: reader });
  },
);
