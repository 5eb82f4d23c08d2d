import { readFileSync } from "node:fs";
import process from "node:process";
import type { RunAs } from "../embedded/command.ts";
import { ownedFile } from "../embedded/files.ts";

/** Returns the name of this process' user in a passwd file; undefined where it has none. */
function userNameIn(passwd: string, uid: number): string | undefined {
  return passwd.split("\n").map((line) => line.split(":")).find((fields) =>
    fields[2] === String(uid)
  )?.[0];
}

/**
 * Writes pg_hba.conf and pg_ident.conf of a scratch server: the operating system user of this process may log in under every
 * role. Before version 16 a map cannot allow any role, and a user without a name cannot be a peer; then only the socket's
 * directory, which the server's user and root may enter, keeps others out.
 */
export async function writeScratchAccess(
  path: string,
  { major, as }: { major: number; as: RunAs | undefined },
): Promise<void> {
  const uid = process.getuid?.();
  const name = uid === undefined ? undefined : userNameIn(readFileSync("/etc/passwd", "utf8"), uid);
  const known = major >= 16 && name !== undefined;
  await ownedFile(
    `${path}.hba`,
    known ? "local all all peer map=holdfast\n" : "local all all trust\n",
    "write",
    as,
  );
  const quoted = `"${name?.replaceAll('"', '""')}"`;
  await ownedFile(`${path}.ident`, known ? `holdfast ${quoted} all\n` : "", "write", as);
}
