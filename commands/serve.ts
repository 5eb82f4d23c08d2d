import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { createHoldfasts } from "../app/fleet/holdfasts.ts";
import type { Holdfast } from "../app/holdfast.ts";
import type { Upkeep } from "../app/upkeep.ts";
import { endsWithin } from "../lib/deadline.ts";
import { type Config, unknownSettings } from "../config/config.ts";
import { closeHome } from "../db/embedded/files.ts";
import { serverUser } from "../db/embedded/place.ts";
import { isDriversOwn } from "../db/errors.ts";
import { messageOf, StartError } from "../errors.ts";
import { type Logger, tellPerson } from "../log.ts";
import type { FileLock, Listener, Runtime, Upgrade } from "../runtime/types.ts";
import { createStopSignals } from "./common/stop_signals.ts";

/** Longest wait for requests in flight at a stop; milliseconds. An upload that is cut off can be sent again and is stored once. */
const drainMs = 2_000;
/** Longest time of an orderly stop before the embedded server is stopped, requests in flight included; milliseconds. */
const orderlyMs = 2_500;
/** Longest that a second signal waits for the embedded server: only a server that is just starting takes that long. */
const endMs = 13_000;

export interface Serving {
  url: string;
  holdfast: Holdfast;
  /** Resolves when everything has ended. */
  stop(): Promise<void>;
}

export interface CommandContext {
  config: Config;
  runtime: Runtime;
  upgrade: Upgrade;
  log: Logger;
  version: string;
}

/** Locks the data directory for this process; undefined with DATABASE_URL. Throws a StartError when another process holds it. */
export async function lockDataDir(
  { config, runtime }: CommandContext,
): Promise<FileLock | undefined> {
  if (config.DATABASE_URL) return undefined;
  const dir = resolve(config.HOLDFAST_DATA_DIR);
  const owner = `process ${process.pid}, http://${config.HOST}:${config.PORT}, since ${
    new Date().toISOString()
  }`;
  const lock = await mkdir(dir, { recursive: true })
    .then(() => closeHome(dir, serverUser(dir)))
    .then(() => runtime.lockFile(join(dir, "holdfast.lock"), owner))
    .catch((cause) => {
      if (cause instanceof StartError) throw cause;
      throw new StartError(
        `HOLDFAST_DATA_DIR is ${JSON.stringify(dir)} (${messageOf(cause)}); allowed: a directory ${
          cause?.name === "NotCapable"
            ? "that Deno's permissions name, as deno task serve gives them"
            : "that can be created and written"
        }`,
        { cause },
      );
    });
  if (!("heldBy" in lock)) return lock;
  throw new StartError(
    `Another Holdfast uses ${dir} (${
      lock.heldBy || "it is starting"
    }); stop it, or choose another HOLDFAST_DATA_DIR`,
  );
}

const isAboutPort = (error: unknown) =>
  error instanceof Error && "code" in error &&
  (error.code === "EADDRINUSE" || error.code === "EACCES");

/** Returns the error of a listener that did not start, with the setting that is to be changed. */
export function listenFailure(
  { HOST, PORT }: Pick<Config, "HOST" | "PORT">,
  cause: unknown,
): StartError {
  const remedy = isAboutPort(cause)
    ? "choose another PORT"
    : `HOST is ${JSON.stringify(HOST)}; allowed: an address of this machine`;
  return new StartError(`Cannot listen on ${HOST}:${PORT} (${messageOf(cause)}); ${remedy}`, {
    cause,
  });
}

async function listen({ config, runtime }: CommandContext, holdfast: Holdfast): Promise<Listener> {
  try {
    const { handle, listening } = holdfast;
    return await runtime.serve({ host: config.HOST, port: config.PORT, ...listening, handle });
  } catch (error) {
    throw listenFailure(config, error);
  }
}

/**
 * Begins the regular jobs each minute and each hour, until `signal` aborts. A run is not waited for: the next one would not
 * begin before its end, so that one database at work for an hour would hold up the jobs of all others.
 */
export function scheduleUpkeep(
  { runtime, log }: { runtime: Pick<Runtime, "cron">; log: Logger },
  upkeep: Upkeep,
  signal: AbortSignal,
): void {
  const begin = (name: string, job: () => Promise<void>) => () => {
    job().catch((error) => log.error("cron_failed", { cron: name, error: messageOf(error) }));
    return Promise.resolve();
  };
  runtime.cron(
    "holdfast each minute",
    "* * * * *",
    signal,
    begin("minute", () => upkeep.everyMinute()),
  );
  runtime.cron("holdfast rotation", "7 * * * *", signal, begin("hour", () => upkeep.everyHour()));
}

/** Starts Holdfast. It listens first, so that health can report the progress. Aborting `signal` ends the wait. */
export async function startServing(
  context: CommandContext,
  { signal, onMade = () => {} }: {
    signal?: AbortSignal;
    /** Called as soon as Holdfast may have started an embedded server. */
    onMade?: (holdfast: Holdfast) => void;
  } = {},
): Promise<Serving> {
  const { config, log, upgrade, version } = context;
  const lock = await lockDataDir(context);
  const crons = new AbortController();
  let holdfast: Holdfast | undefined;
  let listener: Listener | undefined;
  try {
    holdfast = await createHoldfasts({
      config,
      log,
      upgrade,
      version,
      say: tellPerson,
    });
    onMade(holdfast);
    listener = await listen(context, holdfast);
    const created = holdfast;
    scheduleUpkeep(context, created, crons.signal);
    const host = config.HOST.includes(":") ? `[${config.HOST}]` : config.HOST;
    const url = `http://${host}:${listener.port}`;
    log.info("listening", { url });
    await created.start(signal);
    if (!signal?.aborted) log.info("ready", { url, dashboard: `${url}/`, docs: `${url}/docs` });
    return { url, holdfast: created, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }

  async function stop(): Promise<void> {
    const began = performance.now();
    crons.abort();
    holdfast?.closeLive();
    if (!await endsWithin(listener?.stop() ?? Promise.resolve(), drainMs)) {
      log.warn("requests_cut_off", { within_ms: drainMs });
    }
    await holdfast?.stop(orderlyMs - (performance.now() - began));
    await lock?.release();
  }
}

/**
 * Logs errors that no code handles and continues. Such an error is a defect, but no reason to stop storing ticks.
 */
function logUnhandledErrors(log: Logger): void {
  process.on("unhandledRejection", (error) => {
    if (isDriversOwn(error)) log.debug("driver_rejection", { error });
    else log.error("unhandled_rejection", { error });
  });
  process.on("uncaughtException", (error) => log.error("uncaught_exception", { error }));
}

/** Serves until a signal; another one a second or more later ends the process at once. */
export async function serve(
  context: CommandContext,
  whileServing: (serving: Serving, signal: AbortSignal) => Promise<void> = async () => {},
): Promise<number> {
  const { runtime, log } = context;
  logUnhandledErrors(log);
  for (const name of unknownSettings(runtime.env())) {
    log.warn("unknown_setting", {
      name,
      detail: "Holdfast has no such setting; it has no effect",
    });
  }
  const stopped = new AbortController();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  let holdfast: Holdfast | undefined;
  runtime.onStopSignal(createStopSignals({
    stop(signal) {
      log.info("stopping", { signal });
      if (process.stderr.isTTY && signal !== "SIGHUP") {
        tellPerson("stopping; press Ctrl-C again to end now");
      }
      stopped.abort();
      ask();
    },
    async end() {
      log.warn("ending_at_once");
      await endsWithin(holdfast?.stopNow() ?? Promise.resolve(), endMs).catch((error) =>
        log.error("embedded_postgres_left", { error: messageOf(error) })
      );
      runtime.exit(130);
    },
    now: () => performance.now(),
  }));
  const serving = await startServing(context, {
    signal: stopped.signal,
    onMade: (made) => holdfast = made,
  });
  const extra = whileServing(serving, stopped.signal);
  await asked;
  await extra.catch((error) => log.warn("background_work_failed", { error: messageOf(error) }));
  await serving.stop();
  log.info("stopped");
  return 0;
}
