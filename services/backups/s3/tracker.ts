import type { BackupRecord } from "../record.ts";
import { type Inventory, isComplete } from "./inventory.ts";
import { type CopyHealth, type CopyState, judgeCopy } from "./state.ts";
import { copiedRecords } from "./transfer.ts";

/** What a check of a copy found: problems of the backup's files and of the WAL behind it. */
export interface CopyDamage {
  files: readonly string[];
  wal: readonly string[];
}

/** Keeps what happened to the copies since the start: progress, failures, damage. Does no I/O. */
export class CopyTracker {
  readonly #startedAt: number;
  readonly #problems = new Map<string, string>();
  readonly #discarded = new Set<string>();
  /** Copies that a check found damaged; they show it until the next cycle may repair them. */
  readonly #onHold = new Set<string>();
  /** Backups whose copies the retention would remove. */
  #surplus: ReadonlySet<string> = new Set();
  #walOnHold = false;
  #walDamage: { id: string; text: string } | undefined;
  #progress: { id: string; done: number; total: number } | undefined;
  /** When each file of archived WAL that is not copied was archived; milliseconds since 1970. */
  #walWaiting: readonly number[] | undefined;
  #failures = 0;
  #sentBytes = 0;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** Ids of backups that were removed here and whose copies must go too. */
  discarded(): string[] {
    return [...this.#discarded];
  }

  discard(id: string): void {
    this.#discarded.add(id);
  }

  discardDone(id: string): void {
    this.#discarded.delete(id);
  }

  copyStarted(id: string, total: number): void {
    this.#progress = { id, done: 0, total };
  }

  /** Counts bytes of the running copy; bytes that were in the storage already were not `sent`. */
  copyProgressed(bytes: number, sent: boolean): void {
    if (this.#progress) this.#progress.done += bytes;
    if (sent) this.#sentBytes += bytes;
  }

  copyEnded(): void {
    this.#progress = undefined;
  }

  isCopying(id: string): boolean {
    return this.#progress?.id === id;
  }

  copySucceeded(id: string): void {
    this.#problems.delete(id);
  }

  copyFailed(id: string, problem: string): void {
    this.#problems.set(id, problem);
  }

  /** Forgets problems of backups that no longer exist here. */
  forgetOthers(ids: ReadonlySet<string>): void {
    for (const id of this.#problems.keys()) if (!ids.has(id)) this.#problems.delete(id);
  }

  cycleFailed(): void {
    this.#failures++;
  }

  /** Records the outcome of a check; damaged copies are put on hold. */
  checked(id: string, { files, wal }: CopyDamage): void {
    this.#problems.delete(id);
    if (files.length > 0) {
      this.#problems.set(id, files.join("; "));
      this.#onHold.add(id);
    }
    if (wal.length > 0) this.#walOnHold = true;
    this.#walDamage = wal.length > 0 ? { id, text: wal.join("; ") } : undefined;
  }

  /** Lets the next cycle repair what a check found damaged. */
  releaseHolds(): void {
    this.#onHold.clear();
    this.#walOnHold = false;
  }

  isOnHold(id: string): boolean {
    return this.#onHold.has(id);
  }

  isWalOnHold(): boolean {
    return this.#walOnHold;
  }

  setSurplus(ids: ReadonlySet<string>): void {
    this.#surplus = ids;
  }

  /** Records when the files that are not copied were archived, in the order in which they are copied. */
  walMissing(archivedAt: readonly number[]): void {
    this.#walWaiting = archivedAt;
  }

  /** Records that the first missing file was copied, or is no longer needed. */
  walCopied(bytes: number): void {
    this.#sentBytes += bytes;
    this.#walWaiting = this.#walWaiting?.slice(1);
  }

  walComplete(): void {
    this.#walDamage = undefined;
  }

  /** Returns the state of one backup's copy; `cycleProblem` is why the last cycle failed. */
  stateOf(
    { id, status }: BackupRecord,
    inventory: Inventory | undefined,
    cycleProblem: string | undefined,
  ): CopyState {
    const wanted = status === "complete" && !this.#surplus.has(id);
    const stored = inventory?.backups.get(id);
    const at = isComplete(stored) ? stored.at : undefined;
    return judgeCopy({
      wanted,
      at,
      progress: this.#progress?.id === id ? this.#progress : undefined,
      problem: this.#problems.get(id) ??
        (this.#walDamage?.id === id ? this.#walDamage.text : undefined) ??
        (wanted && at === undefined ? cycleProblem : undefined),
    });
  }

  /** Returns the health of all copies at `now`, in milliseconds since 1970. */
  health(
    inventory: Inventory | undefined,
    { now, cycleProblem }: { now: number; cycleProblem: string | undefined },
  ): CopyHealth {
    const records = inventory ? copiedRecords(inventory) : [];
    const [newest] = records;
    const since = newest ? Date.parse(newest.started_at) : this.#startedAt;
    return {
      copy_enabled: true,
      last_copy_at: newest?.started_at ?? null,
      copy_age_seconds: Math.max(0, now - since) / 1000,
      copy_lag_seconds: this.#walWaiting === undefined
        ? null
        : Math.max(0, ...this.#walWaiting.map((at) => now - at)) / 1000,
      copies: records.length,
      copy_failures: this.#failures,
      copied_bytes: this.#sentBytes,
      copy_problem: cycleProblem ?? this.#walDamage?.text ?? [...this.#problems.values()][0] ??
        null,
    };
  }
}
