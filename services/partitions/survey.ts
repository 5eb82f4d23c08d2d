import type { Sql } from "../../db/connection.ts";
import { codeOf, isUnreachable } from "../../db/errors.ts";
import { type DetachedRow, listDetached } from "../../db/partitions/detached.ts";
import { listMoves } from "../../db/partitions/moves.ts";
import { type ParentRow, readParents } from "../../db/partitions/parents.ts";
import { countRange, hasRows, highestOf, takenNames } from "../../db/partitions/probes.ts";
import { listSealed, type SealedRow } from "../../db/partitions/sealed.ts";
import { HoldfastError } from "../../errors.ts";
import { codecs } from "./axis/key.ts";
import type { Span } from "./axis/span.ts";
import type { Catalogue } from "./catalogue.ts";
import { readDrain } from "./drain/facts.ts";
import { drainMax, namesFor } from "./planning/attaching.ts";
import { expiredLeaves, missingSpans, type Reading, readTable } from "./planning/cover.ts";
import type {
  Blocker,
  DetachedFacts,
  LeafFacts,
  ParentFacts,
  PlanContext,
  SealedFacts,
  TableFacts,
  TakenName,
} from "./planning/facts.ts";
import { type Policy, tableOf } from "./policy.ts";

/** Leaves asked for the highest id, from the newest down: those ahead of it are empty. */
const probedLeavesMax = 200;
const blockersMax = 1_000;
const strategies: Record<string, string> = { l: "list", h: "hash" };

/** Why a table cannot be managed by its policy, as far as the catalogue alone tells. */
export function problemOf(row: ParentRow | undefined, policy: Policy): string | undefined {
  if (!row) return "there is no such table";
  if (row.strategy === null) return "it is not partitioned";
  if (row.strategy !== "r") {
    return `it is partitioned by ${strategies[row.strategy] ?? row.strategy}, not by range`;
  }
  if (row.has_expressions) {
    return "its key is an expression; Holdfast manages keys that are columns";
  }
  // A row made by hand may say anything.
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
    grants: row.grants,
    replicaIdentity: row.replica_identity,
    tablespace: row.tablespace,
    accessMethod: row.access_method,
    rowSecurity: row.row_security,
    forceRowSecurity: row.force_row_security,
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

/** An answer, or undefined when a lock, its size or a missing privilege kept it from coming. */
async function inTime<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    if (["55P03", "57014", "42501"].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** The highest id of a table whose key is a number; undefined when it could not be read in time. */
export async function findHighest(
  sql: Sql,
  leaves: readonly LeafFacts[],
  ordered: readonly number[],
  column: string,
): Promise<bigint | null | undefined> {
  const byOid = new Map(leaves.map((leaf) => [leaf.oid, leaf]));
  for (const oid of ordered.slice(0, probedLeavesMax)) {
    const leaf = byOid.get(oid);
    if (!leaf || leaf.bound === null || leaf.pending) continue;
    const highest = await inTime(highestOf(sql, { schema: leaf.schema, table: leaf.name }, column));
    if (highest === undefined) return undefined;
    if (highest !== null) return BigInt(highest.split(".")[0] ?? "0");
  }
  return null;
}

/** The oids of leaves with a range, the furthest ahead first. */
export function newestFirst({ leaves }: Reading): number[] {
  return leaves.flatMap(({ oid, read }) =>
    read.kind === "range" ? [{ oid, from: read.span.from }] : []
  )
    .sort((a, b) => a.from > b.from ? -1 : 1)
    .map(({ oid }) => oid);
}

async function readTaken(
  sql: Sql,
  facts: TableFacts,
  names: readonly string[],
): Promise<Map<string, TakenName>> {
  const taken = new Map<string, TakenName>();
  if (names.length === 0 || !facts.parent) return taken;
  const { schema } = facts.policy;
  const rows = await takenNames(sql, { schema, parent: facts.parent.oid, names });
  for (const { name, oid, attached, compatible } of rows) {
    const filled = compatible && !attached
      ? await inTime(hasRows(sql, { schema, table: name }))
      : true;
    taken.set(name, { oid, attached, compatible, empty: filled === false });
  }
  return taken;
}

async function countBlockers(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
): Promise<Map<number, Blocker[]>> {
  const blockers = new Map<number, Blocker[]>();
  const keys = facts.parent?.referencedBy ?? [];
  if (keys.length === 0) return blockers;
  const { format } = reading.axis.codec;
  for (const leaf of expiredLeaves(facts, reading)) {
    if (leaf.read.kind !== "range") continue;
    const { from, to } = finite(leaf.read.span, format);
    const found: Blocker[] = [];
    for (const { name, schema, table, column } of keys) {
      // The key is part of every foreign key to the table, so its range finds the rows without a join.
      const rows = column === null ? undefined : await inTime(
        countRange(sql, { schema, table }, { column, from, to, most: blockersMax }),
      );
      found.push({ constraint: name, table: `${schema}.${table}`, rows: rows ?? null });
    }
    blockers.set(leaf.oid, found);
  }
  return blockers;
}

/** A span's ends as literals; null where it has none. */
function finite({ from, to }: Span, format: (position: bigint) => string) {
  const end = (at: bigint) => at > -(1n << 159n) && at < 1n << 159n ? format(at) : null;
  return { from: end(from), to: end(to) };
}

async function countDefaultRows(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
  spans: readonly Span[],
): Promise<Map<bigint, number>> {
  const rows = new Map<bigint, number>();
  const { defaultLeaf } = reading;
  const [column] = facts.parent?.keyColumns ?? [];
  if (!defaultLeaf || column === undefined) return rows;
  const table = { schema: defaultLeaf.schema, table: defaultLeaf.name };
  if (await inTime(hasRows(sql, table)) === false) return rows;
  for (const span of spans) {
    const ends = finite(span, reading.axis.codec.format);
    const counted = await inTime(countRange(sql, table, { column, ...ends, most: drainMax + 1 }));
    rows.set(span.from, counted ?? drainMax + 1);
  }
  return rows;
}

/** Looks up what depends on a draft of the plan: names that are taken, rows in the way, rows that refer to leaves. */
export async function completeFacts(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
  spans: readonly Span[],
): Promise<TableFacts> {
  const drain = await inTime(readDrain(sql, facts, reading));
  const named = [...spans, ...(drain?.spans ?? [])];
  return {
    ...facts,
    drain,
    taken: await readTaken(sql, facts, named.flatMap((span) => namesFor(facts, reading, span))),
    defaultRows: await countDefaultRows(sql, facts, reading, spans),
    blockers: await countBlockers(sql, facts, reading),
  };
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
  const moves = (await listMoves(sql)).filter(({ ended_at }) => ended_at === null);
  const sealed = sealedFacts(await listSealed(sql));
  return policies.map((policy) => {
    const row = parents.get(tableOf(policy));
    const problem = problemOf(row, policy);
    return {
      policy,
      parent: row && problem === undefined ? parentFacts(row) : undefined,
      problem,
      leaves: row ? leaves.get(row.oid) ?? [] : [],
      detached: detached.filter((one) => tableOf(one) === tableOf(policy)).map(detachedFacts),
      draining: moves.find((move) => tableOf(move) === tableOf(policy) && move.kind === "drain")
        ?.phase,
      taken: new Map(),
      blockers: new Map(),
      defaultRows: new Map(),
      sealed,
      highestId: null,
    };
  });
}

/** All facts a plan rests on. One table that cannot be read does not keep the others from it. */
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
        // A connection that is gone is nobody's fault here; anything else is this table's own.
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
    : `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
}

async function surveyTable(
  sql: Sql,
  facts: TableFacts,
  context: PlanContext,
): Promise<TableFacts> {
  if (!facts.parent) return facts;
  let reading = readTable(facts, context.nowUs);
  let known = facts;
  if (reading.axis.codec.axis === "number") {
    const [column = ""] = facts.parent.keyColumns;
    const highest = await findHighest(sql, facts.leaves, newestFirst(reading), column);
    if (highest === undefined) {
      const problem = `its highest "${column}" could not be read in time; an index on it helps`;
      return { ...facts, parent: undefined, problem };
    }
    known = { ...facts, highestId: highest };
    reading = readTable(known, context.nowUs);
  }
  return await completeFacts(sql, known, reading, missingSpans(known, reading, context));
}
