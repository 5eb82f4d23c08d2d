import { rm } from "node:fs/promises";
import { runCommand, unprivilegedUser } from "../db/embedded/command.ts";
import type { TempServer } from "./temp_server.ts";

/**
 * Starts a server of the programs in `bin`, such as `/usr/lib/postgresql/15/bin`, in a new temporary folder that goes with
 * it: settings as it comes, but for pg_stat_statements and a socket in that folder. Throws when a program fails.
 */
export async function startInstalledServer(bin: string): Promise<TempServer> {
  const directory = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  const as = unprivilegedUser();
  await Deno.chmod(directory, 0o755);
  if (as) await Deno.chown(directory, as.uid, as.gid);
  const run = async (program: string, args: string[]) => {
    const { code, output } = await runCommand(`${bin}/${program}`, args, {
      as,
      timeoutMs: 120_000,
    });
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${output}`);
  };
  const data = ["--pgdata", `${directory}/data`];
  await run("initdb", [...data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8"]);
  const settings = [
    "listen_addresses=",
    `unix_socket_directories=${directory}`,
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.max=10000",
  ];
  await run("pg_ctl", [
    "start",
    ...data,
    "--wait",
    "--log",
    `${directory}/log`,
    "--options",
    settings.map((setting) => `-c ${setting}`).join(" "),
  ]);
  const stop = () => run("pg_ctl", ["stop", ...data, "--mode", "immediate", "--wait"]);
  return {
    target: { kind: "socket", directory, port: 5432, user: "postgres", database: "postgres" },
    async stop() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
    stopNow() {
      Deno.removeSync(directory, { recursive: true });
    },
  };
}
