import { runCommand, unprivilegedUser } from "../../db/embedded/command.ts";
import { freePort } from "./process.ts";
import { debianPostgres } from "./skip.ts";

/** A cluster of Debian's Postgres 15 of its own, over TCP on a free port. */
export interface DebianServer {
  url: string;
  port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
}

/** `bin` may be the programs of another version; `settings` are given at its start, as `name=value`. */
export async function createDebianServer(
  { bin = debianPostgres.bin, settings = [], port = freePort() }: {
    bin?: string;
    settings?: string[];
    port?: number;
  } = {},
): Promise<DebianServer> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-debian-" });
  const as = unprivilegedUser();
  await Deno.chmod(folder, 0o755);
  if (as) await Deno.chown(folder, as.uid, as.gid);
  const run = async (tool: string, args: string[]) => {
    const { code, output } = await runCommand(`${bin}/${tool}`, args, {
      as,
      timeoutMs: 60_000,
    });
    if (code !== 0) throw new Error(`${tool} ended with ${code}: ${output}`);
  };
  const data = ["--pgdata", `${folder}/data`];
  await run("initdb", [...data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8"]);
  const options = [
    `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`,
    ...settings.map((setting) => `-c ${setting}`),
  ].join(" ");
  const stop = () => run("pg_ctl", ["stop", ...data, "--mode", "immediate", "--wait"]);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    start: () =>
      run("pg_ctl", ["start", ...data, "--wait", "--log", `${folder}/log`, "--options", options]),
    stop,
    async remove() {
      await stop().catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
}
