import type { Backup, BackupHealth } from "./report.ts";

export interface Backups {
  /**
   * Begins a backup and answers it as it runs: a base backup where the role may replicate, else a logical one. Throws
   * `backup_running`, or why it cannot be.
   */
  start(kind?: Backup["kind"]): Promise<Backup>;
  /** Checks a backup's files and, with `restore`, restores it on trial. Answers when that has ended or `waitMs` is over. */
  verify(id: string, how: { restore: boolean; waitMs: number }): Promise<Backup>;
  /** Newest first, those older than `before`. */
  list(page: { limit: number; before: string | undefined }): Promise<Backup[]>;
  get(id: string): Promise<Backup>;
  /** Aborts one that runs, removes one that is over; the last proven one only with `force`. */
  remove(id: string, force: boolean): Promise<void>;
  /** What was last known; asks nothing. */
  report(): BackupHealth;
  /** Archives WAL, and begins what is due, and to be copied. */
  everyMinute(): Promise<void>;
  /** Clears what a killed Holdfast left behind, and reads the catalogue. */
  prepare(): Promise<void>;
  /** Resolves when nothing runs, and nothing is copied. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface BackupSettings {
  /** Whether backups are taken without being asked for. */
  scheduled: boolean;
  backupHours: number;
  drillHours: number;
  keep: number;
  rateMb: number;
  walSeconds: number;
}
