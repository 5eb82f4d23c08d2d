import type { Clock } from "../../lib/clock.ts";
import type { Publisher } from "../live/hub.ts";
import type { BackupCatalogue } from "./catalogue.ts";
import type { JobRunner } from "./job.ts";
import type { BackupRecord } from "./record.ts";
import {
  type Backup,
  type BackupHealth,
  reportBackups,
  showBackup,
  showRunning,
} from "./report.ts";
import type { Copies } from "./s3/copies.ts";
import { type Due, whatIsDue } from "./schedule.ts";
import type { Archiver } from "./wal/service.ts";

/** Progress inside a step is published this often, in milliseconds. */
const publishMs = 1_000;

interface BackupStatusOptions {
  catalogue: Pick<BackupCatalogue, "records">;
  archiver: Pick<Archiver, "state">;
  copies: Pick<Copies, "of" | "health">;
  jobs: Pick<JobRunner, "job">;
  /** The server's identifier; undefined until it is known. */
  system: () => string | undefined;
  scheduled: boolean;
  backupHours: number;
  drillHours: number;
  hub: Publisher;
  clock: Clock;
}

/** Keeps the outcome of the last job, decides what is due, and publishes how the backups are. */
export class BackupStatus {
  readonly #options: BackupStatusOptions;
  readonly #startedAt: number;
  #failure: { at: number; problem: string } | undefined;
  #drilledAt: number | undefined;
  #publishedAt = 0;

  constructor(options: BackupStatusOptions) {
    this.#options = options;
    this.#startedAt = this.#now();
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }

  noteSuccess(): void {
    this.#failure = undefined;
  }

  noteFailure(problem: string): void {
    this.#failure = { at: this.#now(), problem };
  }

  noteDrill(): void {
    this.#drilledAt = this.#now();
  }

  /** What the schedule asks for now. */
  due(): Due | undefined {
    const { catalogue, system, backupHours, drillHours } = this.#options;
    return whatIsDue({
      records: catalogue.records(system()),
      now: this.#now(),
      startedAt: this.#startedAt,
      backupHours,
      drillHours,
      lastFailureAt: this.#failure?.at,
      lastDrillAt: this.#drilledAt,
    });
  }

  show(record: BackupRecord): Backup {
    const { jobs, copies } = this.#options;
    return showBackup(record, jobs.job, copies.of(record));
  }

  report(): BackupHealth {
    const { catalogue, system, archiver, copies, scheduled, backupHours } = this.#options;
    return reportBackups({
      records: catalogue.records(system()),
      archive: archiver.state(),
      copies: copies.health(),
      scheduled: scheduled && backupHours > 0,
      startedAt: this.#startedAt,
      now: this.#now(),
      problems: this.#failure ? [this.#failure.problem] : [],
    });
  }

  /** Publishes the backup that a job works on, else the newest; once a second unless `urgent`. */
  publish(urgent: boolean): void {
    if (!urgent && performance.now() - this.#publishedAt < publishMs) return;
    this.#publishedAt = performance.now();
    const { catalogue, system, jobs, hub } = this.#options;
    const { job } = jobs;
    const [newest] = catalogue.records(system());
    const known = job ? catalogue.records().find(({ id }) => id === job.id) : newest;
    const backup = known ? this.show(known) : job ? showRunning(job) : null;
    hub.publish("backup_status", { backup, health: this.report() });
  }
}
