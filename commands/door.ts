import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createHoldfast } from "../compose.ts";
import { placeOf, serverUser } from "../db/embedded/place.ts";
import { StartError } from "../errors.ts";
import { createLogger } from "../log.ts";
import type { Send } from "../services/patience.ts";
import { type CommandContext, lockDataDir } from "./serve.ts";

/** A way into a Holdfast: a running one, or one of our own. */
export interface Door {
  send: Send;
  where: string;
  headers: Record<string, string>;
  close(): Promise<void>;
}

const headersOf = ({ config }: CommandContext): Record<string, string> =>
  config.HOLDFAST_TOKEN ? { authorization: `Bearer ${config.HOLDFAST_TOKEN}` } : {};

/** Where a Holdfast with these settings would answer. */
export function addressOf({ config }: CommandContext): string {
  const host = config.HOST.includes(":") ? `[${config.HOST}]` : config.HOST;
  return `http://${host}:${config.PORT}`;
}

/** A running Holdfast on HOST:PORT, if one answers. */
export async function knock(context: CommandContext): Promise<Door | undefined> {
  const base = addressOf(context);
  try {
    const response = await fetch(`${base}/api/health/live`, { signal: AbortSignal.timeout(2_000) });
    const body = await response.json();
    if (body?.status !== "alive") return undefined;
  } catch {
    return undefined;
  }
  return {
    send: (path, init) => fetch(base + path, init),
    where: base,
    headers: headersOf(context),
    close: async () => {},
  };
}

/** This process as its own Holdfast, without a port. */
async function openHouse(context: CommandContext, purpose: "tool" | "reader"): Promise<Door> {
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
  const base = `http://127.0.0.1:${context.config.PORT}`;
  return {
    send: async (path, init) => await holdfast.handle(new Request(base + path, init)),
    where: "its own database",
    headers: headersOf(context),
    close,
  };
}

/**
 * The running Holdfast where one answers, else one of our own, whose database must be there unless `create` makes it. Who
 * only `reads` changes nothing in it.
 */
export async function openDoor(
  context: CommandContext,
  { create, reads = false }: { create: boolean; reads?: boolean },
): Promise<Door> {
  const running = await knock(context);
  if (running) return running;
  const { DATABASE_URL, HOLDFAST_DATA_DIR: dir } = context.config;
  if (!create && !DATABASE_URL && !existsSync(placeOf(dir, serverUser(dir)).cluster)) {
    throw new StartError(
      `No Holdfast answers on ${addressOf(context)}, and there is no database in ${resolve(dir)}`,
    );
  }
  return await openHouse(context, reads ? "reader" : "tool");
}
