import type { ServerFacts } from "../../../db/backups/facts.ts";
import { readTimeline, readTimelineHistory } from "../../../db/backups/timeline.ts";
import type { Sql, Target } from "../../../db/connection.ts";
import type { EmbeddedServer } from "../../../db/embedded/server.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { verifyArchive } from "../wal/archive.ts";
import type { Archiver } from "../wal/service.ts";
import { type BackupCatalogue, firstSegment } from "../catalogue.ts";
import type { Copies } from "../s3/copies.ts";
import { runDrill, type SealCheck } from "./drill.ts";
import { type Timelines, whyAbandoned } from "./branch.ts";
import { type BackupRecord, isReadable, type Proof } from "../record.ts";
import type { Job } from "../job.ts";
import type { BackupRepository } from "../repository.ts";
import { verifyFiles } from "./files.ts";

/**
 * Returns a function that checks one backup's files, the WAL behind it and its copy, restores it in a drill where asked,
 * and writes the result to its record.
 */
export function createVerificationJob(
  {
    target,
    repository,
    catalogue,
    archiver,
    copies,
    embedded,
    scratchHome,
    production,
    checkSeals,
    clock,
    log,
    onStep,
  }: {
    target: Target;
    repository: BackupRepository;
    catalogue: BackupCatalogue;
    archiver: Archiver;
    copies: Pick<Copies, "check">;
    embedded: Pick<EmbeddedServer, "spool"> | undefined;
    scratchHome: string;
    production: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
    checkSeals: SealCheck | undefined;
    clock: Clock;
    log: Logger;
    onStep: () => void;
  },
) {
  /** Records missing and damaged segments of the archive behind a backup. */
  async function checkArchive(record: BackupRecord, signal: AbortSignal): Promise<void> {
    if (record.kind !== "base" || !record.start_lsn || !archiver.state().enabled) return;
    archiver.noteProblems(
      await verifyArchive({
        archive: catalogue.archiveOf(record.system),
        spool: embedded?.spool,
        first: firstSegment(record),
        last: archiver.lastArchived(),
        segmentBytes: record.segment_bytes,
        signal,
      }),
    );
  }

  const timelinesOf = (signal: AbortSignal): Timelines => ({
    present: () => production(readTimeline),
    history: (timeline) => readTimelineHistory(target, timeline, signal),
  });

  /** Writes the result, unless the backup was removed meanwhile, which says nothing of the others. */
  async function save(record: BackupRecord): Promise<void> {
    try {
      await repository.save(record);
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === "not_found")) throw error;
      log.info("backup_removed_meanwhile", { id: record.id });
    }
  }

  return async function checkBackup(
    job: Job,
    { restore, copy, facts, signal }: {
      restore: boolean;
      /** Whether its copy is read back and compared too. */
      copy: boolean;
      facts: ServerFacts;
      signal: AbortSignal;
    },
  ): Promise<void> {
    const showStep = (step: string) => {
      job.step = step;
      onStep();
    };
    const record = await catalogue.find(job.id);
    const path = repository.pathOf(record);
    const problems = await verifyFiles(path, record, signal);
    const isOwn = record.system === facts.system;
    if (isOwn) await checkArchive(record, signal);
    if (copy) {
      await copies.check(record, { intactHere: problems.length === 0, signal, onStep: showStep });
    }
    let proof: Proof | null = record.proof;
    if (restore && problems.length === 0 && record.kind === "base") {
      proof = await runDrill({
        path,
        record,
        home: scratchHome,
        // Another server's rows and transactions say nothing of this backup.
        production: isOwn ? production : undefined,
        abandoned: isOwn ? await whyAbandoned(record, timelinesOf(signal)) : undefined,
        checkSeals,
        user: facts.role,
        database: facts.database,
        now: () => clock.now(),
        signal,
        onStep: showStep,
      });
      log[proof.problems.length === 0 ? "info" : "error"]("restore_drill", {
        id: record.id,
        recovery_seconds: proof.recovery_seconds,
        problems: proof.problems,
      });
    }
    // The record itself is damaged: there is nothing to update.
    if (!isReadable(record)) return;
    await save({
      ...record,
      status: problems.length > 0 ? "corrupt" : "complete",
      problems,
      proof: problems.length > 0 ? null : proof,
      verified_at: clock.now().toISOString(),
    });
    await catalogue.prune(record.system);
  };
}
