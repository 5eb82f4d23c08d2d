import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "../../../db/connection.ts";
import { quoteIdent } from "../../../db/sql.ts";
import { StartError } from "../../../errors.ts";
import type { Arm, BenchmarkCase } from "../../../services/benchmarks/case.ts";
import { parseSqlCase, type SqlCase } from "./parse.ts";

/**
 * Reads the cases of a folder of SQL files, for the same runner as Holdfast's own; none without a folder. Throws a
 * `StartError` for a folder or a file that cannot be read.
 */
export function readSqlCases(folder: string | undefined): BenchmarkCase[] {
  if (folder === undefined) return [];
  let files: string[];
  try {
    files = readdirSync(folder).filter((name) => name.endsWith(".sql")).sort();
  } catch (cause) {
    throw new StartError(`HOLDFAST_BENCH_CASES is ${JSON.stringify(folder)}; allowed: a folder`, {
      cause,
    });
  }
  return files.map((file) => sqlCase(parseSqlCase(file, readFileSync(join(folder, file), "utf8"))));
}

/** One connection whose search path is the schema of the run. */
interface Session {
  sql: Sql;
}

function sqlCase(parsed: SqlCase): BenchmarkCase<Session> {
  const { id, title, unit, units, target } = parsed;
  const arm = ({ name, sql: text }: SqlCase["baseline"]): Arm<Session> => ({
    name,
    async run(_ctx, { sql }) {
      await sql.unsafe(text).simple();
      return { units };
    },
  });
  return {
    id,
    category: "custom",
    title,
    unit,
    target,
    counts: true,
    arms: { baseline: arm(parsed.baseline), candidate: arm(parsed.candidate) },
    async setup(ctx) {
      const sql = ctx.connect(1);
      await sql.unsafe(`set search_path to ${quoteIdent(ctx.schema)}`);
      // Several statements are sent one by one, because VACUUM must be alone in a message.
      for (const statement of parsed.setup.split(/;\s*\n/)) {
        if (statement.trim() !== "") await sql.unsafe(statement).simple();
      }
      return { sql };
    },
    async verify(_ctx, { sql }) {
      if (parsed.verify === "") {
        return { problem: null, notes: ["Nothing verifies what the arms did"] };
      }
      const [row] = await sql.unsafe<Record<string, unknown>[]>(parsed.verify);
      const answer = Object.values(row ?? {})[0];
      return answer === true
        ? { problem: null, notes: ["Its own verification holds"] }
        : { problem: `its verification answers ${JSON.stringify(answer)}`, notes: [] };
    },
  };
}
