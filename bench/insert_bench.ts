import { registerCases } from "./adapter.ts";
import { insertCases } from "./cases/insert/cases.ts";

await registerCases(insertCases);
