import { z } from "@hono/zod-openapi";
import { categories } from "../services/benchmarks/categories.ts";
import { profileNames } from "../services/benchmarks/case.ts";
import { nextCursor, Time } from "./shared.ts";

const measured = (about: string) => z.number().nullable().openapi({ description: about });
const improvement =
  "Candidate throughput ÷ baseline throughput − 1: 0.3 is 30 % more, 1 is twice as much";

export const BenchmarkCategory = z.enum(categories as [string, ...string[]]).openapi(
  "BenchmarkCategory",
);
export const BenchmarkProfile = z.enum(profileNames).openapi("BenchmarkProfile");
export const Verdict = z.enum(["pass", "fail", "inconclusive", "not_measured"]).openapi(
  "BenchmarkVerdict",
  { description: "Whether the whole 95 % interval lies on one side of the target" },
);

export const BenchmarkCase = z.object({
  id: z.string(),
  category: BenchmarkCategory,
  title: z.string(),
  unit: z.string().openapi({ example: "rows/s" }),
  target: z.number().openapi({ description: improvement }),
  counts: z.boolean().openapi({ description: "Whether it decides its category's verdict" }),
  baseline: z.string(),
  candidate: z.string(),
}).openapi("BenchmarkCase");

export const BenchmarkCaseList = z.object({
  cases: z.array(BenchmarkCase),
  next_cursor: nextCursor,
}).openapi("BenchmarkCaseList");

export const BenchmarkResult = z.object({
  case: z.string(),
  category: BenchmarkCategory,
  baseline: measured("Median throughput of the baseline, in `unit`"),
  candidate: measured("Median throughput of the candidate, in `unit`"),
  unit: z.string(),
  ratio: measured("Candidate ÷ baseline"),
  improvement: measured(improvement),
  ci_low: measured("Lower bound of the 95 % interval of `improvement`"),
  ci_high: measured("Upper bound of the 95 % interval of `improvement`"),
  target: z.number(),
  verdict: Verdict,
  samples: z.int().openapi({ description: "Blocks measured; each gave one ratio" }),
  null_ci_low: measured("Lower bound for an arm against itself; holds 0 when the harness is fair"),
  null_ci_high: measured("Upper bound for an arm against itself"),
  why: z.string().openapi({ description: "What explains the figures, or what went wrong" }),
}).openapi("BenchmarkResult");

export const BenchmarkRun = z.object({
  id: z.uuid(),
  profile: BenchmarkProfile,
  status: z.enum(["queued", "running", "completed", "aborted", "failed"]),
  started_at: Time,
  finished_at: Time.nullable(),
  seed: z.int(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).openapi({
    description: "Settings of the server and the machine that the figures depend on",
  }),
  results: z.array(BenchmarkResult),
  error: z.string().nullable().openapi({ description: "Why it failed or was aborted" }),
}).openapi("BenchmarkRun");

export const BenchmarkRunList = z.object({
  runs: z.array(BenchmarkRun),
  next_cursor: nextCursor,
}).openapi("BenchmarkRunList");

export const BenchmarkStart = z.strictObject({
  cases: z.array(z.string().max(100)).min(1).max(100).optional().openapi({
    description: "Ids of cases; all when left out",
  }),
  profile: BenchmarkProfile.default("quick"),
  force: z.boolean().default(false).openapi({ description: "Run although the server is busy" }),
}).openapi("BenchmarkStart");

const target = {
  category: BenchmarkCategory,
  target: z.number(),
  improvement: measured(improvement),
  ci_low: measured("Lower bound of the 95 % interval of `improvement`"),
  ci_high: measured("Upper bound of the 95 % interval of `improvement`"),
  verdict: Verdict,
  run_id: z.uuid().nullable(),
  measured_at: Time.nullable(),
};

export const BenchmarkValidation = z.object({
  passed: z.boolean().openapi({ description: "True only when every target is met" }),
  targets: z.array(z.object(target)),
}).openapi("BenchmarkValidation");

export const PerformanceImprovementMetrics = z.object({
  measured_at: Time.nullable(),
  categories: z.array(z.object({
    ...target,
    baseline: measured("Median throughput; the geometric mean where several cases count"),
    current: measured("The same of the candidate"),
    unit: z.string().nullable(),
  })),
}).openapi("PerformanceImprovementMetrics");
