import { StartError } from "../../../errors.ts";
import { copyOfClient, splitStatements } from "../../../services/rehearsals/workload/sql_text.ts";

/** A case as an operator writes it, in one SQL file. */
export interface SqlCase {
  id: string;
  title: string;
  unit: string;
  /** Units of work that one run of an arm does. */
  units: number;
  /** Target improvement. */
  target: number;
  setup: string;
  baseline: { name: string; sql: string };
  candidate: { name: string; sql: string };
  /** A query that must return true after the work; empty for no check. */
  verify: string;
}

const facts = ["title", "unit", "units", "target"] as const;
const sections = ["setup", "baseline", "candidate", "verify"] as const;
const marker = /^--\s*([a-z]+)\s*(?::\s*(.*?)\s*)?$/;

/**
 * Reads a case from the text of `file`. Lines `-- title: …`, `-- unit: …`, `-- units: …` and `-- target: …` describe
 * it; `-- setup`, `-- baseline: name`, `-- candidate: name` and `-- verify` each begin a section of SQL. Throws a
 * `StartError` that names the file and what is missing.
 */
export function parseSqlCase(file: string, text: string): SqlCase {
  const name = file.replace(/\.sql$/, "");
  const fault = (what: string) => new StartError(`The benchmark case ${file} ${what}`);
  if (!/^[a-z][a-z0-9_]{0,50}$/.test(name)) {
    throw fault("has no usable name; allowed: lower-case letters, digits and _");
  }
  const given = new Map<string, string>();
  const parts = new Map<string, { name: string; lines: string[] }>();
  let part: { name: string; lines: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, word = "", value] = marker.exec(line) ?? [];
    if ((sections as readonly string[]).includes(word)) {
      if (parts.has(word)) throw fault(`has two sections ${word}`);
      part = { name: value || word, lines: [] };
      parts.set(word, part);
    } else if ((facts as readonly string[]).includes(word) && value !== undefined && !part) {
      given.set(word, value);
    } else {
      part?.lines.push(line);
    }
  }
  const sqlOf = (section: string) => {
    const sql = parts.get(section)?.lines.join("\n").trim() ?? "";
    if (splitStatements(sql).some((one) => copyOfClient(one.sql))) {
      throw fault(
        `has a COPY from STDIN or to STDOUT in ${section}, and nothing sends or takes its rows; use INSERT … SELECT`,
      );
    }
    return sql;
  };
  const armOf = (section: "baseline" | "candidate") => {
    const sql = sqlOf(section);
    if (sql === "") throw fault(`has no section "-- ${section}" with SQL in it`);
    return { name: parts.get(section)!.name, sql };
  };
  const numberOf = (fact: string, fallback: number, least: number) => {
    const value = Number(given.get(fact) ?? fallback);
    if (!(value > least)) throw fault(`says ${fact}: ${given.get(fact)}; allowed: above ${least}`);
    return value;
  };
  return {
    id: `custom_${name}`,
    title: given.get("title") ?? name.replaceAll("_", " "),
    unit: given.get("unit") ?? "runs/s",
    units: numberOf("units", 1, 0),
    target: numberOf("target", 0, -1),
    setup: sqlOf("setup"),
    baseline: armOf("baseline"),
    candidate: armOf("candidate"),
    verify: sqlOf("verify"),
  };
}
