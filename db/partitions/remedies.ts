import { quoteIdent } from "../sql.ts";

// Statements that messages suggest to an operator.

/** Returns what makes `role` a member of `owner`. */
export const grantMembership = (owner: string, role: string): string =>
  `grant ${quoteIdent(owner)} to ${quoteIdent(role)}`;

/** Returns what allows `role` to act as `owner` and to give it objects. */
export const grantSet = (owner: string, role: string): string =>
  `${grantMembership(owner, role)} with set true`;

/** Returns what allows `role` to create tables in a schema. */
export const grantCreate = (schema: string, role: string): string =>
  `grant create on schema ${quoteIdent(schema)} to ${quoteIdent(role)}`;

/** Returns what removes the tables of a schema from a publication. */
export const unpublishSchema = (publication: string, schema: string): string =>
  `alter publication ${quoteIdent(publication)} drop tables in schema ${quoteIdent(schema)}`;

/** Returns what makes a publication send the rows of partitions under the name of their table. */
export const publishViaRoot = (publication: string): string =>
  `alter publication ${quoteIdent(publication)} set (publish_via_partition_root = true)`;
