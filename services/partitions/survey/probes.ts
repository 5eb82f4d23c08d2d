import type { Sql } from "../../../db/connection.ts";
import { codeOf, describeDatabaseError } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import {
  countRange,
  hasAnyRows,
  hasRows,
  highestOf,
  readToastOptions,
  takenNames,
} from "../../../db/partitions/catalogue/probes.ts";
import type { Span } from "../axis/span.ts";
import { listDoubts } from "../../../db/partitions/proof/doubts.ts";
import {
  countRowTriggers,
  listPublications,
} from "../../../db/partitions/catalogue/publications.ts";
import { readDrain, whyRefused } from "../rewrite/drain/facts.ts";
import { drainMax, namesFor, siblingOf } from "../planning/attaching.ts";
import { expiredLeaves, type Reading, type ReadLeaf, readTable } from "../planning/cover.ts";
import type {
  Blocker,
  LeafFacts,
  PublishedFacts,
  TableFacts,
  TakenName,
} from "../planning/facts.ts";

/** At most so many leaves are read for the highest id, from the newest down: those ahead of it are empty. */
const probedLeavesMax = 200;
/** So many leaves are checked for rows one by one; those after them in groups of this size. */
const singlyMax = 200;
const togetherMax = 100;
const blockersMax = 1_000;

const unanswered = new Set([
  sqlState.lockNotAvailable,
  sqlState.queryCanceled,
  sqlState.insufficientPrivilege,
]);

/** Returns the result, or undefined after a lock, a timeout or a missing privilege. */
async function inTime<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    if (unanswered.has(codeOf(error))) return undefined;
    throw error;
  }
}

/** Returns the highest id of a table whose key is a number; null without rows. Throws the server's error. */
export async function findHighest(
  sql: Sql,
  leaves: readonly LeafFacts[],
  ordered: readonly number[],
  column: string,
): Promise<bigint | null> {
  const byOid = new Map(leaves.map((leaf) => [leaf.oid, leaf]));
  for (const oid of ordered.slice(0, probedLeavesMax)) {
    const leaf = byOid.get(oid);
    if (!leaf || leaf.bound === null || leaf.pending) continue;
    const highest = await highestOf(sql, { schema: leaf.schema, table: leaf.name }, column);
    if (highest !== null) return BigInt(highest.split(".")[0] ?? "0");
  }
  return null;
}

/** Returns the oids of leaves with a range, the furthest ahead first. */
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
  for (const { name, oid, attached, compatible, partitioned } of rows) {
    const filled = compatible && !attached
      ? await inTime(hasRows(sql, { schema, table: name }))
      : true;
    taken.set(name, { oid, attached, compatible, partitioned, empty: filled === false });
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
      const blocker = { constraint: name, table: `${schema}.${table}` };
      if (column === null) {
        found.push({ ...blocker, rows: null });
        continue;
      }
      const range = { column, from, to, most: blockersMax };
      found.push(
        await countRange(sql, { schema, table }, range).then(
          (rows) => ({ ...blocker, rows }),
          (error) => {
            if (!unanswered.has(codeOf(error))) throw error;
            return { ...blocker, rows: null, why: describeDatabaseError(error) };
          },
        ),
      );
    }
    blockers.set(leaf.oid, found);
  }
  return blockers;
}

/** Returns a span's ends as literals; null where it has none. */
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

/** After so many locked leaves no more are read: each costs the lock timeout. */
const unknownMax = 3;

/** Groups leaves for the check for rows: the first ones alone, the others together, so that any number is read in time. */
function inGroups<T>(leaves: readonly T[]): T[][] {
  const groups = leaves.slice(0, singlyMax).map((leaf) => [leaf]);
  for (let at = singlyMax; at < leaves.length; at += togetherMax) {
    groups.push(leaves.slice(at, at + togetherMax));
  }
  return groups;
}

/**
 * Finds where a table's newest rows are when some leaf is to be retired, and which of those leaves are empty. Reads one row
 * of each leaf, the kept ones first, from the present back.
 */
async function findNewest(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
): Promise<Pick<TableFacts, "newest" | "hollow">> {
  const expired = expiredLeaves(facts, reading);
  const gone = facts.detached.filter((leaf) =>
    leaf.present?.oid === leaf.oid && !leaf.present.attached && leaf.action !== "detach"
  );
  // Leaves on other servers are not read: the server may be unreachable, and its clock is another one.
  const isHere = ({ oid }: { oid: number }) => !facts.odd?.has(oid);
  const leavers = [...expired.toReversed(), ...gone].filter(isHere);
  if (leavers.length === 0) return {};
  const leaving = new Set(expired.map(({ oid }) => oid));
  const { present = 0n } = reading;
  const start = ({ read }: ReadLeaf) => read.kind === "range" ? read.span.from : present;
  const kept = reading.leaves.filter(({ oid, pending }) => !leaving.has(oid) && !pending)
    .filter(isHere);
  const past = kept.filter((leaf) => start(leaf) <= present);
  const ahead = kept.filter((leaf) => start(leaf) > present);
  past.sort((a, b) => start(a) > start(b) ? -1 : 1);
  ahead.sort((a, b) => start(a) < start(b) ? -1 : 1);
  let unknown = 0;
  /** Says whether a group has rows; counts as unknown only what a lock or a timeout prevented. */
  const isFilled = async (leaves: readonly { schema: string; name: string }[]) => {
    const tables = leaves.map(({ schema, name }) => ({ schema, table: name }));
    const filled = unknown >= unknownMax ? undefined : await inTime(hasAnyRows(sql, tables));
    if (filled === undefined) unknown++;
    return filled;
  };
  let newest: TableFacts["newest"] = "none";
  for (const group of inGroups([...past, ...ahead])) {
    if (!await isFilled(group)) continue;
    newest = "kept";
    break;
  }
  if (newest === "none" && unknown > 0) newest = "unknown";
  unknown = 0;
  const hollow = new Set<number>();
  for (const group of inGroups(leavers)) {
    const filled = await isFilled(group);
    if (filled === false) { for (const { oid } of group) hollow.add(oid); }
    else if (newest === "none") newest = filled ? "leaving" : "unknown";
  }
  return { newest, hollow };
}

/** Says whether a table whose key is a time has a row of the day before `nowUs`, or of the hour after it. */
export async function hasFreshRow(sql: Sql, facts: TableFacts, nowUs: bigint): Promise<boolean> {
  const [column] = facts.parent?.keyColumns ?? [];
  const reading = readTable(facts, nowUs);
  const from = reading.axis.atInstant(nowUs - 86_400_000_000n);
  const to = reading.axis.atInstant(nowUs + 3_600_000_000n);
  if (column === undefined || from === undefined || to === undefined) return false;
  // The position of the hour after it is included: today, for a date.
  const ends = finite({ from, to: to + 1n }, reading.axis.codec.format);
  const { schema, table } = facts.policy;
  const rows = await inTime(countRange(sql, { schema, table }, { column, ...ends, most: 1 }));
  return (rows ?? 0) > 0;
}

async function readPublished(sql: Sql, facts: TableFacts): Promise<PublishedFacts | undefined> {
  const publications = await listPublications(sql, facts.policy);
  if (publications.length === 0) return undefined;
  return { publications, rowTriggers: await countRowTriggers(sql, facts.parent?.oid ?? 0) };
}

/** Returns, for spans that an attach would fill from the default, why it cannot. */
async function findRefused(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
  spans: readonly Span[],
): Promise<Map<bigint, string>> {
  const refused = new Map<bigint, string>();
  const [column] = facts.parent?.keyColumns ?? [];
  if (!facts.parent || column === undefined || spans.length === 0) return refused;
  const doubts = await listDoubts(sql, facts.parent.oid);
  for (const span of spans) {
    const reason = await whyRefused(sql, reading, doubts, column, span);
    if (reason !== undefined) refused.set(span.from, reason);
  }
  return refused;
}

/** Reads what depends on a draft of the plan: taken names, rows of the default, rows that refer to leaves. */
export async function completeFacts(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
  spans: readonly Span[],
): Promise<TableFacts> {
  const drain = await inTime(readDrain(sql, facts, reading));
  const named = [...spans, ...(drain?.spans ?? [])];
  const defaultRows = await countDefaultRows(sql, facts, reading, spans);
  const filled = spans.filter(({ from }) => (defaultRows.get(from) ?? 0) > 0);
  return {
    ...facts,
    drain,
    taken: await readTaken(sql, facts, named.flatMap((span) => namesFor(facts, reading, span))),
    defaultRows,
    toastOptions: await readToastOptions(sql, siblingOf(facts)?.oid ?? 0),
    published: await readPublished(sql, facts),
    refusedRows: await findRefused(sql, facts, reading, filled),
    blockers: await countBlockers(sql, facts, reading),
    ...await findNewest(sql, facts, reading),
  };
}
