import { statfs } from "node:fs/promises";

/** A small disk of its own, in memory, to be filled. */
export interface SmallDisk {
  path: string;
  free(): Promise<number>;
  /** Takes all but `leave` bytes of the free space with ballast. */
  fill(leave: number): Promise<void>;
  /** Gives the ballast's space back. */
  relieve(): Promise<void>;
  unmount(): Promise<void>;
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function mount(path: string, megabytes: number): Promise<boolean> {
  return await run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "holdfast", path);
}

/** Whether this process may mount one: root may, unless it lives in a container without the right to. */
export async function mayMount(): Promise<boolean> {
  if (Deno.uid() !== 0) return false;
  const path = await Deno.makeTempDir({ prefix: "holdfast-disk-" });
  const mounted = await mount(path, 1);
  if (mounted) await run("umount", path);
  await Deno.remove(path);
  return mounted;
}

/** Mounts a disk of this size on an empty folder. */
export async function mountSmallDisk(path: string, megabytes: number): Promise<SmallDisk> {
  if (!await mount(path, megabytes)) throw new Error(`Cannot mount a small disk on ${path}`);
  let ballast = 0;
  const free = async () => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  };
  return {
    path,
    free,
    async fill(leave) {
      // More than once: what others free or take meanwhile counts too.
      for (let attempt = 0; attempt < 20; attempt++) {
        const bytes = await free() - leave;
        if (bytes <= 0) return;
        await run("fallocate", "-l", String(bytes), `${path}/ballast-${ballast++}`);
      }
    },
    async relieve() {
      for (; ballast > 0; ballast--) {
        await Deno.remove(`${path}/ballast-${ballast - 1}`).catch(() => {});
      }
    },
    async unmount() {
      // Lazily when a server that outlived a failed test still has files there.
      if (!await run("umount", path)) await run("umount", "--lazy", path);
    },
  };
}
