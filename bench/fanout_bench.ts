import { registerCases } from "./adapter.ts";
import { fanoutCases } from "./fanout/cases.ts";

await registerCases(fanoutCases);
