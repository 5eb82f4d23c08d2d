import type { Sql } from "../../../db/connection.ts";
import { nextKey, takenBeside } from "../../../db/partitions/probes.ts";
import { lowest, type Span } from "../axis/span.ts";
import { readTable } from "../conversion/plan.ts";
import { type Reading, retentionLimit, wantedStretch } from "../planning/cover.ts";
import type { DrainFacts, TableFacts } from "../planning/facts.ts";
import { drainNames } from "./statements.ts";

/** As many leaves are attached in one short transaction; the next drain takes the next ones. */
export const drainedMax = 8;

/** The place in a grid that is free around a position: its slot, less what leaves of other lengths cover. */
function freeAround(at: bigint, reading: Reading): Span {
  let { from, to } = reading.axis.grid.slotOf(at);
  for (const span of reading.spans) {
    if (span.to <= at && span.to > from) from = span.to;
    if (span.from > at && span.from < to) to = span.from;
  }
  return { from, to };
}

/**
 * Walks through the default's rows from range to range: a probe of the key for each, which an index answers. Rows that
 * retention would give up, or of a future nobody has premade, stay.
 */
async function drainableSpans(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
): Promise<{ spans: Span[]; more: boolean }> {
  const { defaultLeaf, axis } = reading;
  const [column] = facts.parent?.keyColumns ?? [];
  const spans: Span[] = [];
  if (!defaultLeaf || column === undefined) return { spans, more: false };
  const limit = retentionLimit(facts, reading);
  const { to: end } = wantedStretch(reading, facts.policy.premake);
  const table = { schema: defaultLeaf.schema, table: defaultLeaf.name };
  let at = limit;
  while (spans.length <= drainedMax) {
    const next = await nextKey(sql, table, column, at === lowest ? null : axis.codec.format(at));
    const position = next === null ? undefined : axis.codec.parse(next);
    // A row of -infinity keeps those after it from being found: it is an operator's to look at.
    if (position === undefined || position === lowest || position >= end) break;
    const span = freeAround(position, reading);
    if (span.to > limit) spans.push(span);
    at = span.to;
  }
  return { spans: spans.slice(0, drainedMax), more: spans.length > drainedMax };
}

/** Looks whether a default partition should be drained, and what of; undefined: nothing is in it to be drained. */
export async function readDrain(
  sql: Sql,
  facts: TableFacts,
  reading: Reading,
): Promise<DrainFacts | undefined> {
  const { defaultLeaf } = reading;
  if (!defaultLeaf || !facts.parent || reading.unknown.length > 0) return undefined;
  const { spans, more } = await drainableSpans(sql, facts, reading);
  if (spans.length === 0) return undefined;
  const found = await readTable(sql, facts.policy);
  if (!found) return undefined;
  const names = drainNames(facts.policy, { schema: defaultLeaf.schema, table: defaultLeaf.name });
  const taken = await takenBeside(
    sql,
    facts.policy.schema,
    Object.values(names).map(({ table }) => table),
  );
  return { spans, more, facts: found.facts, signature: found.signature, taken };
}
