import { setTimeout as delay } from "node:timers/promises";
import type { ConnectFailure } from "../db/address/failure.ts";
import type { EmbeddedServer } from "../db/embedded/server.ts";
import { describeDatabaseError } from "../db/errors.ts";
import { HoldfastError, StartError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { unlessAborted } from "../lib/deadline.ts";
import { createLoop, type Loop } from "../lib/loop.ts";
import type { Check } from "../services/monitor/health/status.ts";

export interface Preparation {
  isDone(): boolean;
  /** What keeps the database from being ready, as a check; undefined once it is. */
  problem(): Check | undefined;
  /** Retries until the database is prepared. Throws a StartError where waiting cannot help. */
  untilDone(signal: AbortSignal): Promise<void>;
  /** Restarts the embedded server when it has died; checks every second. */
  supervisor: Loop;
}

/** How long a start retries; milliseconds. */
export interface StartRetry {
  /** Waits between attempts; the last one repeats. */
  afterMs: readonly number[];
  /** How long a command waits for a server that cannot be reached. */
  unreachableMs: number;
  /** How long any start waits for a host name that cannot be resolved. */
  unresolvedMs: number;
}

export const startRetry: StartRetry = {
  afterMs: [250, 500, 1_000, 2_000, 5_000],
  unreachableMs: 8_000,
  unresolvedMs: 3_000,
};

/** Prepares the database, reports what prevents that, and restarts the embedded server when it has died. */
export function createPreparation(
  {
    embedded,
    prepare,
    whileUnreachable,
    describeFailure,
    givesUp,
    say,
    isUnreachable,
    onRestart,
    log,
    retry: { afterMs, unreachableMs, unresolvedMs } = startRetry,
  }: {
    embedded: EmbeddedServer | undefined;
    /** Migrates, and makes what the first request needs. */
    prepare: () => Promise<void>;
    whileUnreachable: () => void;
    /** Describes why the login to a server other than the embedded one failed. */
    describeFailure: (error: unknown) => ConnectFailure;
    /** Whether a server that stays unreachable ends the start, as for a command that a person waits for. */
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
  /** Why the embedded server could not be restarted, and when that is retried. */
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
      // Other errors quote the server: their text is for the log only.
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

  /** Throws a StartError where a retry cannot help; otherwise says once that the start retries. */
  function reportOrEnd(error: unknown, attempt: number, waitedMs: number): void {
    const { line, lasting, unresolved } = describeFailure(error);
    const late = (givesUp && waitedMs > unreachableMs) || (unresolved && waitedMs > unresolvedMs);
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
      const attemptOnce = async () => {
        await prepare();
        prepared = true;
      };
      const started = performance.now();
      for (let attempt = 0; !signal.aborted; attempt++) {
        try {
          // Not interrupted: a server that starts after the stop would stay without an owner.
          if (embedded) {
            const how = await embedded.start();
            log.info("embedded_postgres_ready", { how, directory: embedded.directory });
          }
          return await unlessAborted(signal, attemptOnce());
        } catch (error) {
          if (signal.aborted) return;
          const lasting = [error, (error as Error | undefined)?.cause].find((one) =>
            one instanceof StartError
          );
          if (lasting) {
            preparationError = lasting.message;
            throw lasting;
          }
          preparationError = `the database cannot be prepared: ${describeDatabaseError(error)}`;
          if (!embedded) reportOrEnd(error, attempt, performance.now() - started);
          log.error("database_not_ready", { attempt, error: describeDatabaseError(error) });
          whileUnreachable();
          await delay(waitAfter(attempt + 1), undefined, { signal }).catch(() => {});
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
