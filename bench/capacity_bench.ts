import { registerCases } from "./adapter.ts";
import { capacityCases } from "./capacity/cases.ts";

await registerCases(capacityCases);
