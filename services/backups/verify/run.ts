import type { Sql } from "../../../db/connection.ts";
import type { EmbeddedServer } from "../../../db/embedded/server.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { verifyArchive } from "../wal/archive.ts";
import type { Archiver } from "../wal/schedule.ts";
import { type BackupCatalogue, firstSegment } from "../repository.ts";
import type { Copies } from "../s3/copies.ts";
import { runDrill, type SealCheck } from "./drill.ts";
import type { Proof } from "../record.ts";
import type { Work } from "../report.ts";
import type { BackupStore } from "../backup_store.ts";
import { verifyBackup } from "./backup.ts";

/** Checks one backup's files and the WAL behind it, and restores it on trial; writes what it found to its record. */
export function createChecking(
  {
    store,
    catalogue,
    archiver,
    copies,
    embedded,
    scratchHome,
    living,
    checkSeals,
    clock,
    log,
    onStep,
  }: {
    store: BackupStore;
    catalogue: BackupCatalogue;
    archiver: Archiver;
    copies: Pick<Copies, "check">;
    embedded: Pick<EmbeddedServer, "spool"> | undefined;
    scratchHome: string;
    living: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
    checkSeals: SealCheck | undefined;
    clock: Clock;
    log: Logger;
    onStep: () => void;
  },
) {
  return async function check(
    own: Work,
    { restore, copy, user, signal }: {
      restore: boolean;
      /** Whether its copy is read back too. */
      copy: boolean;
      user: string;
      signal: AbortSignal;
    },
  ): Promise<void> {
    const tellStep = (step: string) => {
      own.step = step;
      onStep();
    };
    const record = await catalogue.find(own.id);
    const path = store.pathOf(record);
    const problems = await verifyBackup(path, record, signal);
    if (record.kind === "base" && record.start_lsn && archiver.state().enabled) {
      archiver.noteProblems(
        await verifyArchive({
          archive: catalogue.archiveOf(record.system),
          spool: embedded?.spool,
          first: firstSegment(record),
          segmentBytes: record.segment_bytes,
          signal,
        }),
      );
    }
    if (copy) {
      await copies.check(record, { wholeHere: problems.length === 0, signal, onStep: tellStep });
    }
    let proof: Proof | null = record.proof;
    if (restore && problems.length === 0 && record.kind === "base") {
      proof = await runDrill({
        path,
        record,
        home: scratchHome,
        living,
        checkSeals,
        user,
        now: () => clock.now(),
        signal,
        onStep: tellStep,
      });
      log[proof.problems.length === 0 ? "info" : "error"]("restore_drill", {
        id: record.id,
        recovery_seconds: proof.recovery_seconds,
        problems: proof.problems,
      });
    }
    if (record.server_version === 0) return; // its record itself is what is damaged
    await store.save({
      ...record,
      status: problems.length > 0 ? "corrupt" : "complete",
      problems,
      proof: problems.length > 0 ? null : proof,
      verified_at: clock.now().toISOString(),
    });
    await catalogue.prune(record.system);
  };
}
