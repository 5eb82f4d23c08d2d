import { randomBytes } from "node:crypto";
import { readServerFacts, type ServerFacts } from "../../db/backups/facts.ts";
import type { Target } from "../../db/connection.ts";
import type { EmbeddedServer } from "../../db/embedded/server.ts";
import type { Pool, PoolerMode } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { endsWithin } from "../../lib/deadline.ts";
import type { Logger } from "../../log.ts";
import type { Publisher } from "../live/hub.ts";
import { createBackupJob } from "./base/backup_job.ts";
import { chooseKind } from "./base/kind.ts";
import { type BackupCatalogue, createBackupCatalogue } from "./catalogue.ts";
import { explain } from "./failure.ts";
import { type Job, JobRunner } from "./job.ts";
import { isProven } from "./record.ts";
import { type Backup, type BackupHealth, showRunning } from "./report.ts";
import { type BackupRepository, newId } from "./repository.ts";
import { newestComplete } from "./schedule.ts";
import type { Bucket } from "./s3/client/bucket.ts";
import { type Copies, createCopies } from "./s3/copies.ts";
import { BackupStatus } from "./status.ts";
import { type SealCheck, sweepDrill } from "./verify/drill.ts";
import { createVerificationJob } from "./verify/verification_job.ts";
import { type Archiver, createArchiver } from "./wal/service.ts";

export interface Backups {
  /**
   * Starts a backup and returns it while it runs: a base backup where the role may replicate, else a logical one. Throws
   * `backup_running`, or why the backup is impossible.
   */
  start(kind?: Backup["kind"]): Promise<Backup>;
  /** Checks a backup's files and, with `restore`, runs a restore drill. Returns at its end or after `waitMs`. */
  verify(id: string, how: { restore: boolean; waitMs: number }): Promise<Backup>;
  /** Lists backups, newest first, that are older than `before`. */
  list(page: { limit: number; before: string | undefined }): Promise<Backup[]>;
  /** Returns one backup. Throws `not_found`. */
  get(id: string): Promise<Backup>;
  /** Aborts a running backup or removes a finished one; the last proven one only with `force`. */
  remove(id: string, force: boolean): Promise<void>;
  /** Returns the last known health, from memory. */
  report(): BackupHealth;
  /** Archives WAL, wakes the copying, and starts the job that is due. */
  everyMinute(): Promise<void>;
  /** Removes what a killed instance left behind, and reads the catalogue. */
  prepare(): Promise<void>;
  /** Resolves when no job is running and nothing is being copied. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface BackupSettings {
  /** Whether backups are taken on a schedule. */
  scheduled: boolean;
  backupHours: number;
  drillHours: number;
  keep: number;
  rateMb: number;
  walSeconds: number;
}

export interface BackupsOptions {
  repository: BackupRepository;
  /** Where everything is copied to; undefined: nothing is copied. */
  bucket: Bucket | undefined;
  target: Target;
  pooler: PoolerMode;
  pool: Pool;
  embedded: Pick<EmbeddedServer, "spool" | "startArchiving"> | undefined;
  /** Directory for scratch servers, which the server's user must be able to enter. */
  scratchHome: string;
  checkSeals?: SealCheck | undefined;
  settings: BackupSettings;
  hub: Publisher;
  clock: Clock;
  log: Logger;
}

/** Creates the service that takes, verifies, copies and removes backups, one job at a time. */
export const createBackups = (options: BackupsOptions): Backups => new BackupService(options);

class BackupService implements Backups {
  readonly #options: BackupsOptions;
  readonly #archiver: Archiver;
  readonly #catalogue: BackupCatalogue;
  readonly #copies: Copies;
  readonly #jobs: JobRunner;
  readonly #status: BackupStatus;
  readonly #takeBackup: ReturnType<typeof createBackupJob>;
  readonly #checkBackup: ReturnType<typeof createVerificationJob>;
  #facts: ServerFacts | undefined;

  constructor(options: BackupsOptions) {
    this.#options = options;
    const { pool, clock, checkSeals } = options;
    const shared = { ...options, ...options.settings };
    const publish = (urgent: boolean) => this.#status.publish(urgent);
    const archiver = createArchiver(shared);
    const catalogue = createBackupCatalogue({
      ...shared,
      archiver,
      database: () => this.#facts?.database,
      now: () => clock.now().getTime(),
    });
    const copies = createCopies({ ...shared, catalogue, onChange: publish });
    const jobs = new JobRunner({ ...shared, onEnd: () => this.#onJobEnd() });
    this.#archiver = archiver;
    this.#catalogue = catalogue;
    this.#copies = copies;
    this.#jobs = jobs;
    this.#status = new BackupStatus({
      ...shared,
      catalogue,
      archiver,
      copies,
      jobs,
      system: () => this.#facts?.system,
    });
    this.#takeBackup = createBackupJob({ ...shared, catalogue, onProgress: () => publish(false) });
    this.#checkBackup = createVerificationJob({
      ...shared,
      catalogue,
      archiver,
      copies,
      production: (ask) => pool.run(ask, { deadlineMs: 120_000 }),
      checkSeals,
      onStep: () => publish(true),
    });
  }

  async start(wanted?: Backup["kind"]): Promise<Backup> {
    const facts = await this.#readFacts();
    const kind = await chooseKind(facts, wanted, this.#options);
    const id = newId(this.#options.clock.now(), randomBytes(3).toString("hex"));
    const step = kind === "base" ? "streaming" : "dumping";
    await this.#jobs.start({ id, kind, what: "backup", step }, async (job, signal) => {
      const problem = await this.#takeBackup(job, facts, signal);
      if (problem === undefined) this.#status.noteSuccess();
      else this.#status.noteFailure(`the last backup failed: ${problem}`);
    });
    this.#status.publish(true);
    return await this.get(id);
  }

  async verify(
    id: string,
    { restore, waitMs }: { restore: boolean; waitMs: number },
  ): Promise<Backup> {
    await this.#startVerification(id, { restore, copy: true });
    await endsWithin(this.#jobs.done ?? Promise.resolve(), waitMs);
    return await this.get(id);
  }

  async list(
    { limit, before }: { limit: number; before: string | undefined },
  ): Promise<Backup[]> {
    await this.#catalogue.refresh();
    const { job } = this.#jobs;
    const stored = this.#catalogue.records().map((record) => this.#status.show(record));
    const running = job?.what === "backup" && !stored.some(({ id }) => id === job.id);
    return [...running ? [showRunning(job)] : [], ...stored]
      .filter(({ id }) => before === undefined || id < before).slice(0, limit);
  }

  async get(id: string): Promise<Backup> {
    const { job } = this.#jobs;
    if (job?.what === "backup" && job.id === id) return showRunning(job);
    return this.#status.show(await this.#catalogue.find(id));
  }

  async remove(id: string, force: boolean): Promise<void> {
    const abort = async () => {
      this.#jobs.abort(new HoldfastError("conflict", "It was aborted"));
      await this.#jobs.done;
    };
    const isBeing = (...what: Job["what"][]) => {
      const { job } = this.#jobs;
      return job?.id === id && what.includes(job.what);
    };
    if (isBeing("backup")) return await abort();
    const record = await this.#catalogue.find(id);
    const proven = this.#catalogue.records(record.system).filter(isProven);
    if (!force && proven.length === 1 && proven[0]?.id === id) {
      throw new HoldfastError(
        "conflict",
        `Backup ${id} is the only proven one; remove it with force, or prove another one first`,
      );
    }
    if (isBeing("verify", "drill")) await abort();
    await this.#options.repository.remove(record);
    this.#copies.discard(record.id);
    // A running job applies the retention at its end; until then it needs what is there.
    if (this.#jobs.job) await this.#catalogue.refresh();
    else await this.#catalogue.prune(record.system);
    this.#copies.wake(record.system);
    this.#status.publish(true);
  }

  report(): BackupHealth {
    return this.#status.report();
  }

  async everyMinute(): Promise<void> {
    const { system } = this.#facts ?? await this.#readFacts();
    // Another instance may have taken, checked or removed backups.
    await this.#catalogue.refresh();
    await this.#archiver.collect(this.#catalogue.archiveOf(system));
    this.#copies.wake(system, { repair: true });
    if (this.#options.settings.scheduled && !this.#jobs.job) await this.#startDue(system);
  }

  async prepare(): Promise<void> {
    const { repository, scratchHome: home, embedded, log } = this.#options;
    await this.#catalogue.refresh();
    const facts = await this.#readFacts();
    const { system, version, database } = facts;
    await this.#archiver.refresh();
    // The lock proves that what is left belongs to no running instance.
    await this.#jobs.runIfFree(async () => {
      const names = await repository.sweep(facts);
      if (names.length > 0) log.info("backup_leftovers_removed", { names });
      await this.#archiver.sweep(this.#catalogue.archiveOf(system));
      const major = Math.floor(version / 10_000);
      await sweepDrill({ home, system, database, major, embedded: embedded !== undefined });
    });
    this.#copies.wake(system);
  }

  async idle(): Promise<void> {
    await this.#jobs.done;
    await this.#copies.idle();
  }

  async stop(): Promise<void> {
    await this.#jobs.stop();
    await this.#copies.stop();
    await this.#archiver.stop();
  }

  async #readFacts(): Promise<ServerFacts> {
    return this.#facts = await this.#options.pool.run(readServerFacts, { deadlineMs: 30_000 });
  }

  #onJobEnd(): void {
    this.#status.publish(true);
    if (this.#facts) this.#copies.wake(this.#facts.system);
  }

  async #startVerification(
    id: string,
    { restore, copy }: { restore: boolean; copy: boolean },
  ): Promise<void> {
    const { kind, status } = await this.#catalogue.find(id);
    if (status === "failed") {
      throw new HoldfastError("conflict", `Backup ${id} failed; it has no files to check`);
    }
    const what = restore ? "drill" : "verify";
    const facts = this.#facts ?? await this.#readFacts();
    await this.#jobs.start({ id, kind, what, step: "checking files" }, async (job, signal) => {
      if (restore) this.#status.noteDrill();
      try {
        await this.#checkBackup(job, { restore, copy, facts, signal });
        this.#status.noteSuccess();
      } catch (error) {
        if (signal.aborted) return;
        this.#status.noteFailure(`the last drill could not be run: ${explain(error)}`);
        throw error;
      }
    });
  }

  async #startDue(system: string): Promise<void> {
    const due = this.#status.due();
    const newest = newestComplete(
      this.#catalogue.records(system),
      this.#options.clock.now().getTime(),
    );
    try {
      if (due === "backup") await this.start();
      // Reading a copy back costs time and money: only a requested verification does it.
      if (due === "drill" && newest) {
        await this.#startVerification(newest.id, { restore: true, copy: false });
      }
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "backup_running") return;
      const problem = explain(error);
      this.#status.noteFailure(problem);
      this.#options.log.warn("backup_not_begun", { due, problem });
    }
  }
}
