import type { Config } from "../../../config/config.ts";
import type { Sql } from "../../../db/connection.ts";
import { codeOf, describeDatabaseError } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import { listGone } from "../../../db/partitions/proof/archives.ts";
import { listDetached } from "../../../db/partitions/detached.ts";
import { lastRotations } from "../../../db/partitions/log.ts";
import { listFailedDrains } from "../../../db/partitions/rewrite/rewrites.ts";
import { listPolicies } from "../../../db/partitions/policies.ts";
import { listHolds } from "../../../db/partitions/restraint.ts";
import { countRows, listPositions } from "../../../db/partitions/probes.ts";
import {
  describeOwnPublication,
  listOwnPublications,
} from "../../../db/partitions/publications.ts";
import { readParents } from "../../../db/partitions/parents.ts";
import { listSealed } from "../../../db/partitions/proof/sealed.ts";
import type { Catalogue } from "../catalogue.ts";
import { readTable } from "../planning/cover.ts";
import type { LeafFacts, TableFacts } from "../planning/facts.ts";
import { effectivePolicy, tableOf } from "../policy.ts";
import { findHighest, newestFirst } from "../survey/probes.ts";
import {
  detachedFacts,
  drainFailureOf,
  parentFacts,
  problemOf,
  sealedFacts,
} from "../survey/survey.ts";
import type { TableReading } from "./report.ts";

/** Rows of a default leaf counted; of more it is the planner's estimate that tells, where it is higher. */
const defaultRowsMax = 1_000;

type DefaultCount = Pick<TableReading, "defaultRows" | "defaultError">;

/** Rows of the default leaf, counted to a limit and estimated beyond; 0 without one, null when it could not be read in time. */
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

/** Reads every table that has a policy, for watching: waits for no lock on a leaf. */
export async function readTables(
  sql: Sql,
  { catalogue, config, nowMs }: {
    catalogue: Catalogue;
    config: Pick<Config, "HOLDFAST_PREMAKE_DAYS" | "HOLDFAST_RETENTION_DAYS">;
    nowMs: number;
  },
): Promise<TableReading[]> {
  const policies = (await listPolicies(sql)).map((row) => effectivePolicy(row, config));
  const rotations = new Map((await lastRotations(sql)).map((row) => [row.table_name, row.at]));
  const parents = new Map((await readParents(sql, policies)).map((row) => [tableOf(row), row]));
  const leaves = await catalogue.sizedLeaves(sql, [...parents.values()].map(({ oid }) => oid));
  const detached = await listDetached(sql);
  const positions = policies.some(({ key }) => key === "id") ? await listPositions(sql) : [];
  const failed = new Map((await listFailedDrains(sql)).map((row) => [tableOf(row), row]));
  const sealed = sealedFacts(await listSealed(sql));
  const archived = await listGone(sql);
  const holds = await listHolds(sql);
  const [{ bytes: cacheBytes } = { bytes: 0 }] = await sql<{ bytes: number }[]>`
    select pg_size_bytes(current_setting('shared_buffers'))::float8 as bytes`;
  const published = (await listOwnPublications(sql)).map(describeOwnPublication);
  const tables: TableReading[] = [];
  for (const policy of policies) {
    const name = tableOf(policy);
    const row = parents.get(name);
    const problem = problemOf(row, policy);
    const mine = row ? leaves.get(row.oid) ?? [] : [];
    const gone = detached.filter((one) => tableOf(one) === name);
    const facts: TableFacts = {
      policy,
      parent: row && problem === undefined ? parentFacts(row) : undefined,
      problem,
      leaves: mine,
      detached: gone.map(detachedFacts),
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
    const highest = await highestId(sql, facts, BigInt(nowMs) * 1_000n).catch(() => null);
    const seen = positions.filter(({ table_name }) => table_name === name)
      .map(({ at_ms, position }) => ({ atMs: at_ms, position: BigInt(position) }));
    tables.push({
      facts: { ...facts, highestId: highest },
      lastRotationAt: rotations.get(name) ?? null,
      ...await countDefault(sql, mine),
      positions: highest === null ? seen : [...seen, { atMs: nowMs, position: highest }],
      detachedSizes: new Map(
        gone.map(({ leaf_oid, rows_estimate, bytes }) => [leaf_oid, { rows_estimate, bytes }]),
      ),
      holds: holds.filter((hold) => tableOf(hold) === name),
      cacheBytes,
      ownPublished: name === "market.ticks" ? published : [],
    });
  }
  return tables;
}
