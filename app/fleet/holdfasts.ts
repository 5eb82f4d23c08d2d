import { setTimeout as delay } from "node:timers/promises";
import { StartError } from "../../errors.ts";
import { createHoldfast, type Holdfast, type HoldfastOptions } from "../holdfast.ts";
import { createFleet, retryMs } from "./fleet.ts";
import { databasePath, withPrefix } from "./paths.ts";

/**
 * Makes a Holdfast for each database of the settings, behind one request handler: the first serves the paths without a
 * name, and each serves those below `/api/databases/{name}/`. Starts nothing; `start` does.
 */
export async function createHoldfasts(options: HoldfastOptions): Promise<Holdfast> {
  const { config, log, purpose = "server" } = options;
  const first: Holdfast = await createHoldfast({
    ...options,
    members: {
      several: config.isOneOfSeveral,
      list: () => [first.member, ...fleet.members()],
    },
  });
  const fleet = createFleet({
    entries: purpose === "server" ? config.databases : [],
    first: { name: config.databaseName, target: first.target },
    config,
    create: (name, itsConfig) =>
      createHoldfast({
        ...options,
        config: { ...itsConfig, databaseName: name },
        log: log.child({ database: name }),
        shared: first.shared,
        say: () => {},
      }),
    log,
  });

  const stopping = new AbortController();

  /** Starts the first database. Where there are others, one that cannot be started ends none of them: it is tried again. */
  async function startFirst(signal: AbortSignal): Promise<void> {
    const isAlone = purpose !== "server" || config.databases.length === 0;
    while (!signal.aborted) {
      try {
        return await first.start(signal);
      } catch (error) {
        if (isAlone || !(error instanceof StartError)) throw error;
        log.error("database_not_started", { database: config.databaseName, error: error.message });
      }
      await delay(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  const find = (name: string) => name === config.databaseName ? first : fleet.find(name);

  return {
    ...first,
    handle(request, remote, path) {
      const named = path === undefined ? databasePath(new URL(request.url).pathname) : undefined;
      const there = named && find(named.name);
      if (!named || !there) return first.handle(request, remote, path);
      return withPrefix(there.handle(request, remote, named.path), named.name);
    },
    async start(signal) {
      fleet.start();
      await startFirst(AbortSignal.any([stopping.signal, ...(signal ? [signal] : [])]));
    },
    async everyMinute() {
      await Promise.all([first.everyMinute(), fleet.everyMinute()]);
    },
    async everyHour() {
      await Promise.all([first.everyHour(), fleet.everyHour()]);
    },
    closeLive() {
      first.closeLive();
      fleet.closeLive();
    },
    async stop(withinMs = 30_000) {
      stopping.abort();
      await first.stop(withinMs, fleet.stop(withinMs));
    },
  };
}
