import type { ServerFacts } from "../../../db/backups/facts.ts";
import type { Target } from "../../../db/connection.ts";
import type { EmbeddedServer } from "../../../db/embedded/server.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { BackupCatalogue } from "../repository.ts";
import { explain, failedRecord } from "../failure.ts";
import type { Work } from "../report.ts";
import { takeLogicalBackup } from "./pg_dump.ts";
import type { BackupStore } from "../backup_store.ts";
import { takeBaseBackup } from "./base_backup.ts";

/** Takes one base backup into the catalogue. Answers what went wrong, or undefined; a failure leaves only its story. */
export function createTaking(
  { target, store, catalogue, embedded, rateMb, clock, log, onProgress }: {
    target: Target;
    store: BackupStore;
    catalogue: BackupCatalogue;
    embedded: Pick<EmbeddedServer, "startArchiving"> | undefined;
    rateMb: number;
    clock: Clock;
    log: Logger;
    onProgress: () => void;
  },
) {
  async function tellFailure(own: Work, facts: ServerFacts, problem: string): Promise<void> {
    const place = { system: facts.system, id: own.id };
    await store.remove(place);
    try {
      await store.begin(facts.system, own.id);
      await store.publish(failedRecord({
        id: own.id,
        kind: own.kind,
        facts,
        embedded: embedded !== undefined,
        startedAt: own.startedAt,
        finishedAt: clock.now().toISOString(),
        problem,
      }));
    } catch {
      // A full disk has no room for its own story either; health tells it until the next backup.
      await store.remove(place).catch(() => {});
    }
  }

  return async function take(
    own: Work,
    facts: ServerFacts,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    try {
      await store.sweep(facts.system);
      await embedded?.startArchiving();
      const common = { target, store, facts, id: own.id, now: () => clock.now(), signal };
      const record = own.kind === "logical"
        ? await takeLogicalBackup(common)
        : await takeBaseBackup({
          ...common,
          embedded: embedded !== undefined,
          maxRateKb: rateMb > 0 ? rateMb * 1024 : undefined,
          onProgress(progress) {
            own.progress = progress;
            onProgress();
          },
        });
      log.info("backup_taken", {
        id: record.id,
        bytes: record.bytes,
        duration_seconds: record.duration_seconds,
      });
      await catalogue.prune(facts.system, record.id);
      return undefined;
    } catch (error) {
      const problem = explain(
        signal.aborted ? new HoldfastError("conflict", "It was aborted") : error,
      );
      log.error("backup_failed", { id: own.id, problem, error: describeDatabaseError(error) });
      await tellFailure(own, facts, problem);
      await catalogue.prune(facts.system).catch(() => catalogue.refresh());
      return problem;
    }
  };
}
