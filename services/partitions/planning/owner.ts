import { grantCreate, grantSet } from "../../../db/partitions/remedies.ts";

/** Returns why tables of this role cannot be given to the table's owner: the two conditions of `owner to`. */
export function refuseGiving({ role, owner, schema, isOwner, gives, ownerMayCreate }: {
  role: string;
  owner: string;
  schema: string;
  isOwner: boolean;
  gives: boolean;
  ownerMayCreate: boolean;
}): string[] {
  if (isOwner) return [];
  return [
    ...(gives ? [] : [
      `the role ${role} may not give tables to ${owner}: ${grantSet(owner, role)}`,
    ]),
    ...(ownerMayCreate ? [] : [
      `the owner ${owner} cannot become the owner of new tables in its schema: ${
        grantCreate(schema, owner)
      }`,
    ]),
  ];
}
