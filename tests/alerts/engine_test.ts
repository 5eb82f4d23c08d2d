// Runs alone: it measures the memory of its isolate.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Alert, Severity } from "../../services/alerts/alert.ts";
import {
  afterAbsence,
  calm,
  type RuleState,
  step,
  type Transition,
} from "../../services/alerts/evaluation/step.ts";
import { explain } from "../../services/alerts/evaluation/explanation.ts";
import { AlertState } from "../../services/alerts/evaluation/state.ts";
import { inhibitedBy } from "../../services/alerts/notify/inhibition.ts";
import { afterNotice as asTold, noticeDue } from "../../services/alerts/notify/due.ts";
import { rehearse, stepFor } from "../../services/alerts/evaluation/rehearsal.ts";
import { levelOf, messageFor, type Rule } from "../../services/alerts/rules/rule.ts";
import { buildRules, withChanges } from "../../services/alerts/rules/overrides.ts";
import { sampleAlert } from "../../services/alerts/notify/sample.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { type Silence, silencedBy } from "../../services/alerts/notify/silences.ts";
import { collectGarbage } from "../helpers/garbage.ts";

const rule: Rule = {
  name: "pool",
  title: "",
  metric: "m",
  unit: "ratio",
  direction: "above",
  warning: 0.8,
  critical: 0.95,
  clear: 0.7,
  for_seconds: 10,
  keep_firing_seconds: 5,
  cooldown_seconds: 60,
  enabled: true,
  phrase: "Connection pool utilization high",
  cause: "",
  cure: [],
};

interface Event {
  at: number;
  value: number | null;
  transition: Transition["kind"] | undefined;
}

/** Runs readings (seconds from start, value) through a rule. */
function run(readings: readonly [number, number | null][], under: Rule = rule): Event[] {
  let state: RuleState = calm;
  return readings.map(([at, value]) => {
    const result = step(under, state, value, at * 1000);
    state = result.state;
    return { at, value, transition: result.transition?.kind };
  });
}

const told = (events: readonly Event[]) =>
  events.filter((event) => event.transition).map((e) => [e.at, e.transition]);

Deno.test("a level must hold for its time before it fires, and be clear for its time before it ends", () => {
  assert.deepEqual(
    told(run([[0, 0.9], [5, 0.9], [10, 0.9], [20, 0.6], [24, 0.6], [25, 0.6]])),
    [[10, "fired"], [25, "resolved"]],
  );
  assert.deepEqual(
    told(run([[0, 0.9], [5, 0.5], [10, 0.9], [15, 0.9]])),
    [],
    "an interruption starts anew",
  );
});

Deno.test("between the levels nothing changes: no flapping at the edge", () => {
  assert.deepEqual(
    told(run([[0, 0.9], [10, 0.9], [20, 0.75], [40, 0.79], [60, 0.81], [80, 0.75]])),
    [[10, "fired"]],
  );
});

Deno.test("a warning that grows critical escalates once, and eases once that has held", () => {
  assert.deepEqual(
    told(run([[0, 0.9], [10, 0.9], [15, 0.96], [20, 0.99], [25, 0.9], [79, 0.9], [80, 0.9]])),
    [[10, "fired"], [15, "escalated"], [80, "eased"]],
  );
  assert.deepEqual(
    told(run([[0, 0.9], [10, 0.9], [15, 0.96], [40, 0.9], [50, 0.96], [75, 0.9], [90, 0.96]])),
    [[10, "fired"], [15, "escalated"]],
    "a value that swings around the critical level tells once",
  );
});

Deno.test("time with an unknown value counts neither as bad nor as clear", () => {
  assert.deepEqual(
    told(run([[0, 0.9], [2, null], [60, 0.9], [67, 0.9], [68, 0.9]])),
    [[68, "fired"]],
  );
  assert.deepEqual(
    told(run([[0, 0.9], [10, 0.9], [20, 0.5], [22, null], [60, 0.5], [64, 0.5], [65, 0.5]])),
    [[10, "fired"], [65, "resolved"]],
  );
});

/** An alert state with one rule about slots, and what judges the values of slots at a second. */
function slots(under: Rule = rule) {
  const state = new AlertState({ instance: "" });
  const explain = { evidence: () => [], cure: () => [] };
  return {
    state,
    judge: (second: number, slots: Record<string, number | null>, isComplete = true, now = under) =>
      state.judge(
        [now],
        Object.entries(slots).map(([scope, value]) => ({ metric: "m", scope, value })),
        { now: second * 1_000, complete: new Set(isComplete ? ["m"] : []), explain },
      ).map(({ kind }) => kind),
  };
}

Deno.test("time in which a scope was not read counts neither as bad nor as clear", () => {
  const { state, judge } = slots();
  assert.deepEqual(judge(0, { a: 0.9 }), []);
  assert.deepEqual(judge(2, {}, false), []);
  assert.deepEqual(judge(60, { a: 0.9 }), []);
  assert.deepEqual(judge(68, { a: 0.9 }), ["fired"]);
  assert.deepEqual(judge(70, { a: 0.5 }), []);
  assert.deepEqual(judge(71, {}, false), []);
  assert.equal(state.open()[0]?.unknown_since, new Date(71_000).toISOString());
  assert.deepEqual(judge(120, { a: 0.5 }), []);
  assert.deepEqual(judge(125, { a: 0.5 }), ["resolved"]);
});

Deno.test("an alert about a scope that is gone ends, and one about a scope that is not read when its rule is switched off", () => {
  const { judge } = slots();
  judge(0, { a: 0.9, b: 0.9 });
  assert.deepEqual(judge(10, { a: 0.9, b: 0.9 }), ["fired", "fired"]);
  assert.deepEqual(judge(20, { b: 0.9 }), []);
  assert.deepEqual(judge(25, { b: 0.9 }), ["resolved"]);
  assert.deepEqual(judge(30, {}, false, { ...rule, enabled: false }), ["resolved"]);
});

Deno.test("scopes that come and go leave nothing in memory", () => {
  const { state, judge } = slots();
  const heapUsed = () => {
    collectGarbage();
    return Deno.memoryUsage().heapUsed;
  };
  const round = (second: number) => {
    const scopes = Array.from({ length: 1_000 }, (_, n) => `${second} ${n}`);
    // Every second one is unknown, as the age of a feed is that has no accepted row.
    judge(second, Object.fromEntries(scopes.map((scope, n) => [scope, n % 2 === 0 ? 0.1 : null])));
    state.changedStates(second * 1_000);
  };
  round(0);
  const before = heapUsed();
  for (let second = 1; second <= 40; second++) round(second);
  const grown = heapUsed() - before;
  assert.ok(grown < 3 * 1024 * 1024, `40,000 calm scopes are gone, and hold ${grown} bytes`);
});

Deno.test("the stored state of a scope that is gone is deleted an hour after it last fired", () => {
  const { state, judge } = slots();
  const saved = (second: number) =>
    state.changedStates(second * 1_000).map(({ scope, state }) => [scope, state !== null]);
  judge(0, { a: 0.9 });
  assert.deepEqual(judge(10, { a: 0.9 }), ["fired"]);
  assert.deepEqual(saved(10), [["a", true]]);
  judge(20, {});
  assert.deepEqual(judge(25, {}), ["resolved"]);
  assert.deepEqual(saved(25), [["a", true]]);
  assert.deepEqual(saved(3_609), [], "one more time it would flap");
  assert.deepEqual(saved(3_610), [["a", false]]);
  assert.deepEqual(saved(3_611), []);
});

Deno.test("a rule that fires four times within an hour stays open until 15 minutes were quiet", () => {
  const bouts = (from: number): [number, number][] => [
    [from, 0.9],
    [from + 10, 0.9],
    [from + 20, 0.5],
    [from + 25, 0.5],
  ];
  const events = told(run([
    ...[0, 100, 200, 300].flatMap(bouts),
    [400, 0.9],
    [410, 0.9],
    [420, 0.5],
    [1_319, 0.5],
    [1_320, 0.5],
  ]));
  assert.deepEqual(events.slice(6), [[310, "fired"], [1_320, "resolved"]]);
});

const readings = fc.array(
  fc.tuple(
    fc.integer({ min: 1, max: 40 }),
    fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null }),
  ),
  { maxLength: 120 },
).map((steps) => {
  let at = 0;
  return steps.map(([gap, value]): [number, number | null] => [at += gap, value]);
});

Deno.test("no sequence of values fires twice without a resolve between, or resolves what does not fire", () => {
  fc.assert(fc.property(readings, (sequence) => {
    let firing = false;
    for (const { transition } of run(sequence)) {
      if (transition === "fired") {
        assert.ok(!firing);
        firing = true;
      } else if (transition !== undefined) {
        assert.ok(firing);
        if (transition === "resolved") firing = false;
      }
    }
  }));
});

Deno.test("an unknown value neither fires nor resolves", () => {
  fc.assert(fc.property(readings, (sequence) => {
    for (const { value, transition } of run(sequence)) {
      if (value === null) assert.equal(transition, undefined);
    }
  }));
});

Deno.test("after an alert ends, the next one waits for the cooldown", () => {
  fc.assert(fc.property(readings, (sequence) => {
    let ended = -Infinity;
    for (const { at, transition } of run(sequence)) {
      if (transition === "fired") assert.ok(at - ended >= rule.cooldown_seconds);
      if (transition === "resolved") ended = at;
    }
  }));
});

Deno.test("alerts begin no more often than the cooldown allows", () => {
  fc.assert(fc.property(readings, fc.integer({ min: 0, max: 200 }), (sequence, cooldown) => {
    const last = new Map<string, number>();
    const under = { ...rule, cooldown_seconds: cooldown };
    for (const { at, transition } of run(sequence, under)) {
      if (!transition) continue;
      assert.ok(at - (last.get(transition) ?? -Infinity) >= cooldown, `${transition} at ${at}`);
      last.set(transition, at);
    }
  }));
});

Deno.test("an alert ends only after its value was known and clear for the whole time", () => {
  fc.assert(fc.property(readings, (sequence) => {
    const events = run(sequence);
    events.forEach(({ at, transition }, index) => {
      if (transition !== "resolved") return;
      const since = events.slice(0, index + 1).findLastIndex(({ value }) =>
        value === null || value > rule.clear
      );
      const clearFrom = events[since + 1]?.at ?? Infinity;
      assert.ok(at - clearFrom >= rule.keep_firing_seconds);
    });
  }));
});

Deno.test("a restart at any time neither fires an alert twice nor forgets one", () => {
  fc.assert(
    fc.property(readings, fc.integer({ min: 0, max: 120 }), (sequence, stopAt) => {
      let state: RuleState = calm;
      let firing = false;
      let ended = -Infinity;
      sequence.forEach(([at, value], index) => {
        if (index === stopAt) {
          const before = sequence[index - 1]?.[0] ?? at;
          // As it is kept: JSON, without what only the present needs.
          const { criticalAt: _, ...kept } = state;
          state = afterAbsence({ ...calm, ...JSON.parse(JSON.stringify(kept)) }, before * 1000);
        }
        const result = step(rule, state, value, at * 1000);
        state = result.state;
        if (result.transition?.kind === "fired") {
          assert.ok(!firing && at - ended >= rule.cooldown_seconds);
          firing = true;
        }
        if (result.transition?.kind === "resolved") {
          assert.ok(firing);
          firing = false;
          ended = at;
        }
        assert.equal(state.phase === "firing", firing);
      });
    }),
  );
});

const alertOf = (changes: Partial<Alert>): Alert => ({
  ...sampleAlert("", "2026-01-01T00:00:00Z"),
  state: "firing",
  notified_at: null,
  notified_severity: null,
  ...changes,
});

Deno.test("the notice due follows from the alert and its last notice", () => {
  const now = Date.parse("2026-01-01T02:00:00Z");
  const due = (changes: Partial<Alert>) =>
    noticeDue(alertOf(changes), { now, remindMs: 3_600_000 });
  const earlier = "2026-01-01T01:00:00Z";
  const lately = "2026-01-01T01:30:00Z";
  assert.equal(due({}), "fired");
  assert.equal(due({ silenced_by: "x" }), undefined);
  assert.equal(due({ inhibited_by: "database_down" }), undefined);
  assert.equal(due({ notified_at: lately, notified_severity: "critical" }), undefined);
  assert.equal(due({ notified_at: lately, notified_severity: "warning" }), "escalated");
  assert.equal(
    due({ notified_at: lately, notified_severity: "critical", severity: "warning" }),
    "eased",
  );
  assert.equal(due({ notified_at: earlier, notified_severity: "critical" }), "reminder");
  assert.equal(
    due({ notified_at: earlier, notified_severity: "critical", acknowledged_at: lately }),
    undefined,
  );
  assert.equal(due({ state: "resolved" }), undefined, "the end of what nobody was told of");
  assert.equal(due({ state: "resolved", notified_at: earlier, silenced_by: "x" }), "resolved");
});

Deno.test("whatever silences do, every notified alert has one end, and reminders keep their distance", () => {
  const happening = fc.record({
    gap: fc.integer({ min: 1, max: 2_000 }),
    muted: fc.boolean(),
    severity: fc.constantFrom<Severity>("warning", "critical"),
  });
  fc.assert(fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
    let alert = alertOf({ severity: "warning" });
    let now = 0;
    const kinds: string[] = [];
    let toldAt = -Infinity;
    for (const { gap, muted, severity } of happenings) {
      now += gap * 1000;
      alert = { ...alert, severity, silenced_by: muted ? "x" : null };
      const kind = noticeDue(alert, { now, remindMs: 3_600_000 });
      if (!kind) continue;
      assert.ok(!muted);
      if (kind === "reminder") assert.ok(now - toldAt >= 3_600_000);
      kinds.push(kind);
      toldAt = now;
      alert = asTold(alert, now);
    }
    assert.ok(kinds.filter((kind) => kind === "fired").length <= 1);
    const end = noticeDue({ ...alert, state: "resolved" }, { now, remindMs: 0 });
    assert.equal(end, kinds.length > 0 ? "resolved" : undefined);
  }));
});

Deno.test("an alert that is a consequence of a firing one is inhibited", () => {
  const down = alertOf({ rule: "database_down" });
  const lost = alertOf({ rule: "slot_lost", scope: "a" });
  assert.equal(inhibitedBy(alertOf({ rule: "pool_wait" }), [down]), "database_down");
  assert.equal(inhibitedBy(down, [down]), undefined);
  assert.equal(inhibitedBy(alertOf({ rule: "slot_inactive", scope: "a" }), [lost]), "slot_lost");
  assert.equal(inhibitedBy(alertOf({ rule: "slot_inactive", scope: "b" }), [lost]), undefined);
  const names = new Set(shippedRules.map(({ name }) => name));
  for (const { name, inhibitedBy: cause } of shippedRules) {
    if (cause) assert.ok(names.has(cause.rule) && cause.rule !== name, name);
  }
});

Deno.test("a silence applies to the alerts that it names, from its start to its end", () => {
  const silence: Silence = {
    id: "s",
    rule: "lock_wait",
    scope: null,
    reason: "",
    created_by: "",
    created_at: "2026-01-01T00:00:00Z",
    starts_at: "2026-01-01T01:00:00Z",
    ends_at: "2026-01-01T02:00:00Z",
  };
  const at = (time: string, rule = "lock_wait") =>
    silencedBy({ rule, scope: "any" }, [silence], Date.parse(`2026-01-01T${time}Z`));
  assert.deepEqual([at("00:59:59"), at("01:00:00"), at("01:59:59"), at("02:00:00")], [
    undefined,
    "s",
    "s",
    undefined,
  ]);
  assert.equal(at("01:30:00", "deadlocks"), undefined);
});

Deno.test("a rehearsal finds in stored values what the rule would have done", () => {
  const points = [
    ...Array.from({ length: 20 }, (_, at) => ({ ts: at * 5_000, value: 0.5 })),
    ...Array.from({ length: 10 }, (_, at) => ({ ts: 100_000 + at * 5_000, value: 0.9 })),
    { ts: 150_000, value: 0.97 },
    ...Array.from({ length: 10 }, (_, at) => ({ ts: 155_000 + at * 5_000, value: 0.5 })),
    // Nobody looked for ten minutes.
    ...Array.from({ length: 5 }, (_, at) => ({ ts: 800_000 + at * 5_000, value: 0.5 })),
  ];
  const found = rehearse(rule, "", points, { from: 0, to: 900_000 });
  assert.equal(found.would_have_fired, 1);
  assert.equal(found.notices, 3);
  assert.deepEqual(found.firings, [{
    started_at: "1970-01-01T00:01:40.000Z",
    fired_at: "1970-01-01T00:01:50.000Z",
    resolved_at: "1970-01-01T00:02:40.000Z",
    severity: "critical",
    worst_value: 0.97,
    message: "Connection pool utilization high: 97%",
  }]);
  assert.ok(found.unknown_seconds > 590 && found.unknown_seconds < 600, `${found.unknown_seconds}`);
  assert.equal(
    rehearse({ ...rule, warning: null, critical: 0.99 }, "", points, {
      from: 0,
      to: 900_000,
    }).would_have_fired,
    0,
  );
  const spans = [{ ts: 0, value: 0.5, max: 0.96 }, { ts: 60_000, value: 0.5, max: 0.99 }];
  const rolled = rehearse(rule, "", spans, { from: 0, to: 120_000 });
  assert.equal(rolled.would_have_fired, 1, "a mean does not hide the worst of its span");
});

Deno.test("a rehearsal of hours reads values as measured, one of days their spans, 20,000 at most", () => {
  assert.equal(stepFor(0, 20_000_000), 0);
  assert.equal(stepFor(0, 20_001_000), 1_001);
  assert.equal(stepFor(0, 7 * 86_400_000), 30_240);
});

Deno.test("a rehearsal counts flapping as it is set", () => {
  const under = { ...rule, for_seconds: 0, keep_firing_seconds: 0, cooldown_seconds: 0 };
  const points = Array.from(
    { length: 60 },
    (_, n) => ({ ts: n * 10_000, value: n % 2 ? 0.5 : 0.9 }),
  );
  const firings = (flapFirings?: number) =>
    rehearse(under, "", points, { from: 0, to: 600_000, flapFirings }).would_have_fired;
  assert.deepEqual([firings(), firings(10), firings(0)], [4, 10, 30]);
});

Deno.test("a rehearsal agrees with the live judgement of the same values", () => {
  fc.assert(fc.property(readings, (sequence) => {
    const known = sequence.filter(([, value]) => value !== null);
    const even = known.map(([, value], at): [number, number | null] => [at * 5, value]);
    const lived = run(even).filter(({ transition }) => transition === "fired").length;
    const points = even.map(([at, value]) => ({ ts: at * 1000, value }));
    assert.equal(rehearse(rule, "", points, { from: 0, to: 1e9 }).would_have_fired, lived);
  }));
});

Deno.test("an explanation has the value, the level, and the statements to run", () => {
  const alert = alertOf({
    severity: "warning",
    value: 0.9,
    threshold: 0.8,
    unknown_since: "2026-01-01T00:05:00Z",
    cause: "Too many requests.",
    cure: [{ sql: "select 1", lock: "none", risk: "reads only" }],
  });
  const { why, runbook } = explain(rule, alert);
  assert.equal(why[0], "m is 90%; warning begins at 80% or more.");
  assert.match(why.join(" "), /must hold for 10 s to fire/);
  assert.match(why.join(" "), /unknown since 2026-01-01T00:05:00Z/);
  assert.equal(
    runbook,
    "Likely cause: Too many requests.\n1. select 1\n   lock: none; reads only",
  );
});

Deno.test("switching a rule off ends its alert", () => {
  let state = step({ ...rule, for_seconds: 0 }, calm, 0.9, 0).state;
  const off = { ...rule, enabled: false, keep_firing_seconds: 0 };
  const result = step(off, state, 0.9, 1_000);
  assert.equal(result.transition?.kind, "resolved");
  state = step(off, result.state, 0.9, 2_000).state;
  assert.equal(state.phase, "ok");
});

Deno.test("messages show values with units for people", () => {
  assert.equal(messageFor(rule, 0.8, ""), "Connection pool utilization high: 80%");
  assert.equal(
    messageFor({ ...rule, unit: "seconds", phrase: "Time left" }, 7_300, "market.ticks"),
    "Time left on market.ticks: 2 h",
  );
});

Deno.test("every shipped rule can fire and can end, under every profile", () => {
  for (const profile of ["development", "staging", "production"] as const) {
    const rules = buildRules(profile, []);
    assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
    for (const one of rules) {
      const first = one.warning ?? one.critical;
      assert.ok(first !== null, one.name);
      assert.notEqual(levelOf(one, first), "clear", `${one.name} at its level`);
      assert.equal(levelOf(one, one.clear), "clear", `${one.name} at its clear level`);
      const worst = one.direction === "above" ? 1e18 : -1;
      assert.equal(levelOf(one, worst), one.critical === null ? "warning" : "critical", one.name);
    }
  }
});

Deno.test("a level moved past the clear level takes it along", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      fc.constantFrom("above", "below"),
      (level, direction) => {
        const changed = withChanges({ ...rule, direction, critical: null }, { warning: level });
        assert.equal(levelOf(changed, level), "warning");
        assert.equal(levelOf(changed, changed.clear), "clear");
      },
    ),
  );
});
