import { registerCases } from "./adapter.ts";
import { calculationCases } from "./calculation/cases.ts";

await registerCases(calculationCases);
