import { rm } from "node:fs/promises";
import type { Target } from "../db/connection.ts";
import { runCommand, unprivilegedUser } from "../db/embedded/command.ts";

/** A temporary server of installed programs; `stop` deletes its files. */
export interface InstalledServer {
  target: Target;
  stop(): Promise<void>;
}

/**
 * Starts a server of the programs in `bin`, such as `/usr/lib/postgresql/15/bin`, in a new temporary folder. It listens on
 * TCP `port`, or on a socket in that folder; `settings` are `name=value`, others have defaults. Throws when a program fails.
 */
export async function startInstalledServer(
  bin: string,
  { settings, port }: { settings: readonly string[]; port?: number },
): Promise<InstalledServer> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  const as = unprivilegedUser();
  await Deno.chmod(folder, 0o755);
  if (as) await Deno.chown(folder, as.uid, as.gid);
  const data = ["--pgdata", `${folder}/data`];
  const run = async (program: string, args: string[]) => {
    const { code, output } = await runCommand(`${bin}/${program}`, args, {
      as,
      timeoutMs: 60_000,
    });
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${output}`);
  };
  await run("initdb", [
    ...data,
    "--username",
    "postgres",
    "--auth",
    "trust",
    "--encoding",
    "UTF8",
    "--data-checksums",
  ]);
  const place = port === undefined
    ? ["listen_addresses=", `unix_socket_directories=${folder}`]
    : [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories="];
  const options = [...place, ...settings].map((setting) => `-c ${setting}`).join(" ");
  await run("pg_ctl", ["start", ...data, "--wait", "--log", `${folder}/log`, "--options", options]);
  return {
    target: port === undefined
      ? { kind: "socket", directory: folder, port: 5432, user: "postgres", database: "postgres" }
      : { kind: "url", url: `postgres://postgres@127.0.0.1:${port}/postgres` },
    async stop() {
      await run("pg_ctl", ["stop", ...data, "--mode", "immediate", "--wait"]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
