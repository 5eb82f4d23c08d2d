import { registerCases } from "./adapter.ts";
import { overheadCases } from "./overhead/cases.ts";

await registerCases(overheadCases);
