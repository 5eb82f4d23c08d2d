import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";

/** Short: the path of a Unix socket has room for a hundred letters. */
const memory = "/tmp/hf-mem";
const roomBytes = 6 * 1024 ** 3;

/** For what stays from one run of the tests to the next. Another test file in this process may have set TMPDIR before. */
export const lastingTemp = Deno.env.get("TMPDIR") === memory ? "/tmp" : tmpdir();

/** Mounts it once a machine, which only root may do; whoever makes the folder does it. */
function mountMemory(): void {
  Deno.mkdirSync(memory);
  const args = ["-t", "tmpfs", "-o", "mode=1777", "holdfast-test", memory];
  const { success } = new Deno.Command("mount", { args, stdout: "null", stderr: "null" })
    .outputSync();
  if (!success) Deno.removeSync(memory);
}

function hasMemory(): boolean {
  if (Deno.build.os !== "linux" || Deno.systemMemoryInfo().available < roomBytes) return false;
  const isMounted = () => readFileSync("/proc/mounts", "utf8").includes(` ${memory} tmpfs `);
  if (isMounted()) return true;
  if (Deno.uid() !== 0 || existsSync(memory)) return false;
  try {
    mountMemory();
  } catch {
    return false; // another run of the tests is at it
  }
  return isMounted();
}

/**
 * With HOLDFAST_TEST_MEMORY=1 the temporary folders of tests stand in memory where there is room: each copies, flushes and
 * removes whole clusters, and a slow disk delays them. The mount stays until the machine restarts, so nobody gets it
 * unasked. Not in /dev/shm: Deno wants all permissions for whatever is in /dev. TMPDIR, where it is set, is kept.
 */
const isWanted = Deno.env.get("HOLDFAST_TEST_MEMORY") === "1" &&
  Deno.env.get("TMPDIR") === undefined;
if (isWanted && hasMemory()) Deno.env.set("TMPDIR", memory);
