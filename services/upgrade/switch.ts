import { existsSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../../db/embedded/files.ts";
import { isClosed } from "../../db/embedded/host_access.ts";
import { upgradeFolder } from "../../db/embedded/place.ts";
import type { Survey } from "./survey.ts";

/** Flushes the names in a directory. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}

/** Gives the new cluster the lines of pg_hba.conf and pg_ident.conf of the old one. */
export async function carryAccess({ old, fresh, as }: Survey): Promise<void> {
  const text = await readFile(join(old.cluster, "pg_hba.conf"), "utf8");
  // Otherwise the next start secures the cluster, as it does with every cluster of before.
  if (isClosed(text)) await replaceFile(join(fresh.cluster, "pg_hba.conf"), text, as);
  const ident = await readFile(join(old.cluster, "pg_ident.conf"), "utf8");
  await replaceFile(join(fresh.cluster, "pg_ident.conf"), ident, as);
}

/** Returns the settings of `alter system`, which are not carried over: another version may not know them. */
export async function listOwnSettings({ old }: Survey): Promise<string[]> {
  const path = join(old.cluster, "postgresql.auto.conf");
  if (!existsSync(path)) return [];
  return (await readFile(path, "utf8")).split("\n").filter((line) => /^\s*[a-z]/i.test(line));
}

/**
 * Puts the new cluster in the old one's place and keeps the old one beside it. Both must be stopped. Each rename is atomic; cut
 * short between them, it is finished by a second call.
 */
export async function switchClusters({ old, fresh, kept, home, from }: Survey): Promise<void> {
  if (existsSync(old.cluster)) await rename(old.cluster, kept);
  // WAL of the old cluster must not be taken for the new one's.
  if (existsSync(old.spool)) await rename(old.spool, join(home, `wal-spool-${from}`));
  await syncDirectory(home);
  await rename(fresh.cluster, old.cluster);
  await syncDirectory(home);
  await rm(join(home, upgradeFolder), { recursive: true, force: true });
}
