import type { BenchmarkCase } from "../../services/benchmarks/case.ts";
import { calculationCases } from "./calculation/cases.ts";
import { capacityCases } from "./capacity/cases.ts";
import { fanoutCases } from "./fanout/cases.ts";
import { insertCases } from "./insert/cases.ts";
import { maintenanceCases } from "./maintenance/cases.ts";
import { overheadCases } from "./overhead/cases.ts";
import { poolCases } from "./pool/cases.ts";
import { queryCases } from "./query/cases.ts";

/** Every benchmark of Holdfast. A new folder of cases is added here; the API, the gate and embedders run this list. */
export const cases: readonly BenchmarkCase[] = [
  ...insertCases,
  ...calculationCases,
  ...capacityCases,
  ...queryCases,
  ...poolCases,
  ...maintenanceCases,
  ...overheadCases,
  ...fanoutCases,
];
