import { type App, createApp } from "./http.ts";
import { createLazy } from "../lib/lazy.ts";
import { createPreparation, type Preparation, type StartRetry } from "./preparation.ts";
import { createServices, type Shared } from "./services.ts";
import type { Config } from "../config/config.ts";
import { describeConnectFailure } from "../db/address/failure.ts";
import type { Target } from "../db/address/target.ts";
import { refuseEngine } from "../db/server/engine.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { endsWithin } from "../lib/deadline.ts";
import { createRequestScope } from "../lib/request_scope.ts";
import type { Logger } from "../log.ts";
import type { Upgrade } from "../runtime/types.ts";
import type { Backups } from "../services/backups/service.ts";
import type { DatabaseMember, DatabaseMembers } from "../services/databases/members.ts";
import { summarise } from "../services/databases/summary.ts";
import type { Benchmarks } from "../services/benchmarks/service.ts";
import type { Monitor } from "../services/monitor/service.ts";
import type { TimeSources } from "../services/partitions/restraint/timekeeper.ts";
import type { Rehearsals } from "../services/rehearsals/service.ts";
import { layFoundation } from "./foundation.ts";
import {
  loadAccess,
  loadRecords,
  type Purpose,
  requireMigrated,
  stopServices,
} from "./lifecycle.ts";
import { createUpkeep, type Upkeep } from "./upkeep.ts";
import { createWriting } from "./writing.ts";

export interface Holdfast extends Upkeep, Pick<App, "handle" | "listening" | "document"> {
  /** Starts the embedded server, migrates, makes partitions, starts to monitor. An aborted `signal` ends the attempt. */
  start(signal?: AbortSignal): Promise<void>;
  /** Tells WebSocket clients that the server goes away. */
  closeLive(): void;
  /**
   * Stops in order, and after `withinMs` without waiting for the rest. Then stops the embedded server in any case, once
   * `others` has resolved, too.
   */
  stop(withinMs?: number, others?: Promise<unknown>): Promise<void>;
  /** Stops only the embedded server: the process is about to end. */
  stopNow(): Promise<void>;
  monitor: Monitor;
  benchmarks: Benchmarks;
  backups: Backups;
  rehearsals: Rehearsals;
  target: Target;
  shared: Shared;
  /** Its database as the others of the process see it; it answers from memory alone. */
  member: DatabaseMember;
}

export interface HoldfastOptions {
  config: Config;
  log: Logger;
  upgrade: Upgrade;
  version: string;
  clock?: Clock;
  /** The time sources of rotations; a test replaces them. */
  times?: TimeSources;
  /** How long a start retries; a test shortens it. */
  retry?: StartRetry;
  purpose?: Purpose;
  /** Writes a plain line for the person at the terminal. */
  say?: (line: string) => void;
  /** For a further database of the process: what it shares with the first. */
  shared?: Shared;
  /** The databases of the process; its own by default. */
  members?: DatabaseMembers;
}

/** Makes all of Holdfast from its settings and hands each part what it needs. Starts nothing; `start` does. */
export async function createHoldfast(options: HoldfastOptions): Promise<Holdfast> {
  const { config, log, upgrade, version, purpose = "server" } = options;
  const scope = createRequestScope();
  const foundation = await layFoundation({
    config,
    log,
    version,
    clock: options.clock ?? systemClock,
    times: options.times,
    scope,
    isFurther: options.shared !== undefined,
  });
  const { target, embedded, pools } = foundation;
  const writing = createWriting({
    ...foundation,
    allowPublished: config.HOLDFAST_ALLOW_PUBLISHED,
    load: () => loadRecords(services, foundation, purpose),
  });
  const isStarted = (): boolean => preparation.isDone();
  const services = createServices(foundation, { ...writing, isStarted }, options.shared);
  const { monitor, benchmarks, backups, rehearsals } = services;
  const ownsAccess = purpose === "server" && options.shared === undefined;
  if (ownsAccess) await loadAccess(services, foundation);
  const preparation: Preparation = createPreparation({
    embedded,
    async prepare() {
      await pools.maintenance.run((sql) => refuseEngine(sql, config.HOLDFAST_ENGINE));
      if (purpose === "reader") await requireMigrated(pools);
      else await writing.prepare({ mustWrite: purpose === "tool" });
    },
    whileUnreachable() {
      if (purpose !== "reader") monitor.start();
    },
    describeFailure: (error) => describeConnectFailure(error, target),
    givesUp: purpose !== "server",
    say: options.say ?? (() => {}),
    isUnreachable: () => !monitor.isReachable(),
    onRestart: () => monitor.checkNow(),
    log,
    retry: options.retry,
  });
  const { isDone: isPrepared, problem: preparationProblem } = preparation;
  const name = config.databaseName;
  const member: DatabaseMember = {
    name,
    summary: () => summarise(name, monitor.snapshot(), preparation.problem()),
    services,
  };
  const { members = { several: false, list: () => [member] } } = options;
  // Its routes and their document take megabytes: those of a further database are made when it is first asked.
  const app = createLazy(() =>
    createApp({
      services: { ...services, isPrepared, preparationProblem, members, databaseName: name },
      scope,
      config,
      log,
      upgrade,
      version,
    })
  );
  const stopping = new AbortController();

  async function start(signal?: AbortSignal): Promise<void> {
    if (ownsAccess) {
      services.auth.start();
      services.eventLoop.start();
    }
    if (purpose === "server") services.audit.start();
    await preparation.untilDone(AbortSignal.any([stopping.signal, ...(signal ? [signal] : [])]));
    if (!isPrepared() || purpose === "reader") return;
    if (purpose === "server") await services.relay.start(); // on a standby, no records were loaded
    monitor.start();
    if (purpose === "server") services.reads.start();
    await monitor.checkNow();
    preparation.supervisor.start();
  }

  async function stop(
    withinMs = 30_000,
    others: Promise<unknown> = Promise.resolve(),
  ): Promise<void> {
    stopping.abort();
    const stopped = preparation.supervisor.stop().then(() =>
      stopServices(services, foundation, { ownsAccess })
    );
    if (!await endsWithin(stopped, withinMs)) log.warn("stop_cut_short", { within_ms: withinMs });
    await others;
    await embedded?.stop();
  }

  return {
    handle: (...request) => app.get().handle(...request),
    get listening() {
      return app.get().listening;
    },
    get document() {
      return app.get().document;
    },
    monitor,
    benchmarks,
    backups,
    rehearsals,
    target,
    shared: services,
    member,
    ...createUpkeep({ services, foundation, isPrepared }),
    closeLive: () => app.made()?.live.closeAll(),
    start,
    stop,
    stopNow: async () => await embedded?.stopNow(),
  };
}
