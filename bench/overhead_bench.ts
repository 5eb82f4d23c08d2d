import { registerCases } from "./adapter.ts";
import { overheadCases } from "./cases/overhead/cases.ts";

await registerCases(overheadCases);
