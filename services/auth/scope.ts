/** What a token may do, from the least to the most. */
export const scopes = ["read", "ingest", "operate", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** What each scope covers: ingest and operate both read, and neither covers the other. */
const covered: Readonly<Record<Scope, readonly Scope[]>> = {
  read: ["read"],
  ingest: ["read", "ingest"],
  operate: ["read", "operate"],
  admin: scopes,
};

/** Says whether whoever holds one scope may do what needs another. */
export function covers(held: Scope, needed: Scope): boolean {
  return covered[held].includes(needed);
}

/** Whether a method changes nothing. */
export const isSafe = (method: string): boolean => /^(get|head|options)$/i.test(method);
