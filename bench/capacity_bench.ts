import { registerCases } from "./adapter.ts";
import { capacityCases } from "./cases/capacity/cases.ts";

await registerCases(capacityCases);
