import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import { probeStatement, readColumnStats } from "../../../db/rehearsals/probe.ts";
import type { Random } from "../../benchmarks/measuring/random.ts";
import type { ParameterSource } from "../rehearsal.ts";
import { drawParameters, fillIn, firstUndrawable, type Parameter, textOf } from "./parameters.ts";
import { type Place, placesInPlan, placesInText } from "./places.ts";
import type { WantedStatement } from "./selection.ts";
import { mendTypeWords, namesIn, parameterCount, splitStatements } from "./sql_text.ts";

/** A statement in several variants, each with other values for its parameters. */
export interface ReplayStatement {
  query: string;
  query_id: string | null;
  kind: "read" | "write";
  weight: number | null;
  params: ParameterSource;
  variants: string[];
}

export type Filled = { statement: ReplayStatement } | { reason: string };

/** Draws per wanted set of values, because some repeat earlier ones. */
const drawsMax = 4;

/** Fills in a statement's parameters, with types and column statistics from the copy; or returns why it cannot. */
export async function fillStatement(
  sql: Sql,
  wanted: WantedStatement,
  { random, count }: { random: Random; count: number },
): Promise<Filled> {
  const { query, query_id, kind, weight } = wanted;
  if (kind === "other") {
    return { reason: "it is neither a query nor a change of rows, and cannot be replayed" };
  }
  if (splitStatements(query).length !== 1) return { reason: "it is more than one statement" };
  const ready = (params: ParameterSource, variants: readonly string[]): Filled => ({
    statement: { query, query_id, kind, weight, params, variants: variants.slice(0, count) },
  });
  if (wanted.observed.length > 0) return ready("observed", wanted.observed);
  const text = mendTypeWords(query);
  const wants = parameterCount(text);
  if (wants === 0) return ready("none", [text]);
  try {
    const { types, plan } = await probeStatement(sql, text);
    if (wanted.given) {
      const other = wanted.given.find((values) => values.length !== wants);
      if (other) {
        return {
          reason:
            `it wants ${wants} values, and ${other.length} were given; write a set with an array as [[1, [2, 3]]]`,
        };
      }
      return ready("given", wanted.given.map((values) => fillIn(text, types, values.map(textOf))));
    }
    const parameters = await describe(sql, text, types, plan);
    const missing = firstUndrawable(parameters);
    if (missing !== undefined) {
      return {
        reason: `no value can be drawn for $${missing} (${
          types[missing - 1]
        }): it is compared with no column whose values are known`,
      };
    }
    const variants = new Set<string>();
    for (let draw = 0; draw < count * drawsMax && variants.size < count; draw++) {
      const values = drawParameters(parameters, wanted.rows_per_call ?? 100, random);
      variants.add(fillIn(text, types, values));
    }
    return ready("drawn", [...variants]);
  } catch (error) {
    return { reason: `the copy refuses it: ${describeDatabaseError(error).slice(0, 300)}` };
  }
}

async function describe(
  sql: Sql,
  text: string,
  types: readonly string[],
  plan: unknown,
): Promise<Parameter[]> {
  const inPlan = placesInPlan(plan);
  const inText = placesInText(text, namesIn(text));
  const described: Parameter[] = [];
  for (const [at, type] of types.entries()) {
    const places = [inText.get(at + 1), inPlan.get(at + 1)];
    const counted = places.find((place) => place?.kind === "limit" || place?.kind === "offset");
    const from = counted
      ? { kind: counted.kind as "limit" | "offset" }
      : await firstKnown(sql, [inPlan.get(at + 1), inText.get(at + 1)]);
    described.push({ type, from });
  }
  return described;
}

async function firstKnown(
  sql: Sql,
  places: readonly (Place | undefined)[],
): Promise<Parameter["from"]> {
  for (const place of places) {
    if (place?.kind !== "column") continue;
    const stats = await readColumnStats(sql, place);
    if (stats) return { kind: "column", stats, comparison: place.comparison };
  }
  return { kind: "unknown" };
}
