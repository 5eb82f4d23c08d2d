import assert from "node:assert/strict";
import fc from "fast-check";
import { calm, type RuleState, step, type Transition } from "../services/alerts/engine.ts";
import { levelOf, messageFor, type Rule } from "../services/alerts/rule.ts";
import { buildRules, withChanges } from "../services/alerts/rules.ts";

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

Deno.test("a warning that grows critical escalates once, and eases once", () => {
  assert.deepEqual(
    told(run([[0, 0.9], [10, 0.9], [15, 0.96], [20, 0.99], [25, 0.9], [30, 0.9]])),
    [[10, "fired"], [15, "escalated"], [25, "eased"]],
  );
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

Deno.test("no sequence of readings fires twice without a resolve between, nor resolves what does not fire", () => {
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

Deno.test("missing data changes nothing: it neither fires nor resolves", () => {
  fc.assert(fc.property(readings, (sequence) => {
    for (const { value, transition } of run(sequence)) {
      if (value === null) assert.equal(transition, undefined);
    }
  }));
});

Deno.test("after an alert ended, the next waits out the cooldown", () => {
  fc.assert(fc.property(readings, (sequence) => {
    let ended = -Infinity;
    for (const { at, transition } of run(sequence)) {
      if (transition === "fired") assert.ok(at - ended >= rule.cooldown_seconds);
      if (transition === "resolved") ended = at;
    }
  }));
});

Deno.test("switching a rule off ends its alert", () => {
  let state = step({ ...rule, for_seconds: 0 }, calm, 0.9, 0).state;
  const off = { ...rule, enabled: false, keep_firing_seconds: 0 };
  const result = step(off, state, 0.9, 1_000);
  assert.equal(result.transition?.kind, "resolved");
  state = step(off, result.state, 0.9, 2_000).state;
  assert.equal(state.phase, "ok");
});

Deno.test("messages say it as people do", () => {
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
