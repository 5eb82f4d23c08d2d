import { registerCases } from "./adapter.ts";
import { maintenanceCases } from "./cases/maintenance/cases.ts";

await registerCases(maintenanceCases);
