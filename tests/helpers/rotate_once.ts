import { startGuardedOn } from "./guardian.ts";

/** A rotation in a process of its own, to be killed: DIRECTORY NOW [STATEMENT]; kills itself before that statement. */
const [directory = "", now = "", statement] = Deno.args;
let count = 0;
const guardian = startGuardedOn(
  { kind: "socket", directory, port: 5432, user: "postgres", database: "postgres" },
  now,
  {
    beforeStatement() {
      if (String(++count) === statement) Deno.kill(Deno.pid, "SIGKILL");
    },
    lockTimeoutMs: 20_000,
  },
);
const result = await guardian.rotation.rotate("child");
console.log(JSON.stringify(result));
await guardian.pool.end();
