import { z } from "@hono/zod-openapi";
import { categories } from "../../services/benchmarks/categories.ts";
import { profileNames } from "../../services/benchmarks/case.ts";
import { inputObject, nextCursor, orNull, Time } from "../common/shared.ts";

const measured = (about: string) => z.number().nullable().openapi({ description: about });
const improvement =
  "Candidate throughput ÷ baseline throughput − 1: 0.3 is 30 % more, 1 is twice as much; for a capacity, the capacity itself (`target_unit`)";

export const BenchmarkCategory = z.enum(categories as [string, ...string[]]).openapi(
  "BenchmarkCategory",
);
export const BenchmarkProfile = z.enum(profileNames).openapi("BenchmarkProfile");
export const Verdict = z.enum(["pass", "fail", "inconclusive", "not_measured"]).openapi(
  "BenchmarkVerdict",
  { description: "Whether the whole 95 % interval lies on one side of the target" },
);

const TargetUnit = z.enum(["ratio", "inserts/min"]).openapi("BenchmarkTargetUnit", {
  description: "Unit of `target`, `improvement` and its bounds: a ratio − 1, or the figure itself",
});

const known = (about: string) => z.number().nullable().openapi({ description: about });
const ArmEvidence = z.object({
  arm: z.string(),
  wal_bytes_per_unit: known("Bytes of WAL for each unit of work"),
  table_bytes_per_unit: known("Bytes of tables for each unit of work"),
  index_bytes_per_unit: known("Bytes of indexes for each unit of work"),
  buffers: known("Shared buffers touched by one execution of its query"),
  buffers_read: known("Buffers that were not found in shared buffers"),
  plan_hash: z.string().nullable().openapi({ description: "Equal for equal plans" }),
  plan: z.string().nullable(),
  relations_scanned: known("Tables and partitions the plan scans"),
  partitions_pruned: known("Partitions that the plan need not scan"),
  waits: z.record(z.string(), z.number()).openapi({
    description:
      "Share of the samples of the case's sessions, by wait event; CPU: the session did not wait",
  }),
  latency_ms: z.object({
    count: z.int(),
    p50: z.number(),
    p95: z.number(),
    p99: z.number(),
    p999: z.number(),
    max: z.number(),
  }).nullable().openapi({ description: "Latency of single operations from their scheduled start" }),
});

export const BenchmarkEvidence = z.object({
  baseline: ArmEvidence,
  candidate: ArmEvidence,
  reruns: z.int().openapi({
    description: "Blocks measured again because the machine was disturbed",
  }),
  disturbed: z.int().openapi({ description: "Disturbed blocks that were kept" }),
  alpha: z.number().openapi({
    description: "Error probability of this interval; all analyses of a case share 0.05",
  }),
}).openapi("BenchmarkEvidence");

export const BenchmarkCase = z.object({
  id: z.string(),
  category: BenchmarkCategory,
  title: z.string(),
  unit: z.string().openapi({ example: "rows/s" }),
  target: z.number().openapi({ description: improvement }),
  target_unit: TargetUnit,
  counts: z.boolean().openapi({
    description: "Whether the case counts towards its category's verdict",
  }),
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
  target_unit: TargetUnit,
  verdict: Verdict,
  samples: z.int().openapi({ description: "Blocks measured; each gave one ratio" }),
  null_ci_low: measured(
    "Lower bound for an arm compared with itself; the interval contains 0 if the measurement is unbiased",
  ),
  null_ci_high: measured("Upper bound for an arm compared with itself"),
  why: z.string().openapi({ description: "Explanation of the figures, or the problem" }),
  evidence: orNull(BenchmarkEvidence),
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
  error: z.string().nullable().openapi({ description: "Why the run failed or was aborted" }),
  progress: orNull(z.object({
    step: z.string().openapi({ description: "The case that is being measured" }),
    done: z.int().openapi({ description: "Blocks measured, of all cases" }),
    of: z.int(),
  })).openapi({ description: "null when the run has ended or another instance runs it" }),
}).openapi("BenchmarkRun");

export const BenchmarkRunList = z.object({
  runs: z.array(BenchmarkRun),
  next_cursor: nextCursor,
}).openapi("BenchmarkRunList");

export const BenchmarkStart = inputObject({
  cases: z.array(z.string().max(100)).min(1).max(100).optional().openapi({
    description: "Ids of cases; all by default",
  }),
  profile: BenchmarkProfile.default("quick"),
  force: z.boolean().default(false).openapi({ description: "Run although the server is busy" }),
}).openapi("BenchmarkStart");

const target = {
  category: BenchmarkCategory,
  target: z.number(),
  target_unit: TargetUnit,
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
    baseline: measured(
      "Median throughput of the baseline; the geometric mean if several cases count",
    ),
    current: measured(
      "Median throughput of the candidate; the geometric mean if several cases count",
    ),
    unit: z.string().nullable(),
  })),
}).openapi("PerformanceImprovementMetrics");

export const BenchmarkHistory = z.object({
  history: z.array(z.object({
    case: z.string(),
    target_unit: TargetUnit,
    points: z.array(z.object({
      run_id: z.uuid(),
      measured_at: Time,
      profile: BenchmarkProfile,
      baseline: known("Median of the baseline, in the unit of the case"),
      candidate: known("Median of the candidate"),
      improvement: z.number(),
      ci_low: z.number(),
      ci_high: z.number(),
      verdict: Verdict,
    })).openapi({ description: "Oldest first" }),
    changes: z.array(z.object({
      run_id: z.uuid().openapi({ description: "The first run of the new level" }),
      measured_at: Time,
      before: z.number(),
      after: z.number(),
      p: z.number().openapi({ description: "Probability of an equally clear change by chance" }),
    })).openapi({ description: "Where the level of the improvement changed" }),
  })),
  next_cursor: nextCursor,
}).openapi("BenchmarkHistory");
