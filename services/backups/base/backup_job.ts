import type { ServerFacts } from "../../../db/backups/facts.ts";
import type { Target } from "../../../db/connection.ts";
import type { EmbeddedServer } from "../../../db/embedded/server.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { BackupCatalogue } from "../catalogue.ts";
import { explain, failedRecord } from "../failure.ts";
import type { Job } from "../job.ts";
import { takeLogicalBackup } from "./pg_dump.ts";
import type { BackupRepository } from "../repository.ts";
import { takeBaseBackup } from "./base_backup.ts";

/**
 * Returns a function that takes one backup into the repository and removes those no longer kept. It returns the problem
 * of a backup that failed, of which only a failure record stays.
 */
export function createBackupJob(
  { target, pool, repository, catalogue, embedded, rateMb, clock, log, onProgress }: {
    target: Target;
    pool: Pool;
    repository: BackupRepository;
    catalogue: BackupCatalogue;
    embedded: Pick<EmbeddedServer, "startArchiving"> | undefined;
    rateMb: number;
    clock: Clock;
    log: Logger;
    onProgress: () => void;
  },
) {
  async function recordFailure(job: Job, facts: ServerFacts, problem: string): Promise<void> {
    const place = { ...facts, id: job.id };
    await repository.remove(place);
    try {
      await repository.begin(place);
      await repository.publish(failedRecord({
        id: job.id,
        kind: job.kind,
        facts,
        embedded: embedded !== undefined,
        startedAt: job.startedAt,
        finishedAt: clock.now().toISOString(),
        problem,
      }));
    } catch {
      // A full disk cannot hold the record either; health reports the problem until the next backup.
      await repository.remove(place).catch(() => {});
    }
  }

  return async function takeBackup(
    job: Job,
    facts: ServerFacts,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    try {
      await repository.sweep(facts);
      await embedded?.startArchiving();
      const common = { target, repository, facts, id: job.id, now: () => clock.now(), signal };
      const record = job.kind === "logical"
        ? await takeLogicalBackup({ ...common, pool })
        : await takeBaseBackup({
          ...common,
          embedded: embedded !== undefined,
          maxRateKb: rateMb > 0 ? rateMb * 1024 : undefined,
          onProgress(progress) {
            job.progress = progress;
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
      const problem = explain(signal.aborted ? signal.reason : error);
      log.error("backup_failed", { id: job.id, problem, error: describeDatabaseError(error) });
      await recordFailure(job, facts, problem);
      await catalogue.prune(facts.system).catch(() => catalogue.refresh());
      return problem;
    }
  };
}
