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

const reaches = (version: string | null, least: string | undefined) =>
  least === undefined || version !== null && versionAtLeast(version, least);

function fits(question: Question, server: VersionFacts): boolean {
  return server.version_number >= question.minVersion &&
    (question.engine === undefined || question.engine === server.engine) &&
    reaches(server.statements_version, question.minStatements) &&
    reaches(server.timescale_version, question.minTimescale);
}

/** Returns what an extension lacks for a question that needs version `least` of it. */
const extensionLacks = (name: string, version: string | null, least: string): string =>
  version === null
    ? `${name} is not installed in this database`
    : `${name} ${version} is too old: it needs ${least}`;

/** Returns whether the choice of a question depends on the server's versions. */
export function needsFacts({ questions }: Collector): boolean {
  return questions.length > 1 ||
    questions.some(({ minVersion, minStatements, minTimescale, engine }) =>
      minVersion > 140_000 || minStatements !== undefined || minTimescale !== undefined ||
      engine !== undefined
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
  if (least && server.version_number >= least.minVersion) {
    const { minStatements, minTimescale } = least;
    if (minStatements !== undefined) {
      const { statements_version } = server;
      return { missing: extensionLacks("pg_stat_statements", statements_version, minStatements) };
    }
    if (minTimescale !== undefined) {
      return { missing: extensionLacks("TimescaleDB", server.timescale_version, minTimescale) };
    }
  }
  return { missing: `needs Postgres ${Math.floor((least?.minVersion ?? 0) / 10_000)}` };
}
