import type { ConnectFailure } from "../db/address/failure.ts";
import type { EmbeddedServer } from "../db/embedded/server.ts";
import { describeDatabaseError } from "../db/errors.ts";
import { HoldfastError, StartError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { createLoop, type Loop } from "../lib/loop.ts";
import type { Check } from "../services/monitor/health/status.ts";

export interface Preparation {
  isDone(): boolean;
  /** What keeps the database from being ready, as a check; undefined once it is. */
  problem(): Check | undefined;
  /** Tries until the database is prepared. One that is away is waited for; one that cannot serve us throws StartError. */
  untilDone(signal: AbortSignal): Promise<void>;
  /** The embedded server is ours to bring back when it dies; looks every second. */
  supervisor: Loop;
}

/** How long a start goes on trying; milliseconds. */
export interface StartRetry {
  /** Between one try and the next; the last for all that follow. */
  afterMs: readonly number[];
  /** How long a command waits for a server that is away. */
  awayMs: number;
  /** How long any start waits for a name that is not resolved. */
  unresolvedMs: number;
}

export const startRetry: StartRetry = {
  afterMs: [250, 500, 1_000, 2_000, 5_000],
  awayMs: 8_000,
  unresolvedMs: 3_000,
};

/** Gets the database ready, tells what keeps it from it, and brings the embedded server back when it dies. */
export function createPreparation(
  {
    embedded,
    prepare,
    whileAway,
    describeFailure,
    givesUp,
    say,
    isUnreachable,
    onRestart,
    log,
    retry: { afterMs, awayMs, unresolvedMs } = startRetry,
  }: {
    embedded: EmbeddedServer | undefined;
    /** Migrates and makes what must be there before the first request. */
    prepare: () => Promise<void>;
    whileAway: () => void;
    /** Describes why a server that is not ours could not be logged in to. */
    describeFailure: (error: unknown) => ConnectFailure;
    /** Whether a server that stays away ends the start, as for a command that somebody waits for. */
    givesUp: boolean;
    /** Writes a plain line for the person at the terminal. */
    say: (line: string) => void;
    isUnreachable: () => boolean;
    onRestart: () => Promise<void>;
    log: Logger;
    retry?: StartRetry | undefined;
  },
): Preparation {
  const waitAfter = (failures: number) => afterMs[Math.min(failures, afterMs.length) - 1] ?? 0;
  let prepared = false;
  let preparationError: string | undefined;
  /** Why the embedded server could not be brought back, and when that is tried again. */
  let restart: { problem: string; failures: number; nextAt: number } | undefined;

  async function restartEmbedded(server: EmbeddedServer): Promise<void> {
    if (!isUnreachable() || await server.isRunning()) {
      restart = undefined;
      return;
    }
    if (restart && performance.now() < restart.nextAt) return;
    if (!restart) log.error("embedded_postgres_died", { action: "restart" });
    try {
      await server.start();
    } catch (error) {
      const failures = (restart?.failures ?? 0) + 1;
      // The words of other errors are for the log: they quote the server's.
      const problem = error instanceof HoldfastError
        ? error.message
        : "the embedded Postgres does not start; Holdfast's log says why";
      restart = { problem, failures, nextAt: performance.now() + waitAfter(failures) };
      throw error;
    }
    restart = undefined;
    log.info("embedded_postgres_restarted");
    await onRestart();
  }

  /** Ends the start where trying again is of no use; else says once that it is tried again. */
  function reportOrEnd(error: unknown, attempt: number, waitedMs: number): void {
    const { line, lasting, unresolved } = describeFailure(error);
    const late = (givesUp && waitedMs > awayMs) || (unresolved && waitedMs > unresolvedMs);
    if (lasting || late) throw new StartError(line, { cause: error });
    if (attempt === 0) say(`${line}; trying again until it answers`);
  }

  return {
    isDone: () => prepared,
    problem() {
      if (!prepared) {
        return {
          name: "preparation",
          status: preparationError === undefined ? "unknown" : "unhealthy",
          detail: preparationError ?? "the database is being prepared",
          observed_at: null,
        };
      }
      if (!restart) return undefined;
      return {
        name: "embedded_postgres",
        status: "unhealthy",
        detail: restart.problem,
        observed_at: null,
      };
    },
    async untilDone(signal) {
      const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
      aborted.catch(() => {});
      signal.addEventListener("abort", abort, { once: true });
      const attemptOnce = async () => {
        await prepare();
        prepared = true;
      };
      const started = performance.now();
      for (let attempt = 0; !signal.aborted; attempt++) {
        try {
          // Never left alone half-way: a server that came up after the stop would be an orphan.
          if (embedded) {
            const how = await embedded.start();
            log.info("embedded_postgres_ready", { how, directory: embedded.directory });
          }
          return await Promise.race([attemptOnce(), aborted]);
        } catch (error) {
          if (signal.aborted) return;
          if (error instanceof StartError) throw error;
          if (error instanceof Error && error.cause instanceof StartError) throw error.cause;
          preparationError = `the database cannot be prepared: ${describeDatabaseError(error)}`;
          if (!embedded) reportOrEnd(error, attempt, performance.now() - started);
          log.error("database_not_ready", { attempt, error: describeDatabaseError(error) });
          whileAway();
          const wait = new Promise((done) => setTimeout(done, waitAfter(attempt + 1)));
          await Promise.race([wait, aborted]).catch(() => {});
        }
      }
    },
    supervisor: createLoop({
      name: "supervise_embedded_postgres",
      everyMs: 1_000,
      log,
      job: async () => {
        if (embedded && prepared) await restartEmbedded(embedded);
      },
    }),
  };
}
