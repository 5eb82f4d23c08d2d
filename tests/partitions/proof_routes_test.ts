import assert from "node:assert/strict";
import { PartitionHealthResponse } from "../../routes/health/schemas.ts";
import type { z } from "@hono/zod-openapi";
import type { PartitionTable as TableSchema } from "../../routes/partitions/schemas.ts";
import { ArchiveList, RestoreAnswer, Verification } from "../../routes/partitions/proof_schemas.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

type PartitionTable = z.infer<typeof TableSchema>;

let app: TestApp;
let archiveDir: string;
const day = 86_400_000;
const clock = { time: Date.parse("2026-03-15T12:00:00Z"), now: () => new Date(clock.time) };
const daysAgo = (days: number) => new Date(clock.time - days * day).toISOString();

Deno.test.beforeAll(async () => {
  archiveDir = await Deno.makeTempDir({ prefix: "holdfast-archive-" });
  app = await startApp({
    HOLDFAST_FAST_TIER_SECONDS: "300",
    HOLDFAST_BROADCAST_SECONDS: "300",
    HOLDFAST_ARCHIVE_DIR: archiveDir,
  }, { clock });
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(archiveDir, { recursive: true });
});

async function post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await app.post(path, body);
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}

async function setPolicy(retention: unknown): Promise<void> {
  const answer = await app.request("/api/partitions/policies/market.ticks", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      interval: "1 day",
      key: "timestamptz",
      premake: 1,
      seal: true,
      retention,
      cooldown: "0",
    }),
  });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
}

async function applyPlan(): Promise<string[]> {
  const plan = (await post("/api/partitions/plan", {})).body as {
    digest: string;
    statements: { action: string; partition: string }[];
  };
  const answer = await post("/api/partitions/apply", { digest: plan.digest });
  assert.equal(answer.status, 200);
  return plan.statements.map(({ action, partition }) => `${action} ${partition}`);
}

/** The report on ticks once what is true of it is seen: a look may have been under way when it came about. */
async function shown(
  what: string,
  holds: (ticks: PartitionTable, named: Record<string, string>) => boolean,
) {
  return await eventually(async () => {
    app.holdfast.monitor.refreshPartitions();
    const found = PartitionHealthResponse.parse(await app.json("/api/health/partitions"));
    const ticks = found.tables.find((one) => one.table === "market.ticks");
    const named = Object.fromEntries(
      (ticks?.children ?? []).map(({ partition, state }) => [partition.slice(-8), state]),
    );
    return ticks && holds(ticks, named) ? ticks : undefined;
  }, what);
}

async function firing(): Promise<string[]> {
  const { alerts } = await app.json<
    { alerts: { rule: string; scope: string; severity: string; state: string }[] }
  >("/api/alerts");
  return alerts.filter(({ state }) => state === "firing")
    .map(({ rule, scope, severity }) => `${rule} ${scope} ${severity}`);
}

const oldTicks = [{ ts: daysAgo(40), symbol: "SPY", price: 100, size: 1, exchange: "P" }];

Deno.test("ticks of a sealed day are refused with 409 and a code; opened again, they are taken", async () => {
  const ticks = Array.from({ length: 50 }, (_, n) => ({ ...oldTicks[0], price: 100 + n }));
  const stored = await post("/api/ticks?create=true&backfill=true", ticks);
  assert.deepEqual((stored.body as { accepted: number }).accepted, 50);
  await setPolicy(null);
  const done = await applyPlan();
  assert.ok(done.includes("seal market.ticks_p20260203"), done.join());
  const table = await shown(
    "the day is sealed, the present hot",
    (_, named) => named["20260203"] === "sealed" && named["20260315"] === "hot",
  );
  assert.equal(table.sealed, 1);
  const sealed = table.children.find(({ state }) => state === "sealed");
  assert.match(sealed?.sealed_at ?? "", /^2026-03-15T12/);

  const refused = await post("/api/ticks?backfill=true", oldTicks);
  assert.equal(refused.status, 409);
  assert.equal((refused.body as { code: string }).code, "partition_sealed");
  const fresh = await post("/api/ticks", [{ ...oldTicks[0], ts: daysAgo(0) }]);
  assert.equal(fresh.status, 200, "the present takes ticks as before");

  const leaf = { table: "market.ticks", partition: "ticks_p20260203" };
  const manifest = await app.json<{ rows: number }>(
    `/api/partitions/manifest?${new URLSearchParams(leaf)}`,
  );
  assert.equal(manifest.rows, 50);
  assert.equal((await post("/api/partitions/unseal", { ...leaf, hold_seconds: 0 })).status, 204);
  const again = await post("/api/ticks?backfill=true", oldTicks);
  assert.deepEqual([again.status, (again.body as { accepted: number }).accepted], [200, 1]);
  await applyPlan();
});

Deno.test("verify reports what it read and names what differs, and so does health", async () => {
  await app.holdfast.monitor.checkNow();
  assert.ok(!(await firing()).some((rule) => rule.startsWith("sealed_partitions_changed")));
  const passed = Verification.parse(
    (await post("/api/partitions/verify", { table: "market.ticks" })).body,
  );
  assert.deepEqual([passed.status, passed.checked, passed.differing], ["passed", 1, 0]);
  assert.deepEqual(passed.partitions.map(({ rows }) => rows), [51]);
  await app.sql.unsafe(`
    alter table market.ticks_p20260203 disable trigger holdfast_sealed;
    update market.ticks_p20260203 set price = price + 0.01 where price = 149;
    alter table market.ticks_p20260203 enable always trigger holdfast_sealed`).simple();
  const failed = Verification.parse((await post("/api/partitions/verify", {})).body);
  assert.equal(failed.status, "failed");
  const [one] = failed.partitions;
  assert.deepEqual(
    one?.differences.map(({ from, to, kind }) => [from, to, kind]),
    [["2026-02-03 12:00:00+00", "2026-02-03 12:15:00+00", "content changed"]],
  );
  await shown(
    "the difference",
    ({ problems }) =>
      /ticks_p20260203 is not what was sealed: content changed/.test(problems.join()),
  );
  await eventually(async () => {
    await app.holdfast.monitor.checkNow();
    return (await firing()).includes("sealed_partitions_changed market.ticks critical");
  }, "the alert fires");
  const last = Verification.parse(await app.json("/api/partitions/verify"));
  assert.deepEqual(last, failed);
  await app.sql.unsafe(`
    alter table market.ticks_p20260203 disable trigger holdfast_sealed;
    update market.ticks_p20260203 set price = 149 where price = 149.01;
    alter table market.ticks_p20260203 enable always trigger holdfast_sealed`).simple();
});

Deno.test("only a verification that finds the partition as it was sealed resolves the alert", async () => {
  const rule = "sealed_partitions_changed market.ticks critical";
  app.holdfast.monitor.refreshPartitions();
  await app.holdfast.monitor.checkNow();
  assert.ok((await firing()).includes(rule), "it was mended, but nobody has looked");
  const { body } = await post("/api/partitions/verify", {});
  assert.equal(Verification.parse(body).status, "passed");
  await eventually(async () => {
    clock.time += 60_000;
    app.holdfast.monitor.refreshPartitions();
    await app.holdfast.monitor.checkNow();
    return !(await firing()).includes(rule);
  }, "the alert is over");
});

Deno.test("bad requests are told where they are wrong", async () => {
  const cases: [string, unknown, number][] = [
    ["/api/partitions/verify", { partition: "x" }, 400],
    ["/api/partitions/verify", { table: "market.ticks", partition: "nope" }, 404],
    ["/api/partitions/unseal", { table: "market.ticks", partition: "nope" }, 404],
    ["/api/partitions/restore", { table: "market.ticks" }, 400],
    ["/api/partitions/restore", { table: "market.ticks", partition: "nope" }, 404],
    ["/api/partitions/restore", { table: "market.ticks", file: "../x.parquet" }, 400],
    ["/api/partitions/restore", { table: "market.ticks", file: "none.parquet" }, 409],
  ];
  for (const [path, body, status] of cases) {
    const found = await post(path, body);
    assert.equal(found.status, status, `${path} ${JSON.stringify(body)}`);
  }
});

Deno.test("an archived day is listed, shown, and comes back in one call", async () => {
  await setPolicy({ keep: "30 days", action: "archive" });
  for (const step of ["detach", "archive", "drop"]) {
    assert.deepEqual([...new Set(await applyPlan())], [`${step} market.ticks_p20260203`]);
  }
  await shown("the day is archived", (_, named) => named["20260203"] === "archived");
  const { archives } = ArchiveList.parse(
    await app.json("/api/partitions/archives?table=market.ticks"),
  );
  assert.deepEqual(archives.map(({ rows, dropped, restored_at }) => [rows, dropped, restored_at]), [
    [51, true, null],
  ]);
  const leaf = { table: "market.ticks", partition: "market.ticks_p20260203" };
  const restored = RestoreAnswer.parse((await post("/api/partitions/restore", leaf)).body);
  assert.equal(restored.rows, 51);
  await shown("the day is back", (_, named) => named["20260203"] === "sealed");
  const { ticks } = await app.json<{ ticks: unknown[] }>(
    `/api/ticks?symbol=SPY&from=${daysAgo(41)}&to=${daysAgo(39)}`,
  );
  assert.equal(ticks.length, 51);
  assert.equal((await post("/api/partitions/restore", leaf)).status, 409);
});
