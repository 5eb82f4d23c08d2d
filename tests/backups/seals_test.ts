import assert from "node:assert/strict";
import type { Backup } from "../../services/backups/report.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp();
  await app.sql.unsafe(`
    create schema old;
    create table old.t (ts timestamptz not null, price float8 not null) partition by range (ts);
    create table old.d1 partition of old.t for values from ('2020-01-01Z') to ('2020-01-02Z');
    create table old.d2 partition of old.t for values from ('2020-01-02Z') to ('2020-01-03Z');
    insert into old.t select '2020-01-01Z'::timestamptz + n * interval '1 minute', n
    from generate_series(0, 2879) as n`).simple();
  const policy = await app.request("/api/partitions/policies/old.t", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ key: "timestamptz", interval: "1 day", premake: 0, seal: true }),
  });
  assert.ok(policy.ok, await policy.text());
  const post = async (path: string, body: unknown) => {
    const answer = await app.request(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return JSON.parse(text);
  };
  const { digest } = await post("/api/partitions/plan", {});
  await post("/api/partitions/apply", { digest });
  const [row] = await app.sql`
    select count(*)::int as n from holdfast.sealed_partitions where sealed_at is not null`;
  assert.equal(row?.n, 2);
});
Deno.test.afterAll(() => app.stop());

async function takenAndTried(): Promise<Backup> {
  const { id } = await app.holdfast.backups.start();
  await app.holdfast.backups.idle();
  const answer = await app.request(`/api/backups/${id}/verify`, { method: "POST" });
  assert.ok(answer.ok, String(answer.status));
  await answer.body?.cancel();
  await app.holdfast.backups.idle();
  return await app.json<Backup>(`/api/backups/${id}`);
}

Deno.test("a drill reads sealed partitions and finds them unchanged", async () => {
  const { problems, notes, proven_at } = await takenAndTried();
  assert.deepEqual(problems, []);
  assert.ok(notes.includes("2 sealed partitions read, 2880 rows"), notes.join("\n"));
  assert.ok(proven_at);
});

Deno.test("a changed sealed partition is named, and the backup is not proven", async () => {
  await app.sql.unsafe(`
    alter table old.d2 disable trigger holdfast_sealed;
    update old.d2 set price = price + 1 where ts = '2020-01-02 12:00Z';
    alter table old.d2 enable always trigger holdfast_sealed`).simple();
  const { problems, proven_at } = await takenAndTried();
  assert.equal(problems.length, 1, problems.join("\n"));
  assert.match(problems[0] ?? "", /^sealed partition old\.d2 is changed: /);
  assert.equal(proven_at, null);
});
