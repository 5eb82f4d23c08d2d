import assert from "node:assert/strict";
import type { BenchmarkCase } from "../../services/benchmarks/case.ts";
import { historyOf } from "../../services/benchmarks/reporting/history.ts";
import { htmlReport } from "../../services/benchmarks/reporting/html.ts";
import { markdownReport } from "../../services/benchmarks/reporting/markdown.ts";
import {
  type PerformanceReport,
  reportOf,
  validationOf,
} from "../../services/benchmarks/reporting/categories.ts";
import type { BenchmarkRun, RunStatus, StoredResult } from "../../services/benchmarks/run.ts";

const done = () => Promise.resolve({ units: 1 });
const caseOf = (
  id: string,
  category: BenchmarkCase["category"],
  counts = true,
): BenchmarkCase => ({
  id,
  category,
  counts,
  title: id,
  unit: "rows/s",
  target: 0.3,
  arms: { baseline: { name: "a", run: done }, candidate: { name: "b", run: done } },
  setup: () => Promise.resolve(),
  verify: () => Promise.resolve({ problem: null, notes: [] }),
});

const cases = [
  caseOf("insert_main", "insert_performance"),
  caseOf("insert_aside", "insert_performance", false),
  caseOf("calc_a", "calculation_performance"),
  caseOf("calc_b", "calculation_performance"),
];

/** Twelve blocks around `ratio`, and a fair null. */
function result(id: string, ratio: number | null): StoredResult {
  const { category } = cases.find((bench) => bench.id === id)!;
  const around = (centre: number) =>
    Array.from({ length: 12 }, (_, at) => Math.log(centre) + (at - 5.5) / 1_000);
  return {
    case: id,
    category,
    baseline: ratio && 100,
    candidate: ratio && 100 * ratio,
    unit: "rows/s",
    ratio,
    improvement: ratio && ratio - 1,
    ci_low: null,
    ci_high: null,
    target: 0.3,
    target_unit: "ratio",
    verdict: "fail",
    samples: 12,
    null_ci_low: null,
    null_ci_high: null,
    why: "",
    evidence: null,
    log_ratios: ratio ? around(ratio) : [],
    null_log_ratios: ratio ? around(1) : [],
  };
}

let runs = 0;
const run = (
  results: StoredResult[],
  status: RunStatus = "completed",
): BenchmarkRun<StoredResult> => ({
  id: `run-${++runs}`,
  profile: "quick",
  status,
  started_at: "2026-01-01T00:00:00.000Z",
  finished_at: "2026-01-01T00:01:00.000Z",
  seed: 1,
  environment: {},
  results,
  error: null,
});

const categoryOf = (report: PerformanceReport, name: string) =>
  report.categories.find(({ category }) => category === name)!;

Deno.test("every category is reported, not_measured where nothing ran", () => {
  const report = reportOf([], cases, {});
  assert.deepEqual(
    report.categories.map(({ category, target, verdict }) => [category, target, verdict]),
    [
      ["insert_performance", 0.3, "not_measured"],
      ["calculation_performance", 1, "not_measured"],
      ["high_frequency_capacity", 10_000, "not_measured"],
      ["query_performance", 0.35, "not_measured"],
      ["connection_pool", 0.5, "not_measured"],
      ["partition_maintenance", 1, "not_measured"],
      ["monitoring_overhead", -0.05, "not_measured"],
      ["broadcast_fanout", 1, "not_measured"],
    ],
  );
  assert.equal(report.measured_at, null);
  assert.equal(validationOf(report).passed, false);
});

Deno.test("a category is the geometric mean of its cases, with an interval", () => {
  const report = reportOf([run([result("calc_a", 4), result("calc_b", 1)])], cases, {});
  const calculation = categoryOf(report, "calculation_performance");
  assert.ok(Math.abs(calculation.improvement! - 1) < 1e-9);
  assert.ok(calculation.ci_low! < 1 && calculation.ci_high! > 1);
  assert.equal(calculation.verdict, "inconclusive");
  assert.equal(calculation.unit, "rows/s");
  assert.ok(Math.abs(calculation.current! / calculation.baseline! - 2) < 1e-9);
});

Deno.test("cases that do not count leave the verdict alone", () => {
  const report = reportOf(
    [run([result("insert_main", 1.1), result("insert_aside", 9)])],
    cases,
    {},
  );
  assert.equal(categoryOf(report, "insert_performance").verdict, "fail");
});

Deno.test("a run of some of the cases does not stand for the category", () => {
  const whole = run([result("calc_a", 1.1), result("calc_b", 1.1)]);
  const picked = run([result("calc_a", 9)]);
  const report = reportOf([picked, whole], cases, {});
  const calculation = categoryOf(report, "calculation_performance");
  assert.equal(calculation.run_id, whole.id);
  assert.equal(calculation.verdict, "fail");
});

Deno.test("a run that was aborted or still goes on is no evidence", () => {
  const results = [result("insert_main", 2)];
  for (const status of ["aborted", "running", "queued"] as const) {
    const report = reportOf([run(results, status)], cases, {});
    assert.equal(categoryOf(report, "insert_performance").verdict, "not_measured");
  }
});

Deno.test("a case that failed its verification fails its category", () => {
  const report = reportOf([run([result("insert_main", null)], "failed")], cases, {});
  const insert = categoryOf(report, "insert_performance");
  assert.equal(insert.verdict, "fail");
  assert.equal(insert.improvement, null);
});

Deno.test("settings move a target, and the verdict with it", () => {
  const history = [run([result("insert_main", 1.5)])];
  const verdict = (target: number) =>
    categoryOf(reportOf(history, cases, { insert_performance: target }), "insert_performance");
  assert.equal(verdict(0.3).verdict, "pass");
  assert.equal(verdict(0.9).verdict, "fail");
});

Deno.test("a report escapes what it shows, and draws every interval", () => {
  const hostile = { ...result("insert_main", 1.5), ci_low: 0.4, ci_high: 0.6, why: "<script>&" };
  const html = htmlReport(
    { ...run([hostile, result("calc_a", null)]), error: '"><img src=x>' },
    (id) => id === "calc_a",
  );
  assert.equal(html.match(/informs only/g)?.length, 1, "the one that does not count says so");
  assert.doesNotMatch(html, /<script|<img/);
  assert.equal(html.match(/<svg/g)?.length, 1, "a case without figures has no plot");
  const markdown = markdownReport(run([{ ...hostile, why: "a | b" }]), () => true);
  assert.match(markdown, /\(informs only\)/);
  assert.match(markdown, /\| insert_main \| 100 rows\/s \| 150 rows\/s \|/);
});

Deno.test("the history of a case shows its runs oldest first, and where it changed", () => {
  const level = (ratio: number, at: number) => {
    const one = run([{ ...result("insert_main", ratio), ci_low: 0, ci_high: 1 }]);
    return { ...one, finished_at: new Date(Date.UTC(2026, 0, 1 + at)).toISOString() };
  };
  const newestFirst = Array.from(
    { length: 20 },
    (_, at) => level((at < 12 ? 1.5 : 1.1) + (at % 3) / 100, at),
  ).toReversed();
  const aborted = run([result("insert_main", 9)], "aborted");
  const [history] = historyOf([aborted, ...newestFirst], ["insert_main"]);
  assert.equal(history!.points.length, 20);
  assert.deepEqual(
    history!.points.map(({ measured_at }) => measured_at),
    history!.points.map(({ measured_at }) => measured_at).toSorted(),
  );
  assert.equal(history!.changes.length, 1);
  assert.equal(history!.changes[0]!.run_id, newestFirst.toReversed()[12]!.id);
  assert.ok(history!.changes[0]!.before > 0.5 && history!.changes[0]!.after < 0.13);
});

Deno.test("runs of another profile, which has more data, are no change of the level", () => {
  const newestFirst = Array.from({ length: 20 }, (_, at) => {
    const ratio = (at < 10 ? 2 : 1.1) + (at % 3) / 100;
    return {
      ...run([{ ...result("insert_main", ratio), ci_low: 0, ci_high: 1 }]),
      profile: at < 10 ? "full" as const : "quick" as const,
      finished_at: new Date(Date.UTC(2026, 0, 30 - at)).toISOString(),
    };
  });
  const [history] = historyOf(newestFirst, ["insert_main"]);
  assert.equal(history!.points.length, 20);
  assert.deepEqual(history!.changes, []);
});
