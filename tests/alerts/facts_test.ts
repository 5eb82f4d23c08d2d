import assert from "node:assert/strict";
import type { RecordsDb } from "../../db/records/records.ts";
import { createLogger } from "../../log.ts";
import type { Evidence, MetricValue } from "../../services/alerts/alert.ts";
import type { Explain } from "../../services/alerts/evaluation/judgement.ts";
import { AlertState } from "../../services/alerts/evaluation/state.ts";
import { createCanary } from "../../services/alerts/evaluation/canary.ts";
import { createFactChanges } from "../../services/alerts/evaluation/facts.ts";
import type { Rule } from "../../services/alerts/rules/rule.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";

const log = createLogger({ level: "error", write: () => {} });

const rule: Rule = {
  name: "lock_wait",
  title: "",
  metric: "m",
  unit: "seconds",
  direction: "above",
  warning: 10,
  critical: 100,
  clear: 5,
  for_seconds: 0,
  keep_firing_seconds: 60,
  cooldown_seconds: 0,
  enabled: true,
  phrase: "Waiting",
  cause: "today's words",
  cure: [],
};

function watched() {
  const state = new AlertState({ instance: "" });
  let evidence: Evidence[] = [];
  let cure: Rule["cure"] = [];
  const explain: Explain = { evidence: () => structuredClone(evidence), cure: () => [...cure] };
  return {
    state,
    explain,
    judge(
      value: number | null,
      now: number,
      seen: unknown,
      { under = rule, sql = "" }: { under?: Rule; sql?: string } = {},
    ) {
      evidence = [{ name: "who", value: seen }];
      cure = [{ sql, lock: "", risk: "" }];
      const values: MetricValue[] = [{ metric: "m", scope: "", value }];
      return state.judge([under], values, { now, complete: new Set(), explain });
    },
    get alert() {
      const [alert] = state.open();
      assert.ok(alert);
      return alert;
    },
  };
}

Deno.test("an open alert shows its present facts, and its last bad value after it ended", () => {
  const one = watched();
  one.judge(20, 0, "first", { sql: "select 1" });
  const changes = one.judge(30, 1_000, "second", {
    sql: "select 2",
    under: { ...rule, warning: 15, cause: "other words" },
  });
  assert.deepEqual(changes, [], "nobody is notified of it");
  const { value, message, threshold, cause, evidence, cure } = one.alert;
  assert.deepEqual(
    { value, message, threshold, cause, evidence, sql: cure[0]?.sql },
    {
      value: 30,
      message: "Waiting: 30 s",
      threshold: 15,
      cause: "other words",
      evidence: [{ name: "who", value: "second" }],
      sql: "select 2",
    },
  );
  one.judge(7, 2_000, "between the levels");
  assert.deepEqual(one.alert.evidence, [{ name: "who", value: "between the levels" }]);
  one.judge(null, 3_000, "nothing is known");
  one.judge(0, 4_000, "it is over");
  assert.deepEqual(one.alert.evidence, [{ name: "who", value: "between the levels" }]);
  const [resolved] = one.judge(0, 64_000, "it is over");
  assert.equal(resolved?.kind, "resolved");
  assert.deepEqual(resolved?.alert.evidence, [{ name: "who", value: "between the levels" }]);
});

Deno.test("facts are saved when they change, once a minute at most, also after a clock was set back", () => {
  const one = watched();
  const facts = createFactChanges();
  const written = (now: number, seen: unknown, value = 20) => {
    one.judge(value, now, seen);
    return facts.take(one.state.open(), now).length;
  };
  const day = 86_400_000;
  assert.equal(written(day, { pid: 1 }), 1, "it fires");
  assert.equal(written(day + 5_000, { pid: 1 }, 25), 0, "its value alone is other");
  assert.equal(written(day + 10_000, { pid: 2 }), 1, "it has another cause");
  assert.equal(written(day + 15_000, { pid: 3 }), 0, "the minute is not over");
  assert.equal(written(day + 69_000, { pid: 3 }), 0);
  assert.equal(written(day + 70_000, { pid: 3 }), 1, "what changed meanwhile");
  assert.equal(written(day + 400_000, { pid: 3 }), 0);
  assert.equal(written(day + 405_000, { pid: 4 }), 1);
  assert.equal(written(1_000, { pid: 5 }), 1, "the clock was set back");
});

/** Records of a server that answers one thing after another; an error is thrown. */
function scripted(answers: unknown[]): RecordsDb {
  return {
    run<T>() {
      const next = answers.shift();
      return next instanceof Error ? Promise.reject(next) : Promise.resolve([next] as T);
    },
  };
}

Deno.test("a write that a new standby refuses is not taken for a read-only default", async () => {
  const clock = { now: () => new Date() };
  const access = createWriteAccess({ clock, log });
  const facts = {
    database: "trading",
    role: "holdfast",
    in_recovery: false,
    read_only: false,
    source: null,
    new_sessions_read_only: null,
    set_for: null,
  };
  const refused = () => Object.assign(new Error("in a read-only transaction"), { code: "25006" });
  const answers = [
    facts,
    ...Array.from({ length: 3 }, refused),
    { ...facts, in_recovery: true, read_only: true, source: "default" },
    { receiver: null, sender_host: "db1", sender_port: 5432, conninfo: null },
  ];
  const canary = createCanary({
    db: scripted(answers),
    name: "me",
    everyMs: 1_000,
    access,
    preparation: {
      isStarted: () => true,
      isBegun: () => true,
      begin: () => Promise.resolve(),
      findSchema: () => Promise.resolve(),
      renewSessions: () => {},
    },
    isDiskFull: () => false,
    clock,
    log,
  });
  const causes: unknown[] = [];
  access.onChange(({ cause }) => causes.push(cause));
  await canary.check();
  await canary.stop?.();
  assert.deepEqual(causes, ["standby"]);
  assert.match(access.state().reason, /is a standby of db1:5432/);
  assert.deepEqual(answers, []);
});
