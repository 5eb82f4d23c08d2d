import { chooseQuestion } from "../../db/collectors/choose.ts";
import type { VersionFacts } from "../../db/collectors/collector.ts";
import { type CollectorName, collectors } from "../../db/collectors/list.ts";

/** Postgres 18 without an extension. */
const plain: VersionFacts = {
  version_number: 180_000,
  statements_version: null,
  statements_schema: null,
  engine: "postgres",
  timescale_version: null,
};

/** Returns the SQL of a collector on plain Postgres, where one question suits all versions. */
export function plainQuestion(name: CollectorName): string {
  const choice = chooseQuestion(collectors.find((one) => one.name === name)!, plain);
  if ("missing" in choice) throw new Error(`${name}: ${choice.missing}`);
  return choice.sql;
}
