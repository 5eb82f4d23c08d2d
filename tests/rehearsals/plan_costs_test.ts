import assert from "node:assert/strict";
import { completeMetrics } from "../../services/monitor/health/metric_values.ts";
import { planEvidence, planValues } from "../../services/monitor/diagnosis/plan_changes.ts";
import { createChangedPlans } from "../../services/rehearsals/changed_plans.ts";
import { findChangedPlans, type PlannedRehearsal } from "../../services/rehearsals/plan_costs.ts";
import type { StatementResult } from "../../services/rehearsals/rehearsal.ts";
import type { Snapshot } from "../../services/monitor/snapshot.ts";

/** A statement by its plan, the planner's cost and the measured milliseconds. */
type Seen = [plan: string | null, cost: number | null, ms: number | null];

/** A rehearsal of the backup of a day in November. */
function night(
  day: number,
  seen: Record<string, Seen>,
  part: Partial<PlannedRehearsal> = {},
): PlannedRehearsal {
  return {
    status: "done",
    source: "sql",
    created_at: `2026-11-${day}T04:00:00Z`,
    copy: {
      kind: "physical",
      backup: `backup-${day}`,
      taken_at: `2026-11-${String(day).padStart(2, "0")}T00:00:00Z`,
      server_version: 180004,
      bytes: 1,
      sample_share: 1,
    },
    statements: Object.entries(seen).map(([query, [generic_plan, generic_cost, before_ms]]) =>
      ({ query, query_id: "1", generic_plan, generic_cost, before_ms }) as StatementResult
    ),
    ...part,
  };
}

const timesOf = (...rehearsals: PlannedRehearsal[]) =>
  Object.fromEntries(
    findChangedPlans(rehearsals).map(({ scope, times, by }) => [scope, `${times} ${by}`]),
  );

Deno.test("the estimates of a changed plan are compared while too few statements show the machine's speed", () => {
  const before = night(26, { q1: ["Index Scan", 10, 1], q2: ["Seq Scan", 50, 1] });
  const after = night(27, { q1: ["Seq Scan", 500, 1], q2: ["Seq Scan", 900, 9] });
  assert.deepEqual(timesOf(after, before), { q1: "50 estimated" });
  assert.deepEqual(timesOf(before), {}, "one backup shows no change");
  assert.deepEqual(timesOf(), {});
  const cheaper = night(28, { q1: ["Index Scan", 10, 1] });
  assert.deepEqual(timesOf(cheaper, after, before), {}, "the earlier plan is back");
  const unknown = night(27, { q1: ["Seq Scan", null, null] });
  assert.deepEqual(timesOf(unknown, before), {}, "an unknown cost is no proof");
});

Deno.test("measured times count where unchanged statements show the machine's speed", () => {
  const others = (ms: number): Record<string, Seen> => ({
    a: ["Seq Scan", 5, ms],
    b: ["Seq Scan", 5, ms],
    c: ["Seq Scan", 5, ms],
  });
  const before = night(26, { ...others(1), q: ["Index Scan", 10, 2] });
  const now = (ms: number, machine: number) =>
    timesOf(night(27, { ...others(machine), q: ["Hash Join", 400, ms] }), before);
  assert.deepEqual(now(8, 1), { q: "4 measured" });
  assert.deepEqual(now(2, 1), {}, "an estimate alone fires nothing where the time is the same");
  assert.deepEqual(now(6, 3), {}, "a busy machine slows all statements down");
  assert.deepEqual(now(4, 0.1), { q: "2 measured" }, "an idle one proves nothing");
});

Deno.test("a changed plan stays known until its backup is seven days older than the newest", () => {
  const good = night(10, { q: ["Index Scan", 10, null] });
  const bad = (day: number) => night(day, { q: ["Seq Scan", 100, null] });
  assert.deepEqual(timesOf(bad(11), good), { q: "10 estimated" });
  assert.deepEqual(timesOf(bad(17), bad(16), bad(11), good), { q: "10 estimated" });
  assert.deepEqual(timesOf(bad(18), bad(17), bad(11), good), {});
});

Deno.test("plans of failed rehearsals, upgrades, samples and given statements are not compared", () => {
  const before = night(26, { q: ["Index Scan", 10, null] });
  const seen: Record<string, Seen> = { q: ["Seq Scan", 100, null] };
  const sample = { ...before.copy!, backup: null };
  assert.deepEqual(timesOf(night(27, seen, { status: "failed" }), before), {});
  assert.deepEqual(timesOf(night(27, seen, { source: "upgrade" }), before), {});
  assert.deepEqual(timesOf(night(27, seen, { copy: sample }), before), {});
  const given = night(27, seen);
  for (const statement of given.statements) statement.query_id = null;
  assert.deepEqual(timesOf(given, before), {});
});

Deno.test("of several rehearsals of one backup, the least increase counts", () => {
  const before = night(26, { q: ["Index Scan", 10, null] });
  const [first, second] = [100, 30].map((cost) => night(27, { q: ["Seq Scan", cost, null] }));
  assert.deepEqual(timesOf(second!, first!, before), { q: "3 estimated" });
  assert.deepEqual(timesOf(first!, second!, before), { q: "3 estimated" });
});

Deno.test("an alert's evidence has the statement and the nodes before and after", () => {
  const query = `select ${"x, ".repeat(40)} y\nfrom t`;
  const found = findChangedPlans([
    night(27, { [query]: ["Seq Scan on t", 90, 4] }),
    night(26, { [query]: ["Index Scan using t_y on t", 10, 2] }),
  ]);
  const [{ scope } = { scope: "" }] = found;
  assert.equal(scope.length, 80);
  assert.deepEqual(planValues(found), [{ metric: "plan_cost_times", scope, value: 9 }]);
  const facts = Object.fromEntries(
    planEvidence(found, scope).map(({ name, value }) => [name, value]),
  );
  assert.equal(facts.statement, query);
  assert.deepEqual(facts.before, {
    backup: "backup-26",
    taken_at: "2026-11-26T00:00:00Z",
    plan: "Index Scan using t_y on t",
    estimated_cost: 10,
    measured_ms: 2,
  });
  assert.deepEqual(planEvidence(found, "another"), []);
});

Deno.test("an alert on a plan ends only once rehearsals were read", () => {
  const plans = createChangedPlans();
  const of = () => ({ tablesFresh: false, plans: plans.present() }) as Snapshot;
  assert.equal(completeMetrics(of(), []).has("plan_cost_times"), false);
  plans.compare([]);
  assert.equal(completeMetrics(of(), []).has("plan_cost_times"), true);
});
