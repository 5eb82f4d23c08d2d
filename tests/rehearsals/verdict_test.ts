import assert from "node:assert/strict";
import fc from "fast-check";
import { changesRowSecurity } from "../../services/rehearsals/replay/shown_changes.ts";
import { createLockRecord } from "../../services/rehearsals/change/locks.ts";
import type { ChangeCost, StatementResult } from "../../services/rehearsals/rehearsal.ts";
import { charge, judgeStatement } from "../../services/rehearsals/replay/judge.ts";
import { judgeTimeout } from "../../services/rehearsals/replay/statements.ts";
import { areEnough, fewestFor, hasTime } from "../../services/rehearsals/replay/replay.ts";
import { rehearsalProfiles } from "../../services/rehearsals/replay/profiles.ts";
import { planAnalyses } from "../../services/benchmarks/measuring/sequential.ts";
import { describeDifference, readPlan } from "../../services/rehearsals/replay/plan_text.ts";
import { isShownByPlans, isUnseen } from "../../services/rehearsals/replay/shown_settings.ts";
import {
  canRehearse,
  changeOf,
  checkSettings,
  checkWorkload,
} from "../../services/rehearsals/request.ts";
import {
  isEnded,
  nextStatus,
  type RehearsalEvent,
  rehearsalStatuses,
} from "../../services/rehearsals/state.ts";
import { reachOf } from "../../services/rehearsals/phases.ts";
import { judgeChange } from "../../services/rehearsals/verdict.ts";

Deno.test("a rehearsal passes its statuses in order, and an ended one keeps its status", () => {
  const events = fc.array(
    fc.constantFrom<RehearsalEvent>("step_finished", "failure", "abort"),
    { maxLength: 12 },
  );
  fc.assert(fc.property(events, (happened) => {
    let status = rehearsalStatuses[0] as (typeof rehearsalStatuses)[number];
    for (const event of happened) {
      const next = nextStatus(status, event);
      if (isEnded(status)) assert.equal(next, status);
      else if (event === "failure") assert.equal(next, "failed");
      else if (event === "abort") assert.equal(next, "aborted");
      else assert.equal(rehearsalStatuses.indexOf(next), rehearsalStatuses.indexOf(status) + 1);
      status = next;
    }
  }));
  let status: (typeof rehearsalStatuses)[number] = "queued";
  for (let step = 0; step < 6; step++) status = nextStatus(status, "step_finished");
  assert.equal(status, "done");
});

const around = (value: number, half: number) => ({ value, low: value - half, high: value + half });

Deno.test("a statement's verdict needs the whole interval, widened by the earlier difference of the copies", () => {
  const judge = (
    measured: ReturnType<typeof around> | null,
    before: ReturnType<typeof around> | null = null,
    untouched: false | "files" | "settings" = false,
    sufficient = true,
  ) => judgeStatement(measured, { before, untouched, sufficient }).verdict;
  assert.equal(judge(around(0.7, 0.2)), "improved");
  assert.equal(judge(around(-0.7, 0.2)), "worse");
  assert.equal(judge(around(0, 0.02)), "no_difference");
  assert.equal(judge(around(0.1, 0.2)), "unclear");
  assert.equal(judge(null), "not_measured");
  // Eight blocks cannot prove anything at one in a thousand.
  assert.ok(areEnough(8, 0.01) && !areEnough(8, 0.001));
  assert.equal(judge(around(0.7, 0.2), null, false, false), "unclear");
  assert.equal(fewestFor(0.05), 8);
  assert.equal(fewestFor(0.001), 12);
  // The copies were as far apart before the change.
  assert.equal(judge(around(0.2, 0.05), around(0.2, 0.05)), "unclear");
  // What is shown, and what the saving of a change is computed from, is widened as well.
  assert.deepEqual(charge(around(0.5, 0.25), around(0.25, 0.125)), { low: -0.125, high: 1.125 });
  assert.deepEqual(charge(around(0.5, 0.25), around(0, 0.125)), { low: 0.25, high: 0.75 });
  // The same plan over the same files cannot have become faster by the change.
  assert.equal(judge(around(0.7, 0.2), null, "files"), "unclear");
  assert.equal(judge(around(0.1, 0.3), null, "settings"), "no_difference");
});

function statement(part: Partial<StatementResult>): StatementResult {
  return {
    query: "select 1",
    query_id: null,
    kind: "read",
    share: 0.5,
    params: "none",
    variants: 1,
    before_ms: 1,
    after_ms: 1,
    improvement: 0,
    ci_low: -0.01,
    ci_high: 0.01,
    null_ci_low: null,
    null_ci_high: null,
    verdict: "no_difference",
    why: "",
    plan_before: null,
    plan_after: null,
    plan_changed: false,
    plan_difference: [],
    generic_plan: null,
    generic_cost: null,
    buffers_before: null,
    buffers_after: null,
    ...part,
  };
}

const cost = (low: number | null, high: number | null): ChangeCost => ({
  seconds: 1,
  locks: [],
  worst_stall_ms: 1,
  reader_stall_ms: 1,
  writer_stall_ms: 1,
  bytes: 0,
  wal_bytes: 0,
  write_improvement: low === null || high === null ? null : (low + high) / 2,
  write_ci_low: low,
  write_ci_high: high,
  tables: [],
});

const faster = statement({ verdict: "improved", improvement: 1, ci_low: 0.8, ci_high: 1.2 });
const slower = statement({ verdict: "worse", improvement: -0.5, ci_low: -0.6, ci_high: -0.4 });
const coverage = { statements: 2, of: 2, time_share: 1 };
const judged = (
  statements: StatementResult[],
  more: { cost?: ChangeCost; coverage?: typeof coverage; writesUntouched?: boolean } = {},
) => judgeChange({ statements, coverage, cost: null, ...more });

Deno.test("the verdict of a change", () => {
  const same = statement({});
  const open = statement({ verdict: "unclear", ci_low: -0.3, ci_high: 0.3 });
  assert.equal(judged([faster, same]).verdict, "worth_it");
  assert.equal(judged([same, same]).verdict, "not_worth_it");
  assert.equal(judged([same, same], { cost: cost(-0.3, -0.2) }).verdict, "not_worth_it");
  assert.equal(judged([same, same], { cost: cost(0.2, 0.3) }).verdict, "worth_it");
  assert.equal(judged([slower, same]).verdict, "harmful");
  assert.equal(judged([slower, same], { cost: cost(0.2, 0.3) }).verdict, "harmful");
  assert.equal(judged([open, same]).verdict, "cannot_tell");
  assert.equal(
    judged([], { coverage: { statements: 0, of: 3, time_share: 0 } }).verdict,
    "cannot_tell",
  );
  assert.equal(
    judged([same], { coverage: { statements: 1, of: 9, time_share: 0.2 } }).verdict,
    "cannot_tell",
  );
  // Little of all time is saved.
  assert.equal(judged([{ ...faster, share: 0.001 }, same]).verdict, "not_worth_it");
  // On the whole it saves, and the regression is named first.
  const mixed = judged([{ ...faster, share: 0.9 }, { ...slower, share: 0.05, query: "select 2" }]);
  assert.equal(mixed.verdict, "worth_it");
  assert.match(mixed.summary, /^Worth it on the whole, but slower: .*select 2.*; faster: /);
  assert.equal(judged([{ ...faster, share: 0.1 }, { ...slower, share: 0.9 }]).verdict, "harmful");
  const broken = judged([statement({ verdict: "worse", improvement: -1, ci_low: null })]);
  assert.equal(broken.verdict, "harmful");
  assert.match(broken.summary, /fails: "select 1"/);
});

Deno.test("inserts that do the same as before are neither faster nor slower, whatever was measured", () => {
  const untouched = (low: number, high: number) =>
    judged([statement({})], { cost: cost(low, high), writesUntouched: true });
  for (const [low, high] of [[0.03, 0.44], [-0.4, -0.1]] as const) {
    const { verdict, summary } = untouched(low, high);
    assert.equal(verdict, "not_worth_it");
    assert.match(summary, /no statement gets faster; inserts do the same as before;/);
  }
});

Deno.test("a summary says nothing of clients, settings and commits that were not measured", () => {
  const same = statement({});
  const on = (tables: string[]) => judged([same], { cost: { ...cost(-0.01, 0.01), tables } });
  assert.match(on(["app.t"]).summary, /no client was blocked/);
  assert.doesNotMatch(on([]).summary, /blocked/);
  const setting = (unseen: string[]) =>
    judgeChange({
      statements: [same],
      coverage,
      cost: cost(null, null),
      source: "settings",
      unseen: unseen.filter(isUnseen),
    });
  assert.equal(setting(["work_mem", "jit"]).verdict, "not_worth_it");
  assert.doesNotMatch(setting(["work_mem"]).summary, /to make/);
  const commit = setting(["synchronous_commit", "max_wal_size", "wal_compression"]);
  assert.equal(commit.verdict, "cannot_tell");
  assert.match(commit.summary, /shows nothing of synchronous_commit, max_wal_size;/);
});

Deno.test("a change is worth it only with a statement or writes that are proven faster", () => {
  const verdicts = fc.constantFrom("worse", "no_difference", "unclear", "not_measured");
  const result = fc.record({
    verdict: verdicts,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(fc.property(fc.array(result, { maxLength: 8 }), (results) => {
    const { verdict } = judged(
      results.map((one) => statement(one as Partial<StatementResult>)),
      { cost: cost(-0.2, 0.02) },
    );
    assert.notEqual(verdict, "worth_it");
  }));
});

Deno.test("locks are combined from samples, with the clients that waited", () => {
  const record = createLockRecord();
  const as = { changer: "c", clients: { r: "readers", w: "writers" } };
  const lock = (application: string, mode: string, granted: boolean) => ({
    application,
    mode,
    granted,
    relation: "app.t",
  });
  record.note([lock("c", "ShareLock", true)], 100, as);
  record.note([lock("c", "ShareLock", true), lock("w", "RowExclusiveLock", false)], 180, as);
  record.note([lock("w", "RowExclusiveLock", true)], 200, as);
  record.noteHeld([{ mode: "AccessExclusiveLock", relation: "app.u" }], {
    sinceMs: 50,
    untilMs: 60,
  });
  assert.deepEqual(record.report(), [
    { lock: "ShareLock", relation: "app.t", held_ms: 80, blocked: ["writers"] },
    { lock: "AccessExclusiveLock", relation: "app.u", held_ms: 10, blocked: [] },
  ]);
});

Deno.test("plans are compared by their nodes", () => {
  const scan = (node: string, index?: string) =>
    readPlan([{
      Plan: {
        "Node Type": "Limit",
        "Actual Rows": 1,
        "Shared Hit Blocks": index ? 4 : 900,
        Plans: [{ "Node Type": node, "Relation Name": "t", "Index Name": index }],
      },
    }])!;
  const [before, after] = [scan("Seq Scan"), scan("Index Scan", "t_a")];
  assert.deepEqual(describeDifference(before, after), [
    "gone: Seq Scan on t",
    "new: Index Scan using t_a on t",
    "buffers: 900 before, 4 after",
  ]);
  assert.deepEqual(after.relations, ["t", "t_a"]);
  assert.deepEqual(describeDifference(before, before), []);
  assert.equal(readPlan("nonsense"), undefined);
});

Deno.test("two executions are the same only with the same sorts, hashes and temporary files", () => {
  const sorted = (more: Record<string, unknown>) =>
    readPlan([{
      Plan: {
        "Node Type": "Sort",
        "Actual Total Time": Math.random(),
        "Shared Hit Blocks": 10,
        "Sort Method": "external merge",
        "Sort Space Type": "Disk",
        "Sort Space Used": 900,
        "Temp Read Blocks": 100,
        "Temp Written Blocks": 110,
        Plans: [{ "Node Type": "Hash", "Hash Batches": 4, "Peak Memory Usage": 64 }],
        ...more,
      },
    }])!;
  const spilled = sorted({});
  const cached = { "Shared Hit Blocks": 4, "Shared Read Blocks": 6, "Total Cost": 9 };
  assert.equal(sorted(cached).execution, spilled.execution);
  const fewerRuns = sorted({ "Temp Read Blocks": 90 });
  const fewerBatches = sorted({ Plans: [{ "Node Type": "Hash", "Hash Batches": 1 }] });
  const inMemory = sorted({
    "Sort Method": "quicksort",
    "Sort Space Type": "Memory",
    "Temp Read Blocks": 0,
    "Temp Written Blocks": 0,
  });
  for (const other of [fewerRuns, fewerBatches, inMemory]) {
    assert.notEqual(other.execution, spilled.execution);
    assert.equal(other.shape, spilled.shape);
  }
  assert.deepEqual(describeDifference(spilled, inMemory), [
    "temporary pages: 210 before, 0 after",
  ]);
  assert.match(spilled.text, /external merge, 210 temporary pages/);
});

Deno.test("plans show what planner and memory settings do, and not what those of I/O or a cached plan do", () => {
  for (const name of ["work_mem", "random_page_cost", "enable_seqscan", "geqo_seed"]) {
    assert.ok(isShownByPlans(name), name);
  }
  for (
    const name of ["jit", "plan_cache_mode", "effective_io_concurrency", "autovacuum", "x_work_mem"]
  ) {
    assert.ok(!isShownByPlans(name), name);
  }
});

Deno.test("a time limit waits for enough blocks to prove something, but not for ever", () => {
  const limitMs = 10_000;
  assert.ok(hasTime(9_999, { limitMs, sufficient: true }));
  assert.ok(!hasTime(10_000, { limitMs, sufficient: true }));
  assert.ok(hasTime(30_000, { limitMs, sufficient: false }));
  assert.ok(!hasTime(60_000, { limitMs, sufficient: false }));
  // The first analysis of a quick rehearsal can prove an effect, also with ten statements.
  const { analyses } = rehearsalProfiles.quick.after;
  const [first] = planAnalyses(analyses);
  assert.ok(areEnough(first!.blocks, first!.alpha / (10 + 1)));
});

const path = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return (error as { problems: { path: string }[] }).problems[0]?.path;
  }
};

Deno.test("a request that cannot be rehearsed names its field", () => {
  const advice = () => ({ title: "Grant it", sql: "grant pg_monitor to <the role>" });
  const none = () => undefined;
  assert.equal(path(() => changeOf({}, none)), "sql");
  assert.equal(path(() => changeOf({ sql: "select 1", settings: { a: 1 } }, none)), "settings");
  assert.equal(path(() => changeOf({ sql: " -- nothing" }, none)), "sql");
  assert.throws(
    () => changeOf({ sql: "select 1;\ncopy t from stdin;\n1" }, none),
    /sql: statement 2 \(line 2\) is COPY … FROM STDIN, .* INSERT … VALUES/,
  );
  assert.equal(path(() => checkWorkload([{ sql: "copy t to stdout" }])), "workload.0.sql");
  assert.throws(
    () => changeOf({ sql: "begin; alter table t add a int" }, none),
    /sql: begins a transaction in line 1 and does not end it: add COMMIT/,
  );
  assert.equal(path(() => changeOf({ settings: {} }, none)), "settings");
  assert.equal(path(() => changeOf({ recommendation: "x" }, none)), "recommendation");
  assert.equal(path(() => changeOf({ recommendation: "x" }, advice)), "recommendation");
  assert.deepEqual(changeOf({ settings: { Work_Mem: "64MB", jit: false } }, none), {
    source: "settings",
    settings: { work_mem: "64MB", jit: "off" },
  });
  const facts = [
    { name: "work_mem", category: "Resource Usage / Memory", context: "user" },
    { name: "archive_command", category: "Write-Ahead Log / Archiving", context: "sighup" },
    { name: "shared_buffers", category: "Resource Usage / Memory", context: "postmaster" },
    { name: "block_size", category: "Preset Options", context: "internal" },
    {
      name: "dynamic_library_path",
      category: "Client Connection Defaults / Other Defaults",
      context: "superuser",
    },
  ];
  checkSettings({ work_mem: "64MB" }, facts);
  for (
    const [name, value] of [
      ["shared_buffers", "8GB"],
      ["work_mem", "1' -c archive_command='x"],
      ["work_mem", "$(id)"],
      ["archive_command", "x"],
      ["dynamic_library_path", "/tmp"],
      ["block_size", "1"],
      ["no_such", "1"],
    ] as const
  ) {
    assert.equal(path(() => checkSettings({ [name]: value }, facts)), `settings.${name}`);
  }
  assert.ok(canRehearse({ title: "", sql: "drop index concurrently app.x" }));
  assert.ok(canRehearse({ title: "", sql: "create index concurrently on app.t (a)" }));
  assert.ok(
    !canRehearse({ title: "", sql: "alter system set shared_buffers = '25% of the memory'" }),
  );
  assert.ok(!canRehearse({ title: "" }));
});

Deno.test("a change of rows or functions may act on a statement whose plan and files are the same", () => {
  const touches = (sql: string) => reachOf({ source: "sql", sql }, () => false).kind === "content";
  for (
    const sql of [
      "update app.trades set note = note",
      "delete from app.trades where ts < now()",
      "vacuum (analyze) app.trades",
      "create index on app.trades (note); insert into app.trades select * from app.more",
      "do $$ begin perform app.tidy(); end $$",
      "create or replace function app.f() returns int language sql as 'select 1'",
      "select app.tidy()",
      "create or replace view app.v as select app.f() from app.trades",
      "create rule r as on insert to app.trades do nothing",
    ]
  ) assert.equal(touches(sql), true, sql);
  for (
    const sql of [
      "create index concurrently on app.trades (note)",
      "-- why\nanalyze app.trades",
      "vacuum (full, analyze) app.trades",
      "vacuum full app.trades",
      "comment on table app.trades is 'nothing'",
      "begin; alter table app.trades set (fillfactor = 90); commit",
    ]
  ) assert.equal(touches(sql), false, sql);
});

Deno.test("a script that changes row security is recognised", () => {
  assert.ok(changesRowSecurity("create policy p on app.t using (true)"));
  assert.ok(changesRowSecurity("select 1; alter table app.t\n  enable row level security"));
  assert.ok(!changesRowSecurity("comment on policy p on app.t is 'x'"));
  assert.ok(!changesRowSecurity("alter table app.t add note text"));
});

Deno.test("a statement that exceeds its timeout is worse only where the unchanged copy stays well below", () => {
  assert.equal(judgeTimeout(undefined, 5_000).verdict, "not_measured");
  assert.equal(judgeTimeout(4_900, 5_000).verdict, "unclear");
  const { verdict, improvement, why } = judgeTimeout(500, 5_000);
  assert.deepEqual([verdict, improvement], ["worse", -0.9]);
  assert.equal(
    why,
    "It takes 500.0 ms on the unchanged copy, and more than 5 s on the changed one",
  );
});
