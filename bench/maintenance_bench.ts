import { registerCases } from "./adapter.ts";
import { maintenanceCases } from "./maintenance/cases.ts";

await registerCases(maintenanceCases);
