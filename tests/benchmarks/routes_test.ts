import assert from "node:assert/strict";
import { HoldfastError } from "../../errors.ts";
import {
  BenchmarkCaseList,
  BenchmarkRun,
  BenchmarkRunList,
  BenchmarkValidation,
  PerformanceImprovementMetrics,
} from "../../routes/benchmarks/schemas.ts";
import { benchmarkRoutes } from "../../routes/benchmarks/benchmarks.ts";
import { reportOf, validationOf } from "../../services/benchmarks/reporting/categories.ts";
import type { BenchmarkRun as Run } from "../../services/benchmarks/run.ts";
import type { Benchmarks, StartOptions } from "../../services/benchmarks/service.ts";

const id = "0b6fd0a4-6b5e-4d58-9c0e-3a4f3a3f1f11";
const run: Run = {
  id,
  profile: "quick",
  status: "running",
  started_at: "2026-01-01T00:00:00.000Z",
  finished_at: null,
  seed: 1,
  environment: { server_version: "18.4", client_cpus: 2 },
  results: [],
  error: null,
};

function setUp() {
  const asked: StartOptions[] = [];
  const notFound = () => Promise.reject(new HoldfastError("not_found", "no such run"));
  const report = reportOf([], [], {});
  const benchmarks: Benchmarks = {
    progressOf: (wanted) => wanted === id ? { step: "calc_sum", done: 3, of: 8 } : null,
    listCases: () => [{
      id: "calc_sum",
      category: "calculation_performance",
      title: "Sum",
      unit: "rows/s",
      target: 1,
      target_unit: "ratio",
      counts: true,
      baseline: "numeric",
      candidate: "float8",
    }],
    startRun(options = {}) {
      asked.push(options);
      return Promise.resolve(run);
    },
    getRun: (wanted) => wanted === id ? Promise.resolve(run) : notFound(),
    listRuns: () => Promise.resolve({ runs: [run], next_cursor: "more" }),
    history: () => Promise.resolve([]),
    renderRun: (_, format) => Promise.resolve(`a report in ${format}`),
    abortRun: () => Promise.resolve({ ...run, status: "aborted" }),
    waitForRun: () => Promise.resolve(run),
    validation: () => Promise.resolve(validationOf(report)),
    performanceReport: () => Promise.resolve(report),
    sweepOrphans: () => Promise.resolve([]),
    stop: () => Promise.resolve(),
  };
  const router = benchmarkRoutes(benchmarks);
  router.onError((error, c) =>
    c.json({ code: error instanceof HoldfastError ? error.code : "internal" }, 499 as 400)
  );
  const post = (body: unknown) =>
    router.request("/api/benchmarks/runs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  return { router, asked, post };
}

Deno.test("a started run is answered with 202 and where to find it", async () => {
  const { asked, post } = setUp();
  const response = await post({ cases: ["calc_sum"], profile: "full", force: true });
  assert.equal(response.status, 202);
  assert.equal(response.headers.get("location"), `/api/benchmarks/runs/${id}`);
  assert.equal(response.headers.get("retry-after"), "2");
  const { progress } = BenchmarkRun.parse(await response.json());
  assert.deepEqual(progress, { step: "calc_sum", done: 3, of: 8 });
  assert.deepEqual(asked, [{ cases: ["calc_sum"], profile: "full", force: true }]);
});

Deno.test("an empty object starts a quick run of everything", async () => {
  const { asked, post } = setUp();
  assert.equal((await post({})).status, 202);
  assert.deepEqual(asked, [{ profile: "quick", force: false }]);
});

Deno.test("a start with a wrong field is refused and starts nothing", async () => {
  const { asked, post } = setUp();
  const wrong = [{ profile: "slow" }, { cases: "all" }, { cases: [] }, { force: 1 }, {
    prfile: "full",
  }];
  for (const body of wrong) {
    assert.deepEqual(await (await post(body)).json(), { code: "invalid_request" });
  }
  assert.deepEqual(asked, []);
});

Deno.test("every answer has the shape that the document gives it", async () => {
  const { router } = setUp();
  const json = async (path: string, method = "GET") =>
    await (await router.request(path, { method })).json();
  assert.equal(BenchmarkCaseList.parse(await json("/api/benchmarks")).next_cursor, null);
  assert.equal(BenchmarkRunList.parse(await json("/api/benchmarks/runs")).next_cursor, "more");
  assert.equal(BenchmarkRun.parse(await json(`/api/benchmarks/runs/${id}`)).id, id);
  const aborted = BenchmarkRun.parse(await json(`/api/benchmarks/runs/${id}`, "DELETE"));
  assert.equal(aborted.status, "aborted");
  const validation = BenchmarkValidation.parse(await json("/api/benchmarks/validation"));
  assert.equal(validation.targets.length, 8);
  assert.ok(validation.targets.every(({ verdict }) => verdict === "not_measured"));
  PerformanceImprovementMetrics.parse(reportOf([], [], {}));
});

Deno.test("a run that does not exist is not found, a malformed id is refused", async () => {
  const { router } = setUp();
  const code = async (path: string) => (await (await router.request(path)).json()).code;
  assert.equal(await code(`/api/benchmarks/runs/${crypto.randomUUID()}`), "not_found");
  assert.equal(await code("/api/benchmarks/runs/nonsense"), "invalid_request");
});
