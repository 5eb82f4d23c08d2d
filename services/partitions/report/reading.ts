import type { Config } from "../../../config/config.ts";
import type { Sql } from "../../../db/connection.ts";
import { codeOf, describeDatabaseError } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import { listGone } from "../../../db/partitions/proof/archives.ts";
import { listDetached } from "../../../db/partitions/records/detached.ts";
import { lastRotations } from "../../../db/partitions/records/log.ts";
import { listFailedDrains } from "../../../db/partitions/rewrite/rewrites.ts";
import { listPolicies } from "../../../db/partitions/records/policies.ts";
import { listHolds } from "../../../db/partitions/records/restraint.ts";
import {
  countRows,
  listPositions,
  readCacheBytes,
} from "../../../db/partitions/catalogue/probes.ts";
import {
  describeOwnPublication,
  listOwnPublications,
} from "../../../db/partitions/catalogue/publications.ts";
import { type ParentRow, readParents } from "../../../db/partitions/catalogue/parents.ts";
import { listSealed } from "../../../db/partitions/proof/sealed.ts";
import type { Catalogue } from "../catalogue.ts";
import { readTable } from "../planning/cover.ts";
import type { LeafFacts, TableFacts } from "../planning/facts.ts";
import { effectivePolicy, type Policy, tableOf } from "../policy.ts";
import { findHighest, newestFirst } from "../survey/probes.ts";
import {
  detachedFacts,
  drainFailureOf,
  parentFacts,
  problemOf,
  sealedFacts,
} from "../survey/survey.ts";
import type { TableReading } from "./report.ts";

/** At most so many rows of a default leaf are counted; beyond, the planner's estimate is used where it is higher. */
const defaultRowsMax = 1_000;

type DefaultCount = Pick<TableReading, "defaultRows" | "defaultError">;

/** Returns the rows of the default leaf, counted to a limit and estimated beyond; 0 without one, null after a timeout. */
async function countDefault(sql: Sql, leaves: readonly LeafFacts[]): Promise<DefaultCount> {
  const leaf = leaves.find(({ bound }) => bound === "DEFAULT");
  if (!leaf) return { defaultRows: 0 };
  try {
    const rows = await countRows(sql, { schema: leaf.schema, table: leaf.name }, defaultRowsMax);
    return {
      defaultRows: rows < defaultRowsMax ? rows : Math.max(rows, leaf.rows_estimate ?? 0),
    };
  } catch (error) {
    if (codeOf(error) === sqlState.lockNotAvailable || codeOf(error) === sqlState.queryCanceled) {
      return { defaultRows: null, defaultError: describeDatabaseError(error) };
    }
    throw error;
  }
}

async function highestId(sql: Sql, facts: TableFacts, nowUs: bigint): Promise<bigint | null> {
  if (facts.policy.key !== "id" || !facts.parent) return null;
  const [column = ""] = facts.parent.keyColumns;
  const reading = readTable(facts, nowUs);
  return await findHighest(sql, facts.leaves, newestFirst(reading), column);
}

/** Records that are read once for all tables. */
async function readRecords(sql: Sql, policies: readonly Policy[]) {
  return {
    rotations: new Map((await lastRotations(sql)).map((row) => [row.table_name, row.at])),
    detached: await listDetached(sql),
    positions: policies.some(({ key }) => key === "id") ? await listPositions(sql) : [],
    failed: new Map((await listFailedDrains(sql)).map((row) => [tableOf(row), row])),
    sealed: sealedFacts(await listSealed(sql)),
    archived: await listGone(sql),
    holds: await listHolds(sql),
    cacheBytes: await readCacheBytes(sql),
    published: (await listOwnPublications(sql)).map(describeOwnPublication),
  };
}

type Records = Awaited<ReturnType<typeof readRecords>>;

/** Returns the facts of one table, without its highest id. */
function factsOf(
  policy: Policy,
  parent: ParentRow | undefined,
  leaves: LeafFacts[],
  { detached, failed, sealed, archived }: Records,
): TableFacts {
  const name = tableOf(policy);
  const problem = problemOf(parent, policy);
  return {
    policy,
    parent: parent && problem === undefined ? parentFacts(parent) : undefined,
    problem,
    hypertable: parent?.hypertable !== undefined,
    leaves,
    detached: detached.filter((one) => tableOf(one) === name).map(detachedFacts),
    taken: new Map(),
    blockers: new Map(),
    defaultRows: new Map(),
    drainFailure: drainFailureOf(failed.get(name)),
    sealed,
    archived: archived.filter((one) => tableOf(one) === name).map((one) => ({
      schema: one.leaf_schema,
      name: one.leaf_name,
      bound: one.bound,
      rows: one.rows,
      bytes: one.file_bytes,
      sealedAt: one.archived_at,
    })),
    highestId: null,
  };
}

/** Reads what of one table is not in the records: its highest id and the rows of its default leaf. */
async function readOne(
  sql: Sql,
  facts: TableFacts,
  { rotations, detached, positions, holds, cacheBytes, published }: Records,
  nowMs: number,
): Promise<TableReading> {
  const name = tableOf(facts.policy);
  const highest = await highestId(sql, facts, BigInt(nowMs) * 1_000n).catch(() => null);
  const seen = positions.filter(({ table_name }) => table_name === name)
    .map(({ at_ms, position }) => ({ atMs: at_ms, position: BigInt(position) }));
  const gone = detached.filter((one) => tableOf(one) === name);
  return {
    facts: { ...facts, highestId: highest },
    lastRotationAt: rotations.get(name) ?? null,
    ...await countDefault(sql, facts.leaves),
    positions: highest === null ? seen : [...seen, { atMs: nowMs, position: highest }],
    detachedSizes: new Map(
      gone.map(({ leaf_oid, rows_estimate, bytes }) => [leaf_oid, { rows_estimate, bytes }]),
    ),
    holds: holds.filter((hold) => tableOf(hold) === name),
    cacheBytes,
    ownPublished: name === "market.ticks" ? published : [],
  };
}

/** Reads every table that has a policy, for monitoring. Waits for no lock on a leaf. */
export async function readTables(
  sql: Sql,
  { catalogue, config, nowMs }: {
    catalogue: Catalogue;
    config: Pick<Config, "HOLDFAST_PREMAKE_DAYS" | "HOLDFAST_RETENTION_DAYS">;
    nowMs: number;
  },
): Promise<TableReading[]> {
  const policies = (await listPolicies(sql)).map((row) => effectivePolicy(row, config));
  const parents = new Map((await readParents(sql, policies)).map((row) => [tableOf(row), row]));
  const leaves = await catalogue.sizedLeaves(sql, [...parents.values()].map(({ oid }) => oid));
  const records = await readRecords(sql, policies);
  const tables: TableReading[] = [];
  for (const policy of policies) {
    const parent = parents.get(tableOf(policy));
    const own = parent ? leaves.get(parent.oid) ?? [] : [];
    tables.push(await readOne(sql, factsOf(policy, parent, own, records), records, nowMs));
  }
  return tables;
}
