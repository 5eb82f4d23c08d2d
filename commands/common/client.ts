import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Client, type ClientOptions, createClient } from "../../client/client.ts";
import { createHoldfast } from "../../app/holdfast.ts";
import { placeOf, serverUser } from "../../db/embedded/place.ts";
import { StartError } from "../../errors.ts";
import { createLogger } from "../../log.ts";
import { reasonOf } from "../../services/transfer/refusal.ts";
import { type CommandContext, lockDataDir } from "../serve.ts";

/** A client of a running Holdfast, or of one in this process. */
export interface Connection {
  client: Client;
  where: string;
  close(): Promise<void>;
}

/** Timeouts and retries of a command's requests. */
export interface Persistence {
  signal?: AbortSignal;
  tries?: number;
  /** Longest wait for one answer; milliseconds. */
  timeoutMs?: number;
  /** Called with the reason when a request is retried later. */
  onWait?: (why: string) => void;
}

function optionsOf(
  { config }: CommandContext,
  { signal, tries = 1, timeoutMs = 60_000, onWait }: Persistence,
): Omit<ClientOptions, "baseUrl"> {
  return {
    token: config.HOLDFAST_TOKEN,
    signal,
    timeoutMs,
    retry: {
      tries,
      maxMs: 5_000,
      onRetry: ({ problem }) => onWait?.(reasonOf(problem)),
    },
  };
}

/** Returns the address of a Holdfast with these settings. */
export function addressOf({ config }: CommandContext): string {
  const host = config.HOST.includes(":") ? `[${config.HOST}]` : config.HOST;
  return `http://${host}:${config.PORT}`;
}

/** Connects to the Holdfast on HOST:PORT; undefined when none answers. */
export async function connectToRunning(
  context: CommandContext,
  persistence: Persistence = {},
): Promise<Connection | undefined> {
  const baseUrl = addressOf(context);
  const client = createClient({ baseUrl, ...optionsOf(context, persistence) });
  try {
    const { status } = await client.getLiveness({}, {
      timeoutMs: 2_000,
      retry: { tries: 1 },
    });
    if (status !== "alive") return undefined;
  } catch {
    return undefined;
  }
  return { client, where: baseUrl, close: async () => {} };
}

/** Starts a Holdfast in this process, without a port. */
async function startOwn(
  context: CommandContext,
  purpose: "tool" | "reader",
  persistence: Persistence,
): Promise<Connection> {
  const lock = await lockDataDir(context);
  const log = createLogger({
    level: context.config.LOG_LEVEL === "debug" ? "debug" : "warn",
    write: (line) => console.error(line),
  });
  const holdfast = await createHoldfast({
    ...context,
    log,
    purpose,
    say: (line) => console.error(line),
  });
  const close = async () => {
    await holdfast.stop();
    await lock?.release();
  };
  try {
    await holdfast.start();
  } catch (error) {
    await close();
    throw error;
  }
  const client = createClient({
    baseUrl: `http://127.0.0.1:${context.config.PORT}`,
    fetch: async (request) => await holdfast.handle(request),
    ...optionsOf(context, persistence),
  });
  return { client, where: "its own database", close };
}

/**
 * Connects to the running Holdfast when one answers, else starts one in this process. Its database must exist unless
 * `create` is set. With `reads` nothing in it is changed.
 */
export async function connect(
  context: CommandContext,
  { create, reads = false, ...persistence }: {
    create: boolean;
    reads?: boolean;
  } & Persistence,
): Promise<Connection> {
  const running = await connectToRunning(context, persistence);
  if (running) return running;
  const { DATABASE_URL, HOLDFAST_DATA_DIR: dir } = context.config;
  if (
    !create && !DATABASE_URL &&
    !existsSync(placeOf(dir, serverUser(dir)).cluster)
  ) {
    throw new StartError(
      `No Holdfast answers on ${addressOf(context)}, and there is no database in ${resolve(dir)}`,
    );
  }
  return await startOwn(context, reads ? "reader" : "tool", persistence);
}
