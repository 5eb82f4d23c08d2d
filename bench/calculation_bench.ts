import { registerCases } from "./adapter.ts";
import { calculationCases } from "./cases/calculation/cases.ts";

await registerCases(calculationCases);
