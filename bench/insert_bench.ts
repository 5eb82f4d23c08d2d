import { registerCases } from "./adapter.ts";
import { insertCases } from "./insert/cases.ts";

await registerCases(insertCases);
