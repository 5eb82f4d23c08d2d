import type { Sql } from "../../../../db/connection.ts";
import { codeOf } from "../../../../db/errors.ts";
import { type Doubt, findBroken, listDoubts } from "../../../../db/partitions/proof/doubts.ts";
import { listSubscriptions } from "../../../../db/partitions/catalogue/publications.ts";
import { drainNames } from "../../../../db/partitions/rewrite/names.ts";
import { nextKey, takenBeside } from "../../../../db/partitions/catalogue/probes.ts";
import { highest, lowest, type Span } from "../../axis/span.ts";
import { readTable } from "../convert/plan.ts";
import { type Reading, retentionLimit, wantedStretch, withinType } from "../../planning/cover.ts";
import type { DrainFacts, TableFacts } from "../../planning/facts.ts";
import { sqlState } from "../../../../db/sql_state.ts";

/** At most so many leaves are attached in one short transaction; the next drain takes further ones. */
export const drainedMax = 8;

/** At most so many ranges are checked for one plan: some may hold rows that are refused. */
const triedMax = 40;
/** At most so many rows of a range are checked against the constraints; the drain itself finds the others. */
const checkedMax = 100_000;
/** The last value of times and dates. */
const infinity = "infinity";

/** Returns why a new partition would refuse rows of the default in a span; undefined when none was found. */
export async function whyRefused(
  sql: Sql,
  reading: Reading,
  doubts: readonly Doubt[],
  column: string,
  { from, to }: Span,
): Promise<string | undefined> {
  const { defaultLeaf, axis } = reading;
  if (!defaultLeaf || doubts.length === 0) return undefined;
  const end = (at: bigint) => at === lowest || at === highest ? null : axis.codec.format(at);
  const table = { schema: defaultLeaf.schema, table: defaultLeaf.name };
  const range = { column, from: end(from), to: end(to), most: checkedMax };
  const name = await findBroken(sql, table, doubts, range).catch((error) => {
    // A lock, a timeout, or no privilege: the drain itself will find it.
    if (
      [sqlState.lockNotAvailable, sqlState.queryCanceled, sqlState.insufficientPrivilege].includes(
        codeOf(error),
      )
    ) return null;
    throw error;
  });
  const found = doubts.find((doubt) => doubt.name === name);
  return found &&
    `rows of ${range.from ?? "the beginning"} to ${
      range.to ?? "the end"
    } in the default ${table.schema}.${table.table} break the constraint "${found.name}" (${found.definition}), which is not validated: a new partition refuses them (${found.sqlstate}). Correct or remove those rows`;
}

/** Returns the free range around a position: its slot without what leaves of other lengths cover. */
function freeAround(at: bigint, reading: Reading): Span {
  let { from, to } = reading.axis.grid.slotOf(at);
  for (const span of reading.spans) {
    if (span.to <= at && span.to > from) from = span.to;
    if (span.from > at && span.from < to) to = span.from;
  }
  return { from, to };
}

/** Returns why rows of a key stay in the default partition. */
function whyUnplaced(
  { schema, name }: { schema: string; name: string },
  column: string,
  { key, isEndless }: { key: string; isEndless: boolean },
): string {
  const where = `the default ${schema}.${name} holds rows with "${column}" = ${key}`;
  return isEndless
    ? `${where}: they stay there, for no partition is made for them. Correct or remove them`
    : `${where}, which the policy's kind of key does not have: rows after them are not drained. Correct or remove them`;
}

/**
 * Finds the ranges of the default's rows, with one indexed query of the key for each. Leaves out rows that retention would
 * retire, those beyond what is made ahead, and those of an infinite key.
 */
async function drainableSpans(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
): Promise<Pick<DrainFacts, "spans" | "more" | "refused" | "unplaced" | "doubts">> {
  const { defaultLeaf, axis: { codec } } = reading;
  const { keyColumns: [column] = [], keyType = "", oid = 0 } = facts.parent ?? {};
  const spans: Span[] = [];
  const refused: DrainFacts["refused"] = [];
  const unplaced: string[] = [];
  const found = { refused, unplaced };
  if (!defaultLeaf || column === undefined) return { ...found, spans, more: false, doubts: [] };
  const doubts = await listDoubts(sql, oid);
  const limit = retentionLimit(facts, reading);
  const { to: end } = wantedStretch(reading, facts.policy.premake);
  const table = { schema: defaultLeaf.schema, table: defaultLeaf.name };
  const leave = (key: string, isEndless: boolean) =>
    void unplaced.push(whyUnplaced(defaultLeaf, column, { key, isEndless }));
  let from = limit === lowest ? null : codec.format(limit);
  let after = false;
  while (spans.length <= drainedMax && refused.length < triedMax) {
    const key = await nextKey(sql, table, { column, type: keyType }, from, { after });
    if (key === null) break;
    const position = codec.parse(key);
    if (position === undefined) leave(key, false);
    if (position === undefined || position >= end) break;
    if (position === lowest) {
      leave(key, true);
      [from, after] = [key, true];
      continue;
    }
    const span = withinType(freeAround(position, reading), keyType);
    if (!span) break;
    const reason = await whyRefused(sql, reading, doubts, column, span);
    if (reason !== undefined) refused.push({ span, reason });
    else if (span.to > limit) spans.push(span);
    if (span.to === highest) break;
    [from, after] = [codec.format(span.to), false];
  }
  if (codec.parse(infinity) === highest) {
    const last = await nextKey(sql, table, { column, type: keyType }, infinity);
    if (last !== null) leave(last, true);
  }
  return { ...found, spans: spans.slice(0, drainedMax), more: spans.length > drainedMax, doubts };
}

/** Reads what a drain of the default partition needs; undefined when there is nothing to drain. */
export async function readDrain(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
): Promise<DrainFacts | undefined> {
  const { defaultLeaf } = reading;
  if (!defaultLeaf || !facts.parent || reading.unknown.length > 0) return undefined;
  const { spans, more, refused, unplaced, doubts } = await drainableSpans(sql, facts, reading);
  if (spans.length + refused.length + unplaced.length === 0) return undefined;
  const found = await readTable(sql, facts.policy);
  if (!found) return undefined;
  const names = drainNames(facts.policy, { schema: defaultLeaf.schema, table: defaultLeaf.name });
  const taken = await takenBeside(
    sql,
    facts.policy.schema,
    Object.values(names).map(({ table }) => table),
  );
  return {
    spans,
    more,
    refused,
    unplaced,
    doubts,
    facts: found.facts,
    signature: found.signature,
    taken,
    subscriptions: await listSubscriptions(sql, defaultLeaf.oid),
  };
}
