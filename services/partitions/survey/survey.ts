import type { Sql } from "../../../db/connection.ts";
import { codeOf, describeDatabaseError, isUnreachable } from "../../../db/errors.ts";
import { listHolds } from "../../../db/partitions/records/restraint.ts";
import { type DetachedRow, listDetached } from "../../../db/partitions/records/detached.ts";
import { listRewrites, type RewriteRow } from "../../../db/partitions/rewrite/rewrites.ts";
import type { RewriteFailure } from "../../../db/partitions/rewrite/spec.ts";
import { hasLeadingIndex } from "../../../db/partitions/catalogue/probes.ts";
import { type ParentRow, readParents } from "../../../db/partitions/catalogue/parents.ts";
import { listSealed, type SealedRow } from "../../../db/partitions/proof/sealed.ts";
import { HoldfastError } from "../../../errors.ts";
import { codecs } from "../axis/key.ts";
import type { Catalogue } from "../catalogue.ts";
import { hypertableProblem } from "../hypertable.ts";
import { missingSpans, readTable } from "../planning/cover.ts";
import type {
  DetachedFacts,
  ParentFacts,
  PlanContext,
  SealedFacts,
  TableFacts,
} from "../planning/facts.ts";
import { type Policy, tableOf } from "../policy.ts";
import { readOddities } from "../sealing/ordinary.ts";
import { completeFacts, findHighest, newestFirst } from "./probes.ts";
import { sqlState } from "../../../db/sql_state.ts";

const strategies: Record<string, string> = { l: "list", h: "hash" };

/** Returns why a table cannot be managed by its policy, from the catalogue alone. */
export function problemOf(row: ParentRow | undefined, policy: Policy): string | undefined {
  if (!row) return "there is no such table";
  if (row.hypertable) return hypertableProblem(row.hypertable);
  if (row.strategy === null) return "it is not partitioned";
  if (row.strategy !== "r") {
    return `it is partitioned by ${strategies[row.strategy] ?? row.strategy}, not by range`;
  }
  if (row.has_expressions) {
    return "its key is an expression; Holdfast manages keys that are columns";
  }
  // A policy written by hand may be invalid.
  const { types } = codecs[policy.key] ?? { types: [] };
  return types.includes(row.key_type ?? "")
    ? undefined
    : `its key "${row.key_columns[0]}" is of type ${row.key_type}; key ${policy.key} needs ${
      types.join(", ")
    }`;
}

export function parentFacts(row: ParentRow): ParentFacts {
  return {
    oid: row.oid,
    columns: row.columns,
    keyColumns: row.key_columns,
    keyType: row.key_type ?? "",
    owner: row.owner,
    isOwner: row.is_owner,
    owns: row.owns,
    mayCreate: row.may_create,
    role: row.role,
    ownerMayCreate: row.owner_may_create,
    gives: row.gives,
    defaultGrants: row.default_grants,
    ownerLacks: row.owner_lacks,
    columnSettings: row.column_settings,
    extendedStatistics: row.extended_statistics,
    grants: row.grants,
    replicaIdentity: row.replica_identity,
    tablespace: row.tablespace,
    accessMethod: row.access_method,
    rowSecurity: row.row_security,
    forceRowSecurity: row.force_row_security,
    distributed: row.distributed,
    referencedBy: row.referenced_by,
    references: row.references,
  };
}

export function detachedFacts(row: DetachedRow): DetachedFacts {
  return {
    id: row.id,
    oid: row.leaf_oid,
    schema: row.leaf_schema,
    name: row.leaf_name,
    bound: row.bound,
    action: row.action,
    detachedAt: row.detached_at,
    archivedAt: row.archived_at,
    withinBrake: row.within_brake,
    present: row.present_oid === null
      ? null
      : { oid: row.present_oid, attached: row.attached === true },
    references: row.references,
    referencedBy: row.referenced_by,
  };
}

export function sealedFacts(rows: readonly SealedRow[]): Map<number, SealedFacts> {
  return new Map(rows.map((row) => [row.leaf_oid, {
    sealedAt: row.sealed_at,
    heldUntil: row.held_until,
    problem: row.problem,
    ended: row.ended,
  }]));
}

/** Returns why a table's last drain failed, and the signature of the table then. */
export function drainFailureOf(
  last: { failure: RewriteFailure; signature: string } | undefined,
): TableFacts["drainFailure"] {
  return last &&
    { reason: last.failure.message, at: last.failure.at, signature: last.signature };
}

/** Returns the last drain of a table for the planner; `rewrites` has the newest first. */
function drainFacts(
  rewrites: readonly RewriteRow[],
  table: string,
): Pick<TableFacts, "draining" | "drainRanges" | "drainFailure"> {
  const drains = rewrites.filter((rewrite) =>
    tableOf(rewrite) === table && rewrite.kind === "drain"
  );
  const open = drains.find(({ ended_at }) => ended_at === null);
  if (open) return { draining: open.phase, drainRanges: open.spec.ranges };
  const [last] = drains;
  const failure = last?.phase === "failed" ? last.spec.failure : undefined;
  return last && failure
    ? { drainFailure: drainFailureOf({ failure, signature: last.spec.signature }) }
    : {};
}

/** Reads what the catalogue says of the tables that have a policy. Waits for no lock on any leaf. */
export async function readCatalogue(
  sql: Sql,
  catalogue: Catalogue,
  policies: readonly Policy[],
): Promise<TableFacts[]> {
  const parents = new Map((await readParents(sql, policies)).map((row) => [tableOf(row), row]));
  const leaves = await catalogue.leaves(sql, [...parents.values()].map(({ oid }) => oid));
  const detached = await listDetached(sql);
  const rewrites = await listRewrites(sql);
  const sealed = sealedFacts(await listSealed(sql));
  const unproven = (await listHolds(sql)).filter(({ kind }) => kind === "leaf");
  return policies.map((policy) => {
    const row = parents.get(tableOf(policy));
    const problem = problemOf(row, policy);
    return {
      policy,
      parent: row && problem === undefined ? parentFacts(row) : undefined,
      problem,
      hypertable: row?.hypertable !== undefined,
      leaves: row ? leaves.get(row.oid) ?? [] : [],
      detached: detached.filter((one) => tableOf(one) === tableOf(policy)).map(detachedFacts),
      ...drainFacts(rewrites, tableOf(policy)),
      taken: new Map(),
      blockers: new Map(),
      defaultRows: new Map(),
      sealed,
      unproven: new Map(
        unproven.filter((hold) => tableOf(hold) === tableOf(policy))
          .map(({ partition, reason }) => [partition, reason]),
      ),
      highestId: null,
    };
  });
}

/** Reads all facts of a plan. An error of one table does not keep the others from being read. */
export async function survey(
  sql: Sql,
  catalogue: Catalogue,
  policies: readonly Policy[],
  context: PlanContext,
): Promise<TableFacts[]> {
  const tables: TableFacts[] = [];
  for (const facts of await readCatalogue(sql, catalogue, policies)) {
    tables.push(
      await surveyTable(sql, facts, context).catch((error) => {
        // A lost connection is no problem of this table; any other error is.
        if (isUnreachable(error)) throw error;
        return { ...facts, parent: undefined, problem: problemText(error) };
      }),
    );
  }
  return tables;
}

function problemText(error: unknown): string {
  return error instanceof HoldfastError
    ? error.message
    : `it cannot be read (${describeDatabaseError(error)})`;
}

/** Returns the server's error, and after a timeout whether an index is missing. */
async function whyNoHighest(
  sql: Sql,
  oid: number,
  column: string,
  error: unknown,
): Promise<string> {
  if (isUnreachable(error)) throw error;
  const lacking =
    codeOf(error) === sqlState.queryCanceled && !await hasLeadingIndex(sql, oid, column)
      ? `; no index begins with "${column}"`
      : "";
  return `its highest "${column}" could not be read (${describeDatabaseError(error)})${lacking}`;
}

/** Checks whether the rows of leaves that may be sealed, archived or dropped are their own. */
async function surveyOdd(sql: Sql, { policy, leaves, detached }: TableFacts) {
  if (!policy.retention && !policy.seal) return new Map<number, string>();
  const gone = detached.flatMap(({ oid, present }) => present?.oid === oid ? [oid] : []);
  return await readOddities(sql, [...leaves.map(({ oid }) => oid), ...gone], "whole");
}

async function surveyTable(
  sql: Sql,
  bare: TableFacts,
  context: PlanContext,
): Promise<TableFacts> {
  if (!bare.parent) return bare;
  const facts = { ...bare, parent: bare.parent, odd: await surveyOdd(sql, bare) };
  let reading = readTable(facts, context.nowUs);
  let known = facts;
  if (reading.axis.codec.axis === "number") {
    const [column = ""] = facts.parent.keyColumns;
    const highest = await findHighest(sql, facts.leaves, newestFirst(reading), column).catch(
      async (error) => await whyNoHighest(sql, facts.parent?.oid ?? 0, column, error),
    );
    if (typeof highest === "string") return { ...facts, parent: undefined, problem: highest };
    known = { ...facts, highestId: highest };
    reading = readTable(known, context.nowUs);
  }
  return await completeFacts(sql, known, reading, missingSpans(known, reading, context));
}
