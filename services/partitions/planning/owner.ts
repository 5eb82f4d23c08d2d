/** Says why what this role makes cannot be given to the table's owner; Postgres asks both of an `owner to`. */
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
      `the role ${role} may not give tables to ${owner}: grant "${owner}" to "${role}" with set true`,
    ]),
    ...(ownerMayCreate ? [] : [
      `the owner ${owner} cannot be given new tables in its schema: grant create on schema "${schema}" to "${owner}"`,
    ]),
  ];
}
