import type { Sql } from "../../../db/connection.ts";
import type { LeafTemplate, NewLeaf } from "../../../db/partitions/ddl.ts";
import { listPolicies } from "../../../db/partitions/records/policies.ts";
import { listPublications } from "../../../db/partitions/catalogue/publications.ts";
import { HoldfastError } from "../../../errors.ts";
import { parseBound } from "../axis/bound.ts";
import { findOverlaps, type Span } from "../axis/span.ts";
import type { Catalogue } from "../catalogue.ts";
import { attachLocks, newLeaf, templateOf } from "../planning/attaching.ts";
import { type Reading, readTable } from "../planning/cover.ts";
import type { ParentFacts } from "../planning/facts.ts";
import { effectivePolicy, type Policy, tableOf } from "../policy.ts";
import type { Manifest } from "../sealing/manifest.ts";
import { readCatalogue } from "../survey/survey.ts";

/** The table that an archived leaf is attached to again, and the leaf as it is to be created. */
export interface RestoreTarget {
  parent: ParentFacts;
  template: LeafTemplate;
  leaf: NewLeaf;
  attachLock: string;
}

export interface TargetOptions {
  catalogue: Catalogue;
  config: Parameters<typeof effectivePolicy>[1];
}

/** Throws `conflict`. */
export function refuseRestore(why: string): never {
  throw new HoldfastError("conflict", why);
}

/** Returns the range of an archived leaf. Throws `conflict` when the table has no place for it. */
function freeSpan(policy: Policy, reading: Reading, { bound: text }: Manifest): Span {
  const table = tableOf(policy);
  const bound = parseBound(text, reading.axis.codec);
  if (bound.kind !== "range") {
    return refuseRestore(`The bound ${text} is not a range of ${policy.key}`);
  }
  if (reading.unknown.length > 0) refuseRestore(`bounds of ${table} are locked and unknown`);
  if (findOverlaps([...reading.spans, bound.span]).length > 0) {
    refuseRestore(`${table} has a partition in the range ${text} already`);
  }
  if (reading.defaultLeaf) {
    refuseRestore(
      `${table} has a default partition: attaching would scan it under a lock; detach it first`,
    );
  }
  return bound.span;
}

/** Reads the table that an archived leaf belongs to. Throws `not_found` or `conflict` when it cannot take the leaf. */
export async function readRestoreTarget(
  sql: Sql,
  { catalogue, config }: TargetOptions,
  { table, manifest, nowMs }: { table: string; manifest: Manifest; nowMs: number },
): Promise<RestoreTarget> {
  const policy = (await listPolicies(sql)).map((row) => effectivePolicy(row, config))
    .find((one) => tableOf(one) === table);
  if (!policy) throw new HoldfastError("not_found", `${table} has no partition policy`);
  const [facts] = await readCatalogue(sql, catalogue, [policy]);
  if (!facts?.parent) return refuseRestore(`${table} cannot be partitioned: ${facts?.problem}`);
  const { parent } = facts;
  const reading = readTable(facts, BigInt(nowMs) * 1_000n);
  const span = freeSpan(policy, reading, manifest);
  const [column] = parent.keyColumns;
  if (manifest.key.column !== column || manifest.key.type !== parent.keyType) {
    refuseRestore(`${manifest.partition} was archived with another partition key`);
  }
  const broad = (await listPublications(sql, policy)).find(({ kind }) => kind !== "table");
  if (broad) {
    refuseRestore(
      `the publication "${broad.name}" would send the rows to its subscribers again, under the name of the partition; name tables in it instead of the schema or all tables`,
    );
  }
  const own = `${policy.schema}.`;
  const name = manifest.partition.startsWith(own)
    ? manifest.partition.slice(own.length)
    : manifest.partition.slice(manifest.partition.indexOf(".") + 1);
  return {
    parent,
    template: templateOf(facts, parent),
    leaf: newLeaf(facts, reading, parent, span, name),
    attachLock: attachLocks(facts, reading, parent),
  };
}
