import {
  type ConversionFacts,
  identityOf,
  type IndexFacts,
} from "../../../../db/partitions/catalogue/table_facts.ts";
import type { ParentRow } from "../../../../db/partitions/catalogue/parents.ts";
import { grantCreate, grantMembership } from "../../../../db/partitions/remedies.ts";
import { codecs, type KeyKind } from "../../axis/key.ts";
import { hypertableProblem } from "../../hypertable.ts";
import { refuseGiving } from "../../planning/owner.ts";
import { refusePublished, refuseSubscribed } from "../../survey/publications.ts";

export interface ConversionRequest {
  keyColumn: string;
  key: KeyKind;
  /** Whether the partition key may be added to keys that lack it. */
  widenKeys: boolean;
}

const indexKind: Record<string, string> = { p: "primary key", u: "unique constraint" };

function refuseKeys(facts: ConversionFacts, { keyColumn, widenKeys }: ConversionRequest): string[] {
  const lacking = facts.constraints.filter(({ type, columns }) =>
    (type === "p" || type === "u") && !columns.includes(keyColumn)
  );
  const loose = (index: IndexFacts) =>
    index.unique && !index.constraint && !index.columns.includes(keyColumn);
  return [
    ...(widenKeys
      ? lacking.filter(({ period }) => period).map(({ name }) =>
        `the temporal key "${name}" (WITHOUT OVERLAPS) lacks "${keyColumn}": with it, overlapping ranges would be allowed; drop it first`
      )
      : lacking.map(({ name, type }) =>
        `the ${
          indexKind[type]
        } "${name}" lacks "${keyColumn}", and a partitioned table can only enforce keys that include it; with "widen_keys": true it becomes part of the key, which then no longer keeps the rest unique by itself`
      )),
    ...facts.indexes.filter(loose).map(({ name }) =>
      `the unique index "${name}" lacks "${keyColumn}", and a partitioned table cannot have it; drop it or replace it by one that is not unique first`
    ),
    ...facts.constraints.filter(({ deferrable }) => deferrable).map(({ name }) =>
      `the constraint "${name}" is deferrable: two rows may have the same key until commit, which the copy does not support`
    ),
    ...facts.constraints.filter(({ type }) => type === "x").map(({ name }) =>
      `the exclusion constraint "${name}" is not carried over`
    ),
    // A constraint that is not enforced is never valid; it is carried over unchanged.
    ...facts.constraints.filter(({ type, validated, enforced }) =>
      "cfn".includes(type) && enforced && !validated
    ).map(({ name, definition }) =>
      `the constraint "${name}" (${definition}) is not validated, and a partition refuses rows that break it; validate it (alter table … validate constraint "${name}") or drop it first`
    ),
    ...facts.indexes.filter(({ valid }) => !valid).map(({ name }) =>
      `the index "${name}" is not valid; drop or reindex it first`
    ),
  ];
}

function refuseDependents(facts: ConversionFacts, row: ParentRow): string[] {
  return [
    ...row.referenced_by.map(({ name, schema, table }) =>
      `${schema}.${table} refers to it (foreign key "${name}"), and would refer to the old table after the swap; drop that key first, and create it again after`
    ),
    ...facts.views.filter(({ kind, owns }) => kind !== "v" || !owns).map(({ schema, name, kind }) =>
      kind === "v"
        ? `the view ${schema}.${name} depends on it and belongs to a role that this one is not a member of`
        : `${schema}.${name} (materialised view or rule) depends on it and cannot be pointed at the new table; drop it first`
    ),
    ...facts.dependents.map((what) =>
      `${what} depends on it; drop it first, and create it again after`
    ),
    ...refusePublished(facts.publications, row.schema),
    ...refuseSubscribed(facts.subscriptions),
    ...(facts.labels > 0 ? ["it has security labels, which are not carried over"] : []),
    ...(facts.extension === null
      ? []
      : [`it belongs to the extension ${facts.extension}; alter extension … drop table first`]),
    ...(facts.rules > 0 ? ["it has rules, which are not carried over"] : []),
    ...(facts.policies > 0 || row.row_security
      ? ["it has row security, which is not carried over"]
      : []),
    ...facts.triggers.filter(({ row: perRow, transition, constraint }) =>
      constraint || perRow && transition
    ).map(({ name }) =>
      `the trigger "${name}" is a constraint trigger or uses transition tables for each row, which partitioned tables do not have`
    ),
  ];
}

/** Returns everything that prevents a conversion of the table, each with its remedy; empty when it can be converted. */
export function refusalsOf(
  facts: ConversionFacts,
  row: ParentRow,
  request: ConversionRequest,
): string[] {
  if (row.hypertable) return [hypertableProblem(row.hypertable)];
  if (facts.kind === "p") return ["it is partitioned already"];
  if (facts.kind !== "r") return ["it is not an ordinary table"];
  const column = facts.columns.find(({ name }) => name === request.keyColumn);
  if (!column) return [`it has no column "${request.keyColumn}"`];
  const { types } = codecs[request.key];
  return [
    ...(row.owns ? [] : [
      `the role ${row.role} must own it or be a member of ${row.owner}: ${
        grantMembership(row.owner, row.role)
      }`,
    ]),
    ...(row.may_create ? [] : [
      `the role ${row.role} may not create tables: ${grantCreate(row.schema, row.role)}`,
    ]),
    ...refuseGiving({
      role: row.role,
      owner: row.owner,
      schema: row.schema,
      isOwner: row.is_owner,
      gives: row.gives,
      ownerMayCreate: row.owner_may_create,
    }),
    ...(facts.is_partition || facts.inherits || facts.typed
      ? ["it is part of an inheritance, or a typed table"]
      : []),
    ...(facts.persistence === "p" ? [] : ["it is unlogged or temporary"]),
    ...(types.some((type) => column.type === type || column.type.startsWith(`${type}(`)) ||
        types.includes(column.type.replace(/\(\d+(,\d+)?\)/, ""))
      ? []
      : [
        `its column "${request.keyColumn}" is of type ${column.type}; key ${request.key} needs ${
          types.join(", ")
        }`,
      ]),
    ...(column.not_null ? [] : [
      `its column "${request.keyColumn}" may be null, and such rows have no partition; set it not null first`,
    ]),
    ...(column.generated ? [`its column "${request.keyColumn}" is generated`] : []),
    ...(identityOf(facts) ? [] : [
      "it has no primary key and no unique index over columns that are not null: changed rows could not be told apart",
    ]),
    ...(row.replica_identity === "i"
      ? ["its replica identity is an index, which is not carried over; set another one first"]
      : []),
    ...refuseKeys(facts, request),
    ...refuseDependents(facts, row),
  ];
}
