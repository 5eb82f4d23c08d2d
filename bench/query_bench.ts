import { registerCases } from "./adapter.ts";
import { queryCases } from "./cases/query/cases.ts";

await registerCases(queryCases);
