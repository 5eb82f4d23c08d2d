import { startGuardedOn } from "./guardian.ts";

/**
 * A rotation in a process of its own, to be killed: DIRECTORY NOW [CHANGE] [ARCHIVES]; kills itself before the change
 * (a statement or a file operation) of that number, or the first with that text.
 */
const [directory = "", now = "", statement, archiveDir] = Deno.args;
let count = 0;
const guardian = startGuardedOn(
  { kind: "socket", directory, port: 5432, user: "postgres", database: "postgres" },
  now,
  {
    ...(archiveDir ? { archiveDir } : {}),
    endsBefore(what) {
      const named = statement !== undefined && !/^\d/.test(statement) && what.includes(statement);
      if (String(++count) === statement || named) Deno.kill(Deno.pid, "SIGKILL");
      return false;
    },
    lockTimeoutMs: 20_000,
  },
);
const result = await guardian.rotation.rotate("child");
console.log(JSON.stringify(result));
await guardian.pool.end();
// Whatever is still open, what the test waits for is over.
Deno.exit(0);
