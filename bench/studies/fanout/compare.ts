import { parseArgs } from "node:util";
import { readMemory } from "../ingest/rss.ts";
import { startBenchApp } from "../ingest/bench_app.ts";
import type { ArmServer, ClientReport } from "../../cases/fanout/protocol.ts";

const usage = `deno task bench:fanout [--sockets N] [--messages N] [--rounds N] [--clients N]

Compares three servers that send one message per second to N sockets (10,000): Holdfast, a bare loop over
Deno.upgradeWebSocket, and Bun's publish. Each runs N rounds (3). Prints when each of N messages (60) reached the last socket.
Bun is the program that BUN names, or bun on the PATH (npm install @oven/bun-linux-x64); without it that arm is skipped.`;

const bareLoop = "Deno.upgradeWebSocket";
const clientPath = new URL("../../cases/fanout/client.ts", import.meta.url).pathname;
const bareDenoPath = new URL("bare_deno.ts", import.meta.url).pathname;
const bareBunPath = new URL("bare_bun.ts", import.meta.url).pathname;
/** Descriptors that a process needs beside its sockets. */
const otherDescriptors = 200;

/** Returns the first line that a process prints. */
async function firstLine(
  stream: ReadableStream<Uint8Array>,
): Promise<[string, ReadableStreamDefaultReader<Uint8Array>]> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`A process ended before it was ready: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  return [text, reader];
}

async function startProgram(name: string, program: string, args: string[]): Promise<ArmServer> {
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  })
    .spawn();
  const [line, reader] = await firstLine(child.stdout);
  return {
    name,
    port: Number(line),
    path: "/",
    pid: child.pid,
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}

async function startHoldfast(): Promise<ArmServer> {
  const app = await startBenchApp(undefined, {
    HOLDFAST_BROADCAST_SECONDS: "1",
    HOLDFAST_WS_CLIENTS_MAX: "100000",
    HOLDFAST_WS_CLIENTS_PER_ADDRESS_MAX: "100000",
    HOLDFAST_CONNECTIONS_MAX: "200000",
    HOLDFAST_CONNECTIONS_PER_ADDRESS_MAX: "200000",
  });
  const { port, pid, stop } = app;
  return { name: "Holdfast", port, path: "/ws", pid, stop };
}

/** Starts a client process that begins once all are connected. */
async function startClient(url: string, sockets: number, messages: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", clientPath, url, String(sockets), String(messages)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const [, reader] = await firstLine(child.stdout);
  return async (): Promise<ClientReport> => {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    let text = "";
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    await writer.close().catch(() => {});
    await child.status;
    return JSON.parse(text);
  };
}

interface Measured {
  /** Milliseconds from the `ts` of each message to the last socket. */
  lastMs: number[];
  perSocketKiB: number;
  sample: string;
}

/** Connects all sockets, waits for `messages` and returns when they arrived. */
async function measure(
  { port, path, pid }: ArmServer,
  { sockets, messages, clients }: { sockets: number; messages: number; clients: number },
): Promise<Measured> {
  const before = (await readMemory(pid)).resident;
  const shares = Array.from(
    { length: clients },
    (_, at) => Math.floor(sockets / clients) + (at < sockets % clients ? 1 : 0),
  );
  const begin: Awaited<ReturnType<typeof startClient>>[] = [];
  for (const share of shares) {
    begin.push(await startClient(`ws://127.0.0.1:${port}${path}`, share, messages));
  }
  const perSocketKiB = ((await readMemory(pid)).resident - before) / sockets / 1024;
  const reports = await Promise.all(begin.map((start) => start()));
  const whole = new Map<number, { last: number; sockets: number }>();
  for (const { ts, last, sockets: reached } of reports.flatMap(({ deliveries }) => deliveries)) {
    const sum = whole.get(ts) ?? { last: 0, sockets: 0 };
    whole.set(ts, { last: Math.max(sum.last, last), sockets: sum.sockets + reached });
  }
  // The first and the last may have been under way when a client began or ended.
  const lastMs = [...whole].filter(([, { sockets: reached }]) => reached === sockets)
    .map(([ts, { last }]) => last - ts);
  if (lastMs.length < messages / 2) {
    throw new Error(`Only ${lastMs.length} of ${messages} messages reached all ${sockets} sockets`);
  }
  return { lastMs, perSocketKiB, sample: reports[0]?.sample ?? "" };
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;

async function findBun(): Promise<string | undefined> {
  const program = Deno.env.get("BUN") ?? "bun";
  const { success } = await new Deno.Command(program, { args: ["--version"], stdout: "null" })
    .output().catch(() => ({ success: false }));
  return success ? program : undefined;
}

async function descriptorsMax(): Promise<number> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
  return Number(new TextDecoder().decode(stdout)) || Infinity; // unlimited
}

interface Options {
  sockets: number;
  messages: number;
  rounds: number;
  clients: number;
}

/** Reads the options; undefined after printing the help. */
async function readOptions(): Promise<Options | undefined> {
  const option = (fallback: string) => ({ type: "string" as const, default: fallback });
  const { values } = parseArgs({
    options: {
      sockets: option("10000"),
      messages: option("60"),
      rounds: option("3"),
      clients: option("2"),
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return undefined;
  }
  const most = await descriptorsMax() - otherDescriptors;
  const sockets = Math.min(Number(values.sockets), most);
  if (sockets < Number(values.sockets)) {
    console.log(
      `SKIPPED sockets beyond ${sockets}: the limit of open files (ulimit -n) allows no more`,
    );
  }
  return {
    sockets,
    messages: Number(values.messages),
    rounds: Number(values.rounds),
    clients: Number(values.clients),
  };
}

/** The arms in the order in which they run; the bare ones send the message in the file `template`. */
async function armsOf(template: string): Promise<[string, () => Promise<ArmServer>][]> {
  const bareDeno = ["run", "-A", bareDenoPath, template];
  const arms: [string, () => Promise<ArmServer>][] = [
    ["Holdfast", startHoldfast],
    [bareLoop, () => startProgram(bareLoop, Deno.execPath(), bareDeno)],
  ];
  const bun = await findBun();
  if (bun) {
    arms.push([
      "Bun publish",
      () => startProgram("Bun publish", bun, [bareBunPath, template]),
    ]);
  } else console.log("SKIPPED Bun's publish: no bun on the PATH, and BUN names none");
  return arms;
}

type Found = Map<string, { lastMs: number[]; perSocketKiB: number[] }>;

async function measureAll(options: Options, template: string): Promise<Found> {
  const arms = await armsOf(template);
  const found: Found = new Map();
  for (let round = 1; round <= options.rounds; round++) {
    for (const [name, start] of arms) {
      const server = await start();
      try {
        const { lastMs, perSocketKiB, sample } = await measure(server, options);
        if (name === "Holdfast") await Deno.writeTextFile(template, sample);
        const all = found.get(name) ?? { lastMs: [], perSocketKiB: [] };
        all.lastMs.push(...lastMs);
        all.perSocketKiB.push(perSocketKiB);
        found.set(name, all);
        console.log(`round ${round}, ${name}: ${lastMs.length} messages of ${sample.length} bytes`);
      } finally {
        await server.stop();
      }
    }
  }
  return found;
}

function print(found: Found, sockets: number): void {
  const bare = [...found.get(bareLoop)?.lastMs ?? []].sort((a, b) => a - b);
  console.log(`\n${sockets} sockets; milliseconds to the last of them\n`);
  console.log("| arm | p50 | p99 | p99 against the bare loop | KiB a socket |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const [name, { lastMs, perSocketKiB }] of found) {
    const sorted = [...lastMs].sort((a, b) => a - b);
    const p99 = quantile(sorted, 0.99);
    const kib = perSocketKiB.reduce((sum, one) => sum + one, 0) / perSocketKiB.length;
    console.log(
      `| ${name} | ${quantile(sorted, 0.5)} | ${p99} | ${
        (p99 / quantile(bare, 0.99)).toFixed(2)
      } | ${kib.toFixed(1)} |`,
    );
  }
}

async function main(): Promise<void> {
  const options = await readOptions();
  if (!options) return;
  const template = await Deno.makeTempFile({ prefix: "holdfast-fanout-" });
  const found = await measureAll(options, template);
  await Deno.remove(template);
  print(found, options.sockets);
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
