import { registerCases } from "./adapter.ts";
import { fanoutCases } from "./cases/fanout/cases.ts";

await registerCases(fanoutCases);
