import type { BenchmarkCase } from "../services/benchmarks/case.ts";
import { calculationCases } from "./calculation/cases.ts";
import { insertCases } from "./insert/cases.ts";

/** Every benchmark of Holdfast: what `deno bench`, the API and embedders run. */
export const cases: readonly BenchmarkCase[] = [...insertCases, ...calculationCases];
