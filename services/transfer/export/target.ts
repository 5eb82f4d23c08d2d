import { createWriteStream } from "node:fs";
import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { messageOf } from "../../../errors.ts";

export interface TargetOptions {
  gzip: boolean;
  signal: AbortSignal;
}

/** Returns why a file cannot be written; undefined when it can. */
export async function whyNotWritable(path: string, force: boolean): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found && !found.isFile()) return "it is not a file";
  if (found && !force) return "it exists; --force replaces it";
  try {
    await access(dirname(path), constants.W_OK);
    return undefined;
  } catch (error) {
    return `its folder cannot be written (${messageOf(error)})`;
  }
}

async function write(
  chunks: AsyncIterable<string | Uint8Array>,
  target: Writable,
  { gzip, signal }: TargetOptions,
  end: boolean,
): Promise<void> {
  const source = Readable.from(chunks, { objectMode: true, highWaterMark: 1 });
  if (gzip) await pipeline(source, createGzip(), target, { signal, end });
  else await pipeline(source, target, { signal, end });
}

/** Writes a complete file or none: to a temporary name in the same folder, renamed once it is on disk. Returns its bytes. */
export async function writeFile(
  path: string,
  chunks: AsyncIterable<string | Uint8Array>,
  { force, ...options }: TargetOptions & { force: boolean },
): Promise<number> {
  const partial = `${path}.${process.pid}.part`;
  try {
    await write(chunks, createWriteStream(partial), options, true);
    const handle = await open(partial, "r+");
    await handle.sync().finally(() => handle.close());
    const { size } = await stat(partial);
    const why = await whyNotWritable(path, force);
    if (why) throw new Error(`Cannot write ${path}: ${why}`);
    await rename(partial, path);
    return size;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Writes to standard output, which stays open. */
export async function writeToStdout(
  chunks: AsyncIterable<string | Uint8Array>,
  options: TargetOptions,
): Promise<void> {
  await write(chunks, process.stdout, options, false);
}
