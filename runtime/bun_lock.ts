import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import process from "node:process";
import type { FileLock } from "./types.ts";

/** The part of `bun:ffi` used here; its own types are not needed to build on Deno. */
interface BunFfi {
  dlopen(
    library: string,
    symbols: Record<"flock", { args: string[]; returns: string }>,
  ): { symbols: { flock(descriptor: number, operation: number): number } };
}

/** From sys/file.h, the same on Linux and macOS. */
const lockExclusively = 2;
const doNotWait = 4;

const libraries = process.platform === "darwin"
  ? ["libSystem.B.dylib"]
  : ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

/** Returns the system's `flock`, which Bun has no function for. Throws where no C library is found. */
async function findFlock(): Promise<(descriptor: number, operation: number) => number> {
  // A name that the compiler does not follow: only Bun has the module.
  const module: string = "bun:ffi";
  const { dlopen }: BunFfi = await import(module);
  for (const library of libraries) {
    try {
      return dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } }).symbols.flock;
    } catch {
      // Another C library.
    }
  }
  throw new Error(`no C library to lock files with: ${libraries.join(", ")}`);
}

/** Locks a file as Deno does, so that each sees the other's lock, also from another container. */
export async function lockFile(
  path: string,
  owner: string,
): Promise<FileLock | { heldBy: string }> {
  const flock = await findFlock();
  const file = openSync(path, "a+");
  if (flock(file, lockExclusively | doNotWait) !== 0) {
    closeSync(file);
    return { heldBy: readFileSync(path, "utf8").trim() };
  }
  ftruncateSync(file);
  try {
    writeSync(file, owner);
  } catch (error) {
    // The lock counts; the name of its owner is optional, and cannot be written on a full disk.
    if ((error as { code?: string }).code !== "ENOSPC") throw error;
  }
  return {
    release() {
      ftruncateSync(file);
      closeSync(file);
      return Promise.resolve();
    },
  };
}
