import { registerCases } from "./adapter.ts";
import { poolCases } from "./pool/cases.ts";

await registerCases(poolCases);
