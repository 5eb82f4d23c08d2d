import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { Manifest } from "../sealing/manifest.ts";
import { sha256File } from "./read.ts";

/** The receipt beside each Parquet file: the sealed leaf's manifest, and the size and digest of the file. */
export const Receipt = z.object({
  holdfast_archive: z.literal(1),
  parquet: z.object({ file: z.string(), bytes: z.number(), sha256: z.string() }),
  archived_at: z.string(),
  manifest: Manifest,
});
export type Receipt = z.infer<typeof Receipt>;

/** Returns a file name: other characters than letters, digits, dash and underscore are written as %XX, dots too. */
function fileName(text: string): string {
  return encodeURIComponent(text).replace(
    /[.!'()*~]/g,
    (one) => `%${one.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}

/**
 * Returns the path of a leaf's archive below the directory. The content's hash is part of it, so that no archive replaces
 * another.
 */
export function archivePath({ table, partition, content_hash }: Manifest): string {
  const at = table.indexOf(".");
  const folder = `${fileName(table.slice(0, at))}.${fileName(table.slice(at + 1))}`;
  const leaf = partition.startsWith(table.slice(0, at + 1)) ? partition.slice(at + 1) : partition;
  return join(folder, `${fileName(leaf)}.${content_hash.slice(0, 12)}.parquet`);
}

const receiptPath = (parquet: string) => parquet.replace(/\.parquet$/, ".json");
const partial = (path: string) => `${path}.part`;

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}

/** The file operations that create an archive. */
export interface ArchiveFiles {
  /** Writes a file from its beginning, over what was there; its directory is made. */
  write(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** Flushes a written file to disk. */
  sync(path: string): Promise<void>;
  /** Renames a file and flushes its directory, so that the name is durable. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file if it is there. */
  remove(path: string): Promise<void>;
}

export const diskFiles: ArchiveFiles = {
  async write(path, chunks) {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, "w", 0o600);
    try {
      for await (const chunk of chunks) {
        for (let at = 0; at < chunk.length;) {
          at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten;
        }
      }
    } finally {
      await handle.close();
    }
  },
  async sync(path) {
    const handle = await open(path, "r+");
    await handle.sync().finally(() => handle.close());
  },
  async rename(from, to) {
    await rename(from, to);
    await syncFolder(dirname(to));
  },
  remove: (path) => rm(path, { force: true }),
};

/**
 * Writes a Parquet file and its receipt: each under a temporary name, synced, read back by `prove`, and only then
 * renamed, the receipt last. A crash at any moment leaves no receipt without a whole file.
 */
export async function writeArchiveFiles(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  prove: (written: string) => Promise<Receipt>,
  files: ArchiveFiles,
): Promise<Receipt> {
  async function writePartial(path: string, chunks: Parameters<ArchiveFiles["write"]>[1]) {
    await files.write(partial(path), chunks);
    await files.sync(partial(path));
  }
  try {
    await writePartial(path, chunks);
    const receipt = await prove(partial(path));
    await files.rename(partial(path), path);
    const text = new TextEncoder().encode(`${JSON.stringify(receipt, null, 2)}\n`);
    await writePartial(receiptPath(path), [text]);
    await files.rename(partial(receiptPath(path)), receiptPath(path));
    return receipt;
  } catch (error) {
    await files.remove(partial(path)).catch(() => {});
    await files.remove(partial(receiptPath(path))).catch(() => {});
    throw error;
  }
}

/** Removes what an interrupted run left beside a leaf's files. */
export async function clearPartials(path: string): Promise<void> {
  await rm(partial(path), { force: true });
  await rm(partial(receiptPath(path)), { force: true });
}

/** Returns the receipt of a file; undefined when there is none. Throws `conflict` for an invalid one. */
export async function readReceipt(path: string): Promise<Receipt | undefined> {
  let text: string;
  try {
    text = await readFile(receiptPath(path), "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return Receipt.parse(JSON.parse(text));
  } catch (cause) {
    throw new HoldfastError("conflict", `The manifest ${receiptPath(path)} is damaged`, { cause });
  }
}

/** Returns the receipt of an archive, or what is wrong with the archive when it is missing or damaged. */
export async function checkArchive(
  path: string,
): Promise<{ receipt: Receipt } | { damage: string }> {
  try {
    const receipt = await readReceipt(path);
    if (!receipt) return { damage: `its archive ${path} is missing` };
    const damage = await damageOf(path, receipt);
    return damage === undefined ? { receipt } : { damage };
  } catch (error) {
    if (error instanceof HoldfastError) return { damage: error.message };
    throw error;
  }
}

/**
 * Returns how the file differs from its receipt; undefined when it is equal to the last byte. `onRead` is called with the
 * bytes read so far; an error that it throws ends the check.
 */
export async function damageOf(
  path: string,
  { parquet }: Receipt,
  onRead?: (bytes: number) => void,
): Promise<string | undefined> {
  const found = await stat(path).catch((error) => messageOf(error));
  if (typeof found === "string") return `${path} cannot be read: ${found}`;
  if (found.size !== parquet.bytes) {
    return `${path} has ${found.size} bytes, its manifest has ${parquet.bytes}`;
  }
  const sha256 = await sha256File(path, onRead);
  return sha256 === parquet.sha256 ? undefined : `${path} is damaged: its SHA-256 differs`;
}
