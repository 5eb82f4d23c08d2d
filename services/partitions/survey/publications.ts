import type { Publication } from "../../../db/partitions/catalogue/publications.ts";
import { publishViaRoot, unpublishSchema } from "../../../db/partitions/remedies.ts";

const holds: Record<Publication["kind"], (schema: string) => string> = {
  table: () => "names it",
  schema: (schema) => `holds its schema (for tables in schema "${schema}")`,
  holdfast: () => `holds the schema "holdfast", where changes are recorded meanwhile`,
  all: () => "is for all tables",
};

const ways: Record<Publication["kind"], (publication: string, schema: string) => string> = {
  table: () => "remove the table from it first, and add the new table after",
  schema: (name, schema) =>
    `name tables instead of the schema first (${
      unpublishSchema(name, schema)
    }), and add the new table after`,
  holdfast: (name) => unpublishSchema(name, "holdfast"),
  all: () => "replace it by a publication that names its tables, and add the new table after",
};

/** Returns, for each publication, why the tables that a conversion makes must not be published, and what to do. */
export function refusePublished(
  publications: readonly Publication[],
  schema: string,
): string[] {
  return publications.map(({ name, kind }) =>
    `the publication "${name}" ${holds[kind](schema)}${
      kind === "table"
        ? ""
        : ": the new tables would be published too, and the subscriber would stop at them"
    }; ${ways[kind](name, schema)}`
  );
}

/**
 * Returns why a default partition of a published table is not drained. With publish_via_partition_root the subscriber is not
 * affected; without, it would look for drained rows in the old partition.
 */
export function refusePublishedDrain(
  publications: readonly Publication[],
  schema: string,
): string | undefined {
  const beside = publications.find(({ kind }) => kind !== "table");
  if (beside) {
    return `the publication "${beside.name}" ${
      holds[beside.kind](schema)
    }: the tables it is drained with would be published too, and the subscriber would stop at them; name the table in the publication instead`;
  }
  const apart = publications.find(({ via_root }) => !via_root);
  return apart &&
    `the publication "${apart.name}" sends each partition under its own name: changes of drained rows would be lost at the subscriber; ${
      publishViaRoot(apart.name)
    }, and refresh the subscription`;
}

/** Returns what subscribers need before a new partition gets rows; nothing with publish_via_partition_root. */
export function warnPublished(publications: readonly Publication[]): string[] {
  return publications.filter(({ via_root, kind }) => !via_root && kind !== "holdfast")
    .map(({ name }) =>
      `the publication "${name}" sends rows of a new partition under the partition's own name: the subscriber stops at the first of them unless it has that table; create it there as well and refresh the subscription, or ${
        publishViaRoot(name)
      }`
    );
}

/** Returns why another table must not replace one that subscriptions write to. */
export function refuseSubscribed(subscriptions: readonly string[]): string[] {
  return subscriptions.map((name) =>
    `the subscription "${name}" writes to it and knows it by its oid: rows for the table that replaces it would be ignored without an error; remove it from the publication at the publisher, and refresh the subscription`
  );
}
