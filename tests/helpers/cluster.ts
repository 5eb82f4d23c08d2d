import { dirname } from "node:path";
import { prepareBinaries } from "../../db/embedded/binaries.ts";
import { runCommand, unprivilegedUser } from "../../db/embedded/command.ts";
import { freePort } from "./process.ts";

/** A cluster over TCP that can be copied, become a standby of another, and be stopped in each way. */
export interface Cluster {
  port: number;
  /** Its folder of archived WAL: what `archiving` writes and `restoring` reads. */
  archive: string;
  url(database?: string): string;
  start(): Promise<void>;
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Adds lines to its configuration; in force after the next start. */
  configure(...lines: string[]): Promise<void>;
  /** Copies its files, while it is stopped, to a new cluster on another port. */
  copy(): Promise<Cluster>;
  /** Makes it a standby at its next start: of a primary that streams to it, or of an archive. */
  follow(source: { port: number } | { archive: string }): Promise<void>;
  remove(): Promise<void>;
}

/** Where the programs of the embedded server stand. */
export async function embeddedBin(): Promise<string> {
  const { pgCtl } = await prepareBinaries({
    as: unprivilegedUser(),
    home: "/var/lib/holdfast",
    version: "18.4",
  });
  return dirname(pgCtl);
}

const common = [
  "listen_addresses = '127.0.0.1'",
  "unix_socket_directories = ''",
  "shared_buffers = '32MB'",
  "fsync = off",
  "wal_keep_size = '128MB'",
  "wal_retrieve_retry_interval = '500ms'",
  "hot_standby_feedback = off",
];

/** Makes a new cluster with the programs in `bin`. */
export async function createCluster(bin: string): Promise<Cluster> {
  const cluster = await openCluster(bin, freePort());
  await cluster.run("initdb", [
    "--username",
    "postgres",
    "--auth",
    "trust",
    "--encoding",
    "UTF8",
    "--locale",
    "C",
    "--no-sync",
  ]);
  await cluster.configure(
    ...common,
    "archive_mode = on",
    `archive_command = 'test ! -f ${cluster.archive}/%f && cp %p ${cluster.archive}/%f'`,
    `port = ${cluster.port}`,
  );
  return cluster;
}

async function openCluster(bin: string, port: number) {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-cluster-" });
  const as = unprivilegedUser();
  const archive = `${folder}/archive`;
  await Deno.chmod(folder, 0o755);
  await Deno.mkdir(archive);
  if (as) { for (const one of [folder, archive]) await Deno.chown(one, as.uid, as.gid); }
  const data = `${folder}/data`;
  const run = async (tool: string, args: string[]) => {
    const { code, output } = await runCommand(`${bin}/${tool}`, [...args, "--pgdata", data], {
      as,
      timeoutMs: 60_000,
    });
    if (code !== 0) throw new Error(`${tool} ended with ${code}: ${output}`);
  };
  const stop = (mode: "fast" | "immediate" = "fast") =>
    run("pg_ctl", ["stop", "--mode", mode, "--wait"]);
  const configure = (...lines: string[]) =>
    Deno.writeTextFile(`${data}/postgresql.conf`, `\n${lines.join("\n")}\n`, { append: true });
  const cluster: Cluster & { run: typeof run } = {
    port,
    archive,
    run,
    url: (database = "postgres") => `postgres://postgres@127.0.0.1:${port}/${database}`,
    start: () => run("pg_ctl", ["start", "--wait", "--log", `${folder}/log`]),
    stop,
    configure,
    async copy() {
      const other = await openCluster(bin, freePort());
      const { code, output } = await runCommand("/bin/cp", [
        "-a",
        data,
        `${other.archive}/../data`,
      ], { as, timeoutMs: 60_000 });
      if (code !== 0) throw new Error(output);
      await other.configure(
        `port = ${other.port}`,
        `archive_command = 'test ! -f ${other.archive}/%f && cp %p ${other.archive}/%f'`,
      );
      return other;
    },
    async follow(source) {
      await configure(
        ...("port" in source
          ? [
            `primary_conninfo = 'host=127.0.0.1 port=${source.port} user=postgres password=secret'`,
            "recovery_target_timeline = 'latest'",
          ]
          : [
            "primary_conninfo = ''",
            `restore_command = 'cp ${source.archive}/%f %p'`,
          ]),
      );
      const signal = `${data}/standby.signal`;
      await Deno.writeTextFile(signal, "");
      if (as) await Deno.chown(signal, as.uid, as.gid);
    },
    async remove() {
      await stop("immediate").catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
  return cluster;
}
