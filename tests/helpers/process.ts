import { eventually } from "./eventually.ts";

const root = new URL("../../", import.meta.url).pathname;

/** A real Holdfast in a process of its own, as `deno task serve` starts it. */
export interface ServeProcess {
  pid: number;
  url: string;
  exited: Promise<number>;
  output(): string;
  errors(): string;
  /** The log lines of one event. */
  logged(event: string): Record<string, unknown>[];
  ready(deadlineMs?: number): Promise<void>;
  /** Signals the process alone. */
  kill(signal: Deno.Signal): void;
  /** Signals its whole process group, as a terminal does at Ctrl-C. */
  interrupt(): void;
}

/** A TCP port nobody listens on just now, below those that systems take for outgoing connections. */
export function freePort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("No port was free in a hundred tries");
}

async function gather(stream: ReadableStream<Uint8Array>, into: (text: string) => void) {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) into(text);
}

/** Starts `main.ts serve`, with the permissions of its task, with these settings and no others; `user` is a uid to become first. */
export function startProcess(
  { env, cwd = root, user, args = ["serve"], allow = [] }: {
    env: Record<string, string>;
    cwd?: string;
    user?: number;
    args?: string[];
    /** Options of Deno's beside the permission set. */
    allow?: string[];
  },
): ServeProcess {
  const permissions = ["serve", "demo"].includes(args[0] ?? "serve") ? "serve" : "files";
  const command = [Deno.execPath(), "run", `-P=${permissions}`, ...allow, "main.ts", ...args];
  const become = user === undefined
    ? []
    : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];
  const [program = "", ...rest] = [...become, ...command];
  const inherited = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const child = new Deno.Command(program, {
    args: rest,
    cwd,
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  let output = "";
  let errors = "";
  const drained = Promise.all([
    gather(child.stdout, (text) => output += text),
    gather(child.stderr, (text) => errors += text),
  ]);
  const url = `http://127.0.0.1:${env.PORT}`;
  let gone = false;
  const exited = child.status.then(async ({ code }) => {
    gone = true;
    await drained;
    return code;
  });
  return {
    pid: child.pid,
    url,
    exited,
    output: () => output,
    // Deno's own remarks are not ours.
    errors: () => errors.replace(/^(Warning Permissions in the config file|Download ).*\n/gm, ""),
    logged: (event) =>
      output.split("\n").filter((line) => line.includes(`"event":"${event}"`))
        .map((line) => JSON.parse(line)),
    async ready(deadlineMs = 60_000) {
      await eventually(
        async () => {
          if (gone) return true;
          const answer = await fetch(`${url}/api/health/ready`);
          await answer.body?.cancel();
          return answer.status === 200;
        },
        `${url} is ready: ${errors}`,
        deadlineMs,
      );
      if (gone) {
        throw new Error(`Holdfast ended before it was ready: ${errors}${output.slice(-2000)}`);
      }
    },
    kill: (signal) => child.kill(signal),
    interrupt: () => Deno.kill(-child.pid, "SIGINT"),
  };
}

/** The Postgres servers (not their children) that run on a data directory below `dir`. */
export async function postmastersOf(dir: string): Promise<{ pid: number; uid: number }[]> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-eww", "-o", "pid=,ppid=,uid=,stat=,args="],
  }).output();
  const found = new TextDecoder().decode(stdout).split("\n").flatMap((line) => {
    const [pid, parent, uid, state, program, ...args] = line.trim().split(/ +/);
    const ours = program?.endsWith("/postgres") && args.some((arg) => arg.startsWith(dir));
    return ours && !state?.startsWith("Z")
      ? [{ pid: Number(pid), parent: Number(parent), uid: Number(uid) }]
      : [];
  });
  // A child just forked still bears its parent's command line.
  const pids = new Set(found.map(({ pid }) => pid));
  return found.flatMap(({ pid, parent, uid }) => pids.has(parent) ? [] : [{ pid, uid }]);
}

/** Stops the server of a data directory and its children where they are: the server first, which then makes no more. */
export async function freeze(dir: string): Promise<number[]> {
  const [server] = await postmastersOf(dir);
  if (!server) throw new Error(`No server runs on ${dir}`);
  Deno.kill(server.pid, "SIGSTOP");
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "pid=", "--ppid", String(server.pid)],
  }).output();
  const children = new TextDecoder().decode(stdout).split("\n").map(Number).filter((pid) =>
    pid > 0
  );
  for (const pid of children) Deno.kill(pid, "SIGSTOP");
  return [server.pid, ...children];
}
