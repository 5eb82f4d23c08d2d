import { registerCases } from "./adapter.ts";
import { poolCases } from "./cases/pool/cases.ts";

await registerCases(poolCases);
