import assert from "node:assert/strict";
import { ConversionAnswer, ConversionList } from "../../routes/partitions/schemas.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp();
  await app.sql.unsafe(`
    create schema app;
    create table app.events (id bigint primary key, at timestamptz not null, body text);
    insert into app.events select n, now() - n * interval '1 hour', 'x' from generate_series(1, 100) as n;
    create table app.author (id int primary key);
    create table app.book (id int primary key, at timestamptz, author int references app.author);
    create unlogged table app.loose (at timestamptz not null);
    create table app.page (book int references app.book, at timestamptz not null);
    create materialized view app.titles as select id from app.book;
  `).simple();
});
Deno.test.afterAll(() => app.stop());

async function convert(body: unknown) {
  const answer = await app.post("/api/partitions/convert", body);
  return { status: answer.status, body: await answer.json() };
}
const policy = { interval: "week", key: "timestamptz", premake: 1 };
const events = { table: "app.events", key_column: "at", widen_keys: true, policy };
const latest = async () =>
  ConversionList.parse(await app.json("/api/partitions/conversions")).conversions[0];

Deno.test("a conversion is planned, started by its digest, followed to its swap, and undone", async () => {
  const { status, body } = await convert(events);
  assert.equal(status, 200);
  const plan = ConversionAnswer.parse(body);
  assert.deepEqual(plan.refusals, []);
  assert.ok(plan.partitions.length >= 2);
  assert.deepEqual(
    [...new Set(plan.statements.map(({ phase }) => phase))],
    ["begin", "copy", "replay", "direct", "swap"],
  );
  assert.ok(plan.statements.every(({ lock, reason }) => lock !== "" && reason !== ""));
  assert.equal(await latest(), undefined, "a plan changes nothing");
  const wrong = await convert({ ...events, action: "start", digest: "0".repeat(64) });
  assert.deepEqual([wrong.status, wrong.body.code], [409, "catalogue_changed"]);
  const started = await convert({ ...events, action: "start", digest: plan.digest });
  assert.equal(started.status, 202);
  const swapped = await eventually(
    async () => {
      const found = await latest();
      return found?.phase === "swapped" && found;
    },
    "it is swapped",
  );
  assert.deepEqual(
    [swapped.rows_verified, swapped.progress, swapped.undoable, swapped.error],
    [100, 1, true, null],
  );
  const { policies } = await app.json<{ policies: { table: string; interval: string }[] }>(
    "/api/partitions/policies",
  );
  assert.equal(policies.find(({ table }) => table === "app.events")?.interval, "7 days");
  const undo = await convert({ table: "app.events", action: "undo" });
  assert.equal(undo.status, 202);
  await eventually(async () => (await latest())?.phase === "undone", "it is undone");
  const [kind] = await app.sql`select relkind from pg_class where oid = 'app.events'::regclass`;
  assert.equal(kind?.relkind, "r");
  assert.equal((await convert({ table: "app.events", action: "undo" })).status, 404);
});

Deno.test("what keeps a table from being converted is said beforehand, each with its cure", async () => {
  const cases: [object, RegExp[]][] = [
    [{ ...events, widen_keys: false }, [/primary key "events_pkey" lacks "at".*widen_keys/]],
    [{ ...events, table: "app.book" }, [
      /"at" may be null/,
      /app\.page refers to it/,
      /app\.titles .*materialised/,
    ]],
    [{ ...events, table: "app.loose" }, [/unlogged/, /no primary key/]],
    [{ ...events, key_column: "body" }, [/of type text/]],
    [{ ...events, key_column: "nowhere" }, [/no column "nowhere"/]],
    [{ ...events, table: "market.ticks", key_column: "ts" }, [/partitioned already/]],
  ];
  for (const [input, expected] of cases) {
    const { status, body } = await convert(input);
    assert.equal(status, 200, JSON.stringify(body));
    for (const pattern of expected) {
      assert.ok(
        body.refusals.some((reason: string) => pattern.test(reason)),
        `${pattern}: ${JSON.stringify(body.refusals)}`,
      );
    }
    assert.deepEqual([body.digest, body.statements], [null, []]);
  }
  assert.equal((await convert({ table: "app.events" })).status, 400);
  assert.equal((await convert({ ...events, table: "app.nothing" })).status, 404);
  const refused = await convert({
    ...events,
    widen_keys: false,
    action: "start",
    digest: "0".repeat(64),
  });
  assert.equal(refused.status, 409);
});

Deno.test("a publication that sends Holdfast's own tables stands among the recommendations", async () => {
  const advised = async () => {
    await app.holdfast.monitor.runNow("stats");
    const { recommendations } = await app.json<{ recommendations: { detail: string }[] }>(
      "/api/health/database",
    );
    return recommendations.some(({ detail }) => /"everything" is for all tables/.test(detail));
  };
  assert.equal(await advised(), false);
  await app.admin`create publication everything for all tables`;
  assert.equal(await advised(), true);
  await app.admin`drop publication everything`;
});
