import { unprivilegedUser } from "../../db/embedded/command.ts";
import type { DebianServer } from "./debian.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./process.ts";

export interface Bouncer {
  /** As the superuser postgres, to the database postgres. */
  url: string;
  urlOf(role: string, database: string): string;
  stop(): Promise<void>;
}

/** PgBouncer before a server, in transaction mode when nothing else is asked for; everybody is let in. */
export async function startBouncer(
  server: Pick<DebianServer, "port">,
  { mode = "transaction", settings = "" }: { mode?: "transaction" | "session"; settings?: string } =
    {},
): Promise<Bouncer> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-bouncer-" });
  const port = freePort();
  await Deno.writeTextFile(
    `${folder}/users`,
    ["postgres", "plain", "modest", "almighty"].map((name) => `"${name}" ""\n`).join(""),
  );
  await Deno.writeTextFile(
    `${folder}/ini`,
    `[databases]\n* = host=127.0.0.1 port=${server.port}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=${port}\n` +
      `auth_type=trust\nauth_file=${folder}/users\npool_mode=${mode}\ndefault_pool_size=10\nunix_socket_dir=\n${settings}`,
  );
  await Deno.chmod(folder, 0o755);
  const child = new Deno.Command("/usr/sbin/pgbouncer", {
    args: ["-q", `${folder}/ini`],
    ...(unprivilegedUser() ?? {}),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await eventually(async () => {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      return false;
    }
  }, "PgBouncer listens");
  const urlOf = (role: string, database: string) =>
    `postgres://${role}@127.0.0.1:${port}/${database}`;
  return {
    url: urlOf("postgres", "postgres"),
    urlOf,
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
