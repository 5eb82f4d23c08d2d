import { registerCases } from "./adapter.ts";
import { queryCases } from "./query/cases.ts";

await registerCases(queryCases);
