import { readFileSync } from "node:fs";
import process from "node:process";
import type { RunAs } from "../embedded/command.ts";
import { ownedFile } from "../embedded/files.ts";

/** Returns the name of this process' user in a passwd file; undefined where it has none. */
export function userNameIn(passwd: string, uid: number): string | undefined {
  return passwd.split("\n").map((line) => line.split(":")).find((fields) =>
    fields[2] === String(uid)
  )?.[0];
}

/**
 * Writes who may log in to a scratch server: whoever the kernel says is this process' user, whatever the role. Before version 16
 * a map cannot leave the role open, and a user without a name is no peer: then the directory of the socket, which only the
 * server's user and root may enter, keeps others out alone.
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
