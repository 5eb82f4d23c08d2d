const heading =
  "# Holdfast: every connection needs its role's password (pgpass in the data directory).";
const closed = [
  heading,
  "local all all scram-sha-256",
  "local replication all scram-sha-256",
];
/** Lets the superuser in while its password is set; in force for a moment, and nobody else can enter the socket. */
const opening = "local all postgres trust # Holdfast sets the passwords anew";
/** What earlier versions wrote, and what initdb writes for local connections. */
const open = /^\s*local\s+\S+\s+\S+\s+trust\s*(#.*)?$/;

/** Says whether pg_hba.conf asks every local connection for a password. */
export function isClosed(text: string): boolean {
  const lines = text.split("\n");
  return closed.every((line, at) => lines[at] === line) && !lines.includes(opening);
}

/** Returns pg_hba.conf with Holdfast's lines first and no line by which anybody local comes in unasked. */
export function closeAccess(text: string): string {
  const rest = text.split("\n").filter((line) => !closed.includes(line) && !open.test(line));
  return [...closed, ...rest].join("\n").trimEnd() + "\n";
}

/** Returns pg_hba.conf with the one line before all others that lets the superuser in. */
export const openAccess = (text: string): string => `${opening}\n${text}`;
