import assert from "node:assert/strict";
import fc from "fast-check";
import { buildRules } from "../../services/alerts/rules/overrides.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { curesFor } from "../../services/alerts/rules/explain.ts";
import type { View } from "../../services/monitor/signals/signal.ts";
import type { Rule } from "../../services/alerts/rules/rule.ts";
import type { RangeTableRow } from "../../db/collectors/tables/collectors.ts";
import { startApp } from "../helpers/test_app.ts";

const rules = buildRules("production", []);
const ruleOf = (name: string): Rule =>
  rules.find((rule) => rule.name === name) ?? assert.fail(name);

/** A view with `rows` by collector and nothing else. */
function viewOf(rows: Record<string, unknown[]>, indexes?: unknown): View {
  return { rows: (name: string) => rows[name], indexes } as unknown as View;
}

const sequences = [{ sequence: "app.orders_id_seq", column: "app.orders.id" }];

Deno.test("a cure names the object of its alert, quoted", () => {
  const sql = (rule: string, scope: string, view = viewOf({ sequences })) =>
    curesFor(ruleOf(rule), scope, view).map((cure) => cure.sql);
  assert.deepEqual(sql("autovacuum_lag", "app.My orders"), [
    'vacuum (analyze, verbose) "app"."My orders"',
  ]);
  assert.deepEqual(sql("stale_statistics", 'app.a"b'), ['analyze "app"."a""b"']);
  assert.deepEqual(sql("sequence", "app.orders_id_seq"), [
    'alter table "app"."orders" alter column "id" type bigint',
  ]);
  assert.deepEqual(sql("slot_lost", "o'brien"), ["select pg_drop_replication_slot('o''brien')"]);
  const prepared = viewOf({ xmin_horizon: [{ kind: "prepared transaction", name: "it's" }] });
  assert.deepEqual(sql("prepared_transaction", "", prepared), ["rollback prepared 'it''s'"]);
});

Deno.test("the cure of a table without a policy names the tool that manages it", () => {
  const sql = (partman: Partial<RangeTableRow>) => {
    const row = { schema: "app", name: "My prints", partman_schema: null, by_partman: false };
    const judged = {
      table: "app.My prints",
      managed_by: partman.by_partman ? "pg_partman" : null,
      row: { ...row, ...partman },
      next: {
        partitions: [{ name: "My prints_p20260201", from: "2026-02-01", to: "2026-03-01" }],
        policy: { key: "date", interval: "1 month", premake: 2 },
      },
    };
    const view = { unmanaged: [judged] } as unknown as View;
    return curesFor(ruleOf("unmanaged_runway"), "app.My prints", view).map((cure) => cure.sql);
  };
  const create =
    `begin; set local lock_timeout = '2s'; create table "app"."My prints_p20260201" partition of "app"."My prints" for values from ('2026-02-01') to ('2026-03-01'); commit`;
  const [first, second, ...more] = sql({});
  assert.equal(first, create);
  assert.match(
    second ?? "",
    /^-- PUT \/api\/partitions\/policies\/app.My%20prints \{"key":"date","interval":"1 month","premake":2\} /,
  );
  assert.deepEqual(more, []);
  const config = `select * from "partman"."part_config" where parent_table = 'app.My prints'`;
  assert.deepEqual(sql({ partman_schema: "partman", by_partman: true }), [
    `select "partman"."run_maintenance"('app.My prints')`,
    config,
  ]);
  assert.deepEqual(
    sql({ partman_schema: "partman", by_partman: null }).slice(0, 2),
    [config, create],
    "it may manage it",
  );
});

Deno.test("where a name is unknown or ambiguous, the cure is the query that finds it", () => {
  for (
    const [rule, scope] of [["sequence", "app.other_seq"], ["autovacuum_lag", "a.b.c"], [
      "slot_lost",
      "",
    ]] as const
  ) {
    const view = viewOf({ sequences });
    assert.equal(curesFor(ruleOf(rule), scope, view), ruleOf(rule).cure);
    assert.match(ruleOf(rule).cure[0]?.sql ?? "", /^select /);
  }
});

Deno.test("no cure of a shipped rule has a placeholder", () => {
  for (const { name, cure } of shippedRules) {
    for (const { sql } of cure) assert.doesNotMatch(sql, /<[a-z ]+>|\.\.\.|…/, name);
  }
});

Deno.test("every cure parses in Postgres, whatever the names", async () => {
  const app = await startApp();
  /** plpgsql parses what it is made of, and runs none of it. */
  const parses = (sql: string) =>
    app.sql.unsafe(
      `create or replace function pg_temp.parsed() returns void language plpgsql as $cure$ begin ${sql}; end $cure$`,
    ).simple();
  try {
    for (const rule of shippedRules) {
      for (const { sql } of rule.cure) {
        await parses(sql).catch((error) => assert.fail(`${rule.name}: ${sql}: ${error.message}`));
      }
    }
    const name = fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" })
      .filter((text) => !/[.\0]|\$cure\$/.test(text) && text === text.toWellFormed());
    const scoped = ["autovacuum_lag", "freeze_lag", "stale_statistics", "sequence", "slot_lost"];
    await fc.assert(
      fc.asyncProperty(name, name, name, async (schema, table, column) => {
        const scope = `${schema}.${table}`;
        const view = viewOf({ sequences: [{ sequence: scope, column: `${scope}.${column}` }] });
        for (const rule of scoped) {
          for (const { sql } of curesFor(ruleOf(rule), scope, view)) await parses(sql);
        }
      }),
      { numRuns: 25 },
    );
  } finally {
    await app.stop();
  }
});

Deno.test("sessions, changes, marks and moves are listed, and invalid requests refused", async () => {
  const app = await startApp();
  try {
    await app.sql`select 1`;
    const { sessions } = await app.json<
      { sessions: { pid: number; own: boolean; application: string; query: string }[] }
    >("/api/sessions");
    assert.ok(sessions.some(({ own }) => own), "Holdfast's own are marked");
    const other = sessions.find(({ application }) => application === "test");
    assert.ok(other && !other.own);
    const mark = await app.post("/api/marks", { text: " deploy 42 " });
    assert.equal(mark.status, 201);
    assert.equal((await mark.json()).subject, "deploy 42");
    await (await app.post("/api/marks", { text: "deploy 43" })).body?.cancel();
    const { changes } = await app.json<{ changes: { kind: string; at: string }[] }>(
      "/api/changes",
    );
    assert.equal(changes.filter(({ kind }) => kind === "mark").length, 2);
    // Holdfast may have noticed another change since.
    const times = changes.map(({ at }) => Date.parse(at));
    assert.deepEqual(times, times.toSorted((a, b) => b - a), "the newest first");
    const from = new Date(Date.now() - 3_600_000).toISOString();
    const to = new Date().toISOString();
    const { moves } = await app.json<{ moves: unknown[] }>(`/api/moves?from=${from}&to=${to}`);
    assert.ok(Array.isArray(moves));
    for (
      const path of [
        `/api/moves?from=${to}&to=${from}`,
        `/api/changes?from=${to}&to=${from}`,
        "/api/sessions?limit=0",
        "/api/moves",
      ]
    ) {
      const answer = await app.request(path);
      assert.equal(answer.status, 400, path);
      assert.equal((await answer.json()).code, "invalid_request");
    }
    const empty = await app.post("/api/marks", { text: "  " });
    assert.equal(empty.status, 400);
    await empty.body?.cancel();
  } finally {
    await app.stop();
  }
});
