import { runCommand, unprivilegedUser } from "../../../db/embedded/command.ts";
import { HoldfastError } from "../../../errors.ts";

/** A busy machine needs a minute and more. */
const initMsMax = 600_000;

/** Makes an empty cluster whose bootstrap superuser is `superuser`. Throws `conflict` with the end of initdb's output. */
export async function makeCluster(pgCtl: string, data: string, superuser: string): Promise<void> {
  const name = superuser.replaceAll("'", "'\\''");
  const { code, output } = await runCommand(pgCtl, [
    "initdb",
    "--pgdata",
    data,
    "--options",
    // pg_ctl runs initdb through a shell.
    `--username='${name}' --auth=trust --encoding=UTF8 --locale=C --no-sync`,
  ], { as: unprivilegedUser(), timeoutMs: initMsMax });
  if (code !== 0) throw new HoldfastError("conflict", `initdb failed: ${output.slice(-300)}`);
}
