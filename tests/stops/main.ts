import { parseArgs } from "node:util";
import { freePort, postmastersOf } from "../helpers/process.ts";
import { openTerminal } from "../helpers/terminal.ts";

const { values } = parseArgs({ options: { times: { type: "string", default: "20" } } });
const times = Number(values.times);
const root = new URL("../../", import.meta.url).pathname;
const leftWithinMs = 10_000;

/** A `deno task serve` to be stopped. */
interface Served {
  /** Ends it in one way; resolves when it has been told. */
  stop(): Promise<void>;
  code: Promise<number>;
}

type Settings = { HOLDFAST_DATA_DIR: string; PORT: string };

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Types into a real terminal, or closes it. */
const inTerminal = (keys: string[] | "close") => (env: Settings): Served => {
  const screen = openTerminal("deno task serve", { cwd: root, env });
  return {
    code: screen.exited,
    async stop() {
      if (keys === "close") return screen.close();
      for (const key of keys) {
        await screen.type(key);
        await wait(50);
      }
    },
  };
};

/** Signals the wrapper alone, or its group. */
const bySignal = (signals: Deno.Signal[], to: "wrapper" | "group") => (env: Settings): Served => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "serve"],
    cwd: root,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  return {
    code: child.status.then(({ code }) => code),
    async stop() {
      for (const signal of signals) {
        Deno.kill(to === "group" ? -child.pid : child.pid, signal);
        await wait(20);
      }
    },
  };
};

const kinds: Record<string, (env: Settings) => Served> = {
  "Ctrl-C in a terminal": inTerminal(["\x03"]),
  "two Ctrl-C within 50 ms": inTerminal(["\x03", "\x03"]),
  "terminal closed": inTerminal("close"),
  "SIGINT to the wrapper": bySignal(["SIGINT"], "wrapper"),
  "SIGINT twice to the group": bySignal(["SIGINT", "SIGINT"], "group"),
  "SIGTERM to the wrapper": bySignal(["SIGTERM"], "wrapper"),
  "SIGHUP to the group": bySignal(["SIGHUP"], "group"),
};

async function untilReady({ PORT }: Settings): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const ready = await fetch(`http://127.0.0.1:${PORT}/api/health/ready`).then(async (answer) => {
      await answer.body?.cancel();
      return answer.ok;
    }, () => false);
    if (ready) return;
    await wait(100);
  }
  throw new Error("Holdfast is not ready within a minute");
}

/** Says whether nothing is left: no server, and nobody's name in the lock. */
async function isClean({ HOLDFAST_DATA_DIR: dir }: Settings): Promise<boolean> {
  const until = performance.now() + leftWithinMs;
  while (performance.now() < until) {
    const lock = await Deno.readTextFile(`${dir}/holdfast.lock`);
    if (lock === "" && (await postmastersOf(dir)).length === 0) return true;
    await wait(20);
  }
  return false;
}

const dir = await Deno.makeTempDir({ prefix: "holdfast-stops-" });
await Deno.chmod(dir, 0o755);
console.log("| kind | stops | exit codes | something left | median ms | worst ms |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const [kind, open] of Object.entries(kinds)) {
  const took: number[] = [];
  const codes = new Map<number, number>();
  let left = 0;
  for (let time = 0; time < times; time++) {
    const env = { HOLDFAST_DATA_DIR: dir, PORT: String(freePort()) };
    const served = open(env);
    await untilReady(env);
    const began = performance.now();
    await served.stop();
    const code = await served.code;
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (!await isClean(env)) left++;
    took.push(performance.now() - began);
  }
  took.sort((a, b) => a - b);
  const shown = [...codes].map(([code, count]) => `${code}: ${count}`).join(", ");
  const median = Math.round(took[Math.floor(times / 2)] ?? NaN);
  console.log(
    `| ${kind} | ${times} | ${shown} | ${left} | ${median} | ${Math.round(took.at(-1) ?? NaN)} |`,
  );
}
await Deno.remove(dir, { recursive: true });
