import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setPriority } from "node:os";
import process from "node:process";
import { StartError } from "../../errors.ts";

/** Whom the server runs as: Postgres refuses root. */
export interface RunAs {
  uid: number;
  gid: number;
}

/** As root: the `nobody` of this machine. As anyone else: undefined, the server runs as that user. */
export function unprivilegedUser(): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((entry) =>
    entry.startsWith("nobody:")
  );
  const [, , uid, gid] = line?.split(":") ?? [];
  if (!uid || !gid) {
    throw new StartError(
      "Postgres will not run as root and this machine has no user nobody; set DATABASE_URL",
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Runs a short command of the server and answers its exit code and output, or -1 and the signal that ended it. Kills it
 * after `timeoutMs`.
 */
export function runCommand(
  binary: string,
  args: string[],
  { as, timeoutMs, cwd = "/", outputMax = 20_000, nice }: {
    as: RunAs | undefined;
    /** Priority of the command and of what it starts. */
    nice?: number | undefined;
    timeoutMs: number;
    cwd?: string;
    /** Only the end of a longer output is kept. */
    outputMax?: number;
  },
): Promise<{ code: number; signal: string | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      cwd,
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "pipe"],
      ...(as ?? {}),
    });
    if (nice !== undefined && child.pid !== undefined) {
      try {
        setPriority(child.pid, nice);
      } catch {
        // A lower priority only spares others; the work does not depend on it.
      }
    }
    let output = "";
    const collect = (chunk: unknown) => {
      output = (output + String(chunk)).slice(-outputMax);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, signal, output });
    });
  });
}

/**
 * Says whether a user may run a program of the server from a directory: asked of the system, since Deno's permissions do
 * not let us look at the directories above.
 */
export async function canRun(
  binary: string,
  { as, cwd }: { as: RunAs | undefined; cwd: string },
): Promise<boolean> {
  try {
    return (await runCommand(binary, ["--version"], { as, cwd, timeoutMs: 10_000 })).code === 0;
  } catch {
    return false;
  }
}
