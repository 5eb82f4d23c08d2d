import { quoteIdent } from "../sql.ts";
import type { Collector, Question, VersionFacts } from "./collector.ts";

/** The SQL to run, or the reason why this server has none. */
export type Choice = { sql: string } | { missing: string };

/** Returns whether an extension's version such as 1.11 is at least `least`. */
export function versionAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major === leastMajor ? minor >= leastMinor : major > leastMajor;
}

/** Returns `sql` with `"$extension"` replaced by the schema of pg_stat_statements. */
export function inStatementsSchema(sql: string, schema: string): string {
  return sql.replaceAll('"$extension"', () => quoteIdent(schema));
}

function fits({ minVersion, minStatements, engine }: Question, server: VersionFacts): boolean {
  return server.version_number >= minVersion &&
    (engine === undefined || engine === server.engine) &&
    (minStatements === undefined ||
      server.statements_version !== null &&
        versionAtLeast(server.statements_version, minStatements));
}

/** Returns whether the choice of a question depends on the server's versions. */
export function needsFacts({ questions }: Collector): boolean {
  return questions.length > 1 ||
    questions.some(({ minVersion, minStatements, engine }) =>
      minVersion > 140_000 || minStatements !== undefined || engine !== undefined
    );
}

/** Chooses the question for a server; without `server`, only a question that suits all of them. Pure. */
export function chooseQuestion(
  collector: Collector,
  server: VersionFacts | undefined,
): Choice {
  const { questions } = collector;
  const [first] = questions;
  if (!needsFacts(collector) && first) return { sql: first.sql };
  if (!server) return { missing: "the server's version is not known yet" };
  const chosen = questions.find((question) => fits(question, server));
  if (chosen) return { sql: inStatementsSchema(chosen.sql, server.statements_schema ?? "") };
  const least = questions.at(-1);
  if (least?.engine !== undefined && least.engine !== server.engine) {
    return { missing: `the database has no ${least.engine}` };
  }
  if (least?.minStatements !== undefined && server.version_number >= least.minVersion) {
    return {
      missing: server.statements_version === null
        ? "pg_stat_statements is not installed in this database"
        : `pg_stat_statements ${server.statements_version} is too old: it needs ${least.minStatements}`,
    };
  }
  return { missing: `needs Postgres ${Math.floor((least?.minVersion ?? 0) / 10_000)}` };
}
