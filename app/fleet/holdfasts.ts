import { createHoldfast, type Holdfast, type HoldfastOptions } from "../holdfast.ts";
import { createFleet } from "./fleet.ts";
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
      await first.start(signal);
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
      const began = performance.now();
      await fleet.stop(withinMs);
      await first.stop(Math.max(0, withinMs - (performance.now() - began)));
    },
  };
}
