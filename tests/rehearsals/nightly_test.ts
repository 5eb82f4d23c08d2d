import assert from "node:assert/strict";
import { afterDrillMax, dueAfterDrill, planChanges } from "../../services/rehearsals/nightly.ts";
import { upgradeText } from "../../services/rehearsals/request.ts";
import type { StatementResult } from "../../services/rehearsals/rehearsal.ts";
import { createRehearsals, type RehearsalsOptions } from "../../services/rehearsals/service.ts";
import { comparableShape } from "../../services/rehearsals/replay/plan_text.ts";

const proof = { at: "2026-11-27T03:00:00Z", recovery_seconds: 9, problems: [], notes: [] };
const advice = [
  { id: "a", title: "Raise it", sql: "alter system set x = '<value>'" },
  { id: "b", title: "Drop it", sql: 'drop index concurrently "app"."x"' },
  { id: "c", title: "Make it", sql: 'create index concurrently on "app"."t" ("a")' },
];
const ran = (hour: string, change: string, recommendation: string | null = null) => ({
  created_at: `2026-11-${hour}:00:00Z`,
  change,
  recommendation,
});

Deno.test("after a drill, fresh statistics and then each open recommendation are rehearsed once", () => {
  const due = (...rehearsals: ReturnType<typeof ran>[]) =>
    dueAfterDrill({ newest: { proof }, rehearsals, advice });
  const analyzed = ran("27T04", "analyze");
  assert.deepEqual(due(), { sql: "analyze" });
  // Those of the day before do not count.
  assert.deepEqual(due(ran("26T04", "analyze")), { sql: "analyze" });
  assert.deepEqual(due(analyzed), { recommendation: "b" });
  assert.deepEqual(due(ran("27T05", "drop …", "b"), analyzed), { recommendation: "c" });
  assert.equal(due(ran("27T06", "c", "c"), ran("27T05", "b", "b"), analyzed), undefined);
  const many = Array.from({ length: afterDrillMax }, () => ran("27T05", "select 1"));
  assert.equal(due(...many), undefined);
});

Deno.test("the upgrade that a setting names is rehearsed once after each drill, before the advice", () => {
  const upgrade = "/usr/lib/postgresql/18/bin";
  const due = (...rehearsals: ReturnType<typeof ran>[]) =>
    dueAfterDrill({ newest: { proof }, rehearsals, advice, upgrade });
  const analyzed = ran("27T04", "analyze");
  assert.deepEqual(due(), { sql: "analyze" });
  assert.deepEqual(due(analyzed), { to_bin: upgrade });
  const upgraded = ran("27T05", upgradeText(18, upgrade));
  assert.deepEqual(due(upgraded, analyzed), { recommendation: "b" });
});

Deno.test("an upgrade without programs is reported once, and the rest of the night goes on", async () => {
  const logs: string[] = [];
  let drill = "2026-11-27T03:00:00Z";
  const body = {
    ...ran("30T04", "analyze"),
    id: crypto.randomUUID(),
    status: "done",
    source: "sql",
    copy: null,
    statements: [],
  };
  const row = { ...body, created_at: new Date(body.created_at), finished_at: null, body };
  const log = (event: string, fields?: { reason?: string }) =>
    void logs.push(`${event}: ${fields?.reason}`);
  const rehearsals = createRehearsals({
    afterDrill: true,
    upgradeBin: "/nowhere",
    advice: () => [],
    pool: { run: () => Promise.resolve({ system: "1", database: "d", version: 150018 }) },
    records: { run: () => Promise.resolve([row]) },
    findBase: () => Promise.resolve({ id: "b", proof: { ...proof, at: drill } }),
    changedPlans: { compare: () => {} },
    log: { warn: log, info: log },
  } as unknown as RehearsalsOptions);
  for (let minute = 0; minute < 3; minute++) await rehearsals.everyMinute();
  drill = "2026-11-28T03:00:00Z";
  await rehearsals.everyMinute();
  assert.deepEqual(logs, [
    "upgrade_not_rehearsed: there is no /nowhere/pg_ctl; name the directory that holds pg_ctl, initdb, postgres",
  ]);
});

Deno.test("nothing is rehearsed without a drill, or after one with problems", () => {
  const due = (newest: Parameters<typeof dueAfterDrill>[0]["newest"]) =>
    dueAfterDrill({ newest, rehearsals: [], advice });
  assert.equal(due(undefined), undefined);
  assert.equal(due({ proof: null }), undefined);
  assert.equal(due({ proof: { ...proof, problems: ["a page is damaged"] } }), undefined);
});

const planned = (id: string, day: number, plans: Record<string, string | null>) => ({
  id,
  source: "sql" as const,
  copy: {
    kind: "physical" as const,
    backup: `backup-${day}`,
    taken_at: `2026-11-${day}T00:00:00Z`,
    server_version: 180004,
    bytes: 1,
    sample_share: 1,
  },
  statements: Object.entries(plans).map(([query, generic_plan]) =>
    ({ query, generic_plan }) as StatementResult
  ),
});

Deno.test("a plan that differs from the previous backup's is reported once, with both plans", () => {
  const today = planned("3", 27, {
    q1: "Seq Scan on t",
    q2: "Index Scan",
    q3: "Seq Scan",
    q4: null,
  });
  const yesterday = planned("2", 26, { q1: "Index Scan on t", q2: "Index Scan", q4: "Seq Scan" });
  const before = planned("1", 25, { q1: "Seq Scan on t", q3: "Bitmap Heap Scan" });
  assert.deepEqual(planChanges(today, [today, yesterday, before], 7), [
    { at: 7, kind: "plan", subject: "q1", before: "Index Scan on t", after: "Seq Scan on t" },
    { at: 7, kind: "plan", subject: "q3", before: "Bitmap Heap Scan", after: "Seq Scan" },
  ]);
  // The second rehearsal of the same backup, and the first of all.
  assert.deepEqual(planChanges({ ...today, id: "4" }, [today, yesterday], 7), []);
  assert.deepEqual(planChanges(today, [today], 7), []);
  // One with another workload has said nothing of these statements.
  const other = { ...today, id: "4", statements: [] };
  assert.equal(planChanges(today, [today, other, yesterday], 7).length, 1);
  // The copies of an upgrade have fresh statistics.
  const upgrade = "upgrade" as const;
  assert.deepEqual(planChanges({ ...today, source: upgrade }, [yesterday], 7), []);
  assert.deepEqual(planChanges(today, [today, { ...yesterday, source: upgrade }], 7), []);
});

Deno.test("plans of two backups are equal when only partitions were added", () => {
  const scan = (name: string) => ({
    "Node Type": "Index Scan",
    "Relation Name": name,
    "Index Name": `${name}_ts_idx`,
  });
  const shape = (...names: string[]) =>
    comparableShape([{ Plan: { "Node Type": "Append", Plans: names.map(scan) } }]);
  assert.equal(shape("t_p20261126"), shape("t_p20261126", "t_p20261127"));
  assert.notEqual(shape("t_p20261126"), shape("u_p20261126"));
  assert.equal(comparableShape(null), null);
});
