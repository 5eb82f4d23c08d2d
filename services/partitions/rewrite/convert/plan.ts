import { createHash } from "node:crypto";
import type { Sql } from "../../../../db/connection.ts";
import { readConversionFacts } from "../../../../db/partitions/rewrite/facts.ts";
import type { ConversionFacts } from "../../../../db/partitions/catalogue/table_facts.ts";
import type { LeafTemplate, TableName } from "../../../../db/partitions/ddl.ts";
import { conversionStatements } from "../../../../db/partitions/rewrite/conversion.ts";
import {
  type DescribedStatement,
  describeRewrite,
} from "../../../../db/partitions/rewrite/description.ts";
import { conversionNames } from "../../../../db/partitions/rewrite/names.ts";
import type { RewritePlan } from "../../../../db/partitions/rewrite/rewrites.ts";
import { type ParentRow, readParents } from "../../../../db/partitions/catalogue/parents.ts";
import { keyEnds, takenBeside } from "../../../../db/partitions/catalogue/probes.ts";
import { createAxis } from "../../axis/axis.ts";
import { leafOfSpan } from "../../axis/leaf.ts";
import { leafName, preciseName } from "../../axis/names.ts";
import { highest, lowest, type Span } from "../../axis/span.ts";
import { cutGaps, withinType } from "../../planning/cover.ts";
import type { PlanContext } from "../../planning/facts.ts";
import type { Policy } from "../../policy.ts";
import { type ConversionRequest, refusalsOf } from "./refusals.ts";
import { sign } from "../signature.ts";

export interface ConversionPlan {
  table: string;
  /** Why it cannot be done; nothing else is planned then. */
  refusals: string[];
  statements: DescribedStatement[];
  partitions: string[];
  estimate: { rows: number; bytes: number; seconds: number };
  digest: string;
  conversion: RewritePlan | undefined;
}

/** Returns a digest of what a conversion depends on; sizes are left out. */
function signatureOf(facts: ConversionFacts, row: ParentRow): string {
  const { bytes: _bytes, rows_estimate: _rows, ...rest } = facts;
  return sign([rest, row]);
}

/** Reads the catalogue on a table, with a signature of it; undefined when there is no such table. */
export async function readTable(
  sql: Sql,
  table: TableName,
): Promise<{ facts: ConversionFacts; row: ParentRow; signature: string } | undefined> {
  const facts = await readConversionFacts(sql, table);
  const [row] = await readParents(sql, [table]);
  return facts && row ? { facts, row, signature: signatureOf(facts, row) } : undefined;
}

/** Returns the ranges that a conversion makes partitions for: those with rows, and those that the policy makes ahead. */
async function leavesOf(
  sql: Sql,
  policy: Policy,
  { keyColumn, keyType }: { keyColumn: string; keyType: string },
  context: PlanContext,
): Promise<{ spans: Span[]; problem?: string }> {
  const axis = createAxis(policy);
  const ends = await keyEnds(sql, policy, keyColumn);
  const read = (value: string | null) => value === null ? undefined : axis.codec.parse(value);
  const [first, last] = [read(ends.first), read(ends.last)];
  const now = axis.atInstant(context.nowUs);
  if (ends.first !== null && (first === undefined || last === undefined)) {
    return {
      spans: [],
      problem: `its key holds ${ends.first}, which the key ${policy.key} does not support`,
    };
  }
  const present = now ?? last ?? 0n;
  if (first === lowest || last === lowest || first === highest) {
    return { spans: [], problem: "its key holds -infinity, which has no partition" };
  }
  let from = axis.grid.slotOf(first !== undefined && first < present ? first : present).from;
  let to = axis.grid.slotOf(present).to;
  for (let ahead = 0; ahead < policy.premake; ahead++) to = axis.grid.slotOf(to).to;
  const least = first === undefined ? from : axis.grid.slotOf(first).from;
  if (least < from) from = least;
  const spans = cutGaps(axis, [{ from, to }], context.maxPartitions + 1)
    .flatMap((span) => withinType(span, keyType) ?? []);
  return { spans };
}

function nameLeaves(policy: Policy, spans: readonly Span[]): string[] {
  const axis = createAxis(policy);
  const names = new Set<string>();
  return spans.map(({ from }) => {
    const usual = leafName(policy.table, axis, from);
    const name = names.has(usual) ? preciseName(policy.table, axis, from) : usual;
    names.add(name);
    return name;
  });
}

function templateOf(row: ParentRow, facts: ConversionFacts, keyColumn: string): LeafTemplate {
  return {
    keyColumns: [keyColumn],
    owner: row.is_owner ? undefined : row.owner,
    grants: row.grants,
    replicaIdentity: row.replica_identity,
    tablespace: row.tablespace,
    accessMethod: row.access_method,
    options: facts.options,
    unlogged: false,
    rowSecurity: false,
    forceRowSecurity: false,
    columnSettings: row.column_settings,
    extendedStatistics: row.extended_statistics,
    defaultGrants: row.default_grants,
    ownerLacks: row.owner_lacks,
  };
}

/** Plans a conversion; reads the catalogue and the ends of the key, changes nothing. */
export async function planConversion(
  sql: Sql,
  policy: Policy,
  request: ConversionRequest,
  context: PlanContext,
): Promise<ConversionPlan | undefined> {
  const found = await readTable(sql, policy);
  if (!found) return undefined;
  const { facts, row, signature } = found;
  const plan: ConversionPlan = {
    table: `${policy.schema}.${policy.table}`,
    refusals: refusalsOf(facts, row, request),
    statements: [],
    partitions: [],
    estimate: { rows: facts.rows_estimate ?? 0, bytes: facts.bytes, seconds: facts.bytes / 5e6 },
    digest: "",
    conversion: undefined,
  };
  if (plan.refusals.length > 0) return plan;
  const { keyColumn } = request;
  const keyType = facts.columns.find(({ name }) => name === keyColumn)?.type ?? "";
  const { spans, problem } = await leavesOf(sql, policy, { keyColumn, keyType }, context);
  const names = conversionNames(policy, facts.oid);
  const leafNames = nameLeaves(policy, spans);
  const wanted = [names.shadow, names.old, names.rest].map(({ table }) => table);
  const taken = await takenBeside(sql, policy.schema, [...wanted, ...leafNames]);
  plan.refusals = [
    ...(problem === undefined ? [] : [problem]),
    ...(spans.length > context.maxPartitions
      ? [`it would need more than ${context.maxPartitions} partitions; lengthen the interval`]
      : []),
    ...taken.slice(0, 5).map((name) =>
      `the name ${policy.schema}.${name} is taken; rename that table`
    ),
  ];
  if (plan.refusals.length > 0) return plan;
  const conversion = conversionStatements({
    facts,
    names,
    template: templateOf(row, facts, request.keyColumn),
    leaves: spans.map((span, at) =>
      leafOfSpan(
        { parent: names.shadow, name: leafNames[at] ?? "", span, columns: 1 },
        createAxis(policy),
      )
    ),
    keyColumn: request.keyColumn,
    signature,
    policy: { ...policy },
  });
  const statements = describeRewrite(conversion);
  const digest = createHash("sha256")
    .update(JSON.stringify([signature, policy, statements.map(({ sql }) => sql)])).digest("hex");
  return { ...plan, statements, partitions: leafNames, digest, conversion };
}
