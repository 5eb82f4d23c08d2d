import { writeCanary } from "../../../db/alerts/canary.ts";
import { codeOf, describeDatabaseError, isUnreachable, refusesWrites } from "../../../db/errors.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import {
  readStandbySource,
  readWriteFacts,
  type WriteFacts,
} from "../../../db/server/write_state.ts";
import type { Clock } from "../../../lib/clock.ts";
import { endsWithin } from "../../../lib/deadline.ts";
import type { Logger } from "../../../log.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";
import { isOutage } from "../../monitor/write_access/health.ts";
import {
  findingOf,
  newSessionsWarning,
  promoted,
  readOnlyDefault,
  standby,
  unprepared,
  writable,
} from "../../monitor/write_access/state.ts";
import type { MetricValue } from "../alert.ts";
import type { ReadingSource } from "./sources.ts";

/** What happens when a server turns out to take writes, or to be a standby. */
export interface WritePreparation {
  /** Returns whether the start is over: until then the start prepares the server. */
  isStarted(): boolean;
  /** Returns whether the server was prepared since it last was a standby. */
  isBegun(): boolean;
  /**
   * Prepares a server that takes writes: migrates it, and loads what it holds. Joins a preparation that runs; does
   * nothing once the server is prepared.
   */
  begin(): Promise<void>;
  /** Checks whether a standby has Holdfast's schemas by now. */
  findSchema(): Promise<void>;
  /** Makes the next statements run in new sessions, which have the present defaults. */
  renewSessions(): void;
}

export interface Canary extends ReadingSource {
  /** Runs a check, or joins the one that runs; waits at most a second for it. */
  check(): Promise<void>;
}

/** What the monitor asks at each fast tick. */
export type WriteWatch = Pick<WriteAccess, "state" | "canWrite"> & Pick<Canary, "check">;

export interface CanaryOptions {
  db: RecordsDb;
  /** Name of this Holdfast; its row is the one that is written. */
  name: string;
  /** Milliseconds between two checks. */
  everyMs: number;
  access: WriteAccess;
  preparation: WritePreparation;
  /** Returns whether uploads are refused because the disk is full. */
  isDiskFull: () => boolean;
  clock: Clock;
  log: Logger;
}

/** The outcome of the last check. `ms` is how long the write took; `failing` is null where it is unknown. */
interface Outcome {
  at: number;
  ms: number | null;
  failing: boolean | null;
}

const waitMs = 1_000;
/** Sessions of the records' pool that may have begun with another default: each is replaced after it was refused. */
const sessionsMax = 2;
/** An outcome is valid for this many intervals. */
const validIntervals = 3;

/**
 * Creates the write canary. At each fast tick it asks the server whether it takes writes; then it writes a row, commits
 * it and reads it back. It finds what no other reading shows (a server that became read-only, a standby after a
 * switch-over, a stalled disk), and notes it in `access`.
 */
export function createCanary(options: CanaryOptions): Canary {
  const canary = new WriteCanary(options);
  return {
    check: () => canary.check(),
    values: () => canary.values(),
    stop: () => canary.stop(),
  };
}

class WriteCanary implements Canary {
  readonly #options: CanaryOptions;
  #last: Outcome | undefined;
  /** When the last check began; milliseconds since 1970. */
  #beganAt = -Infinity;
  #running: Promise<void> | undefined;
  /** Preparations that failed one after the other. */
  #failures = 0;

  constructor(options: CanaryOptions) {
    this.#options = options;
  }

  async check(): Promise<void> {
    if (this.#options.preparation.isStarted()) await endsWithin(this.#start(), waitMs);
  }

  values(): MetricValue[] {
    const { preparation, access, everyMs } = this.#options;
    const at = this.#now();
    if (preparation.isStarted() && Math.abs(at - this.#beganAt) >= everyMs) void this.#start();
    const last = this.#last;
    const ms = last && Math.abs(at - last.at) <= everyMs * validIntervals ? last.ms : null;
    // A write that has not returned yet already takes this long.
    const sofar = this.#running && access.canWrite() ? Math.max(0, at - this.#beganAt) : null;
    const isLonger = sofar !== null && sofar > (ms ?? 1_000);
    return [
      { metric: "canary_ms", scope: "", value: isLonger ? sofar : ms },
      { metric: "canary_failing", scope: "", value: this.#failing() },
    ];
  }

  async stop(): Promise<void> {
    await this.#running;
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }

  /** Returns 1 while writes fail, 0 after one succeeded, null where that is unknown or no writes are expected. */
  #failing(): number | null {
    const { access, isDiskFull, everyMs } = this.#options;
    if (isOutage(access.state()) || isDiskFull()) return 1;
    if (access.isWatchOnly()) return null;
    const last = this.#last;
    const isValid = last && this.#now() - last.at <= everyMs * validIntervals;
    return isValid && last.failing !== null ? Number(last.failing) : null;
  }

  #start(): Promise<void> {
    if (!this.#running) {
      this.#beganAt = this.#now();
      this.#running = this.#checkOnce().finally(() => this.#running = undefined);
    }
    return this.#running;
  }

  async #checkOnce(): Promise<void> {
    const { db, preparation, log } = this.#options;
    try {
      const facts = await readWriteFacts(db);
      if (facts.in_recovery) return await this.#noteStandby();
      const isBegun = preparation.isBegun();
      if (!isBegun && facts.read_only && facts.new_sessions_read_only !== false) {
        return await this.#noteReadOnlyDefault(facts);
      }
      if (!isBegun && !await this.#prepare()) return;
      await this.#write(facts);
    } catch (error) {
      // `database_down` covers an unreachable server; whether it takes writes is unknown then.
      const unreachable = isUnreachable(error);
      if (!unreachable && this.#last?.failing !== true) {
        log.warn("canary_failed", { error: describeDatabaseError(error) });
      }
      this.#last = { at: this.#now(), ms: null, failing: unreachable ? null : true };
    }
  }

  /** Prepares a server that was never prepared, or was a standby until now. Returns whether that succeeded. */
  async #prepare(): Promise<boolean> {
    const { access, preparation, log } = this.#options;
    // During a second try the failure of the first stays noted.
    if (!access.canWrite() && !access.state().unprepared) access.note(promoted());
    try {
      await preparation.begin();
      this.#failures = 0;
      return true;
    } catch (error) {
      log.error("not_prepared_for_writing", { error: describeDatabaseError(error) });
      this.#failures++;
      // A server that became unreachable, or a standby, is found by the next check; one that answered is neither.
      const isPassing = isUnreachable(error) || refusesWrites(error);
      if (!isPassing || this.#failures > 1) access.note(unprepared(describeDatabaseError(error)));
      return false;
    }
  }

  async #write(facts: WriteFacts): Promise<void> {
    const { db, access } = this.#options;
    const started = performance.now();
    try {
      await this.#writeRow(facts);
      this.#last = { at: this.#now(), ms: performance.now() - started, failing: false };
      access.note(writable(newSessionsWarning(facts)));
    } catch (error) {
      // The server may have been switched over since it was asked: one that refuses is asked again.
      const present = refusesWrites(error) ? await readWriteFacts(db).catch(() => facts) : facts;
      if (present.in_recovery) return await this.#noteStandby();
      const finding = findingOf(codeOf(error), facts);
      if (finding) access.note(finding);
      throw error;
    }
  }

  /** Writes the row; again where only the session, and not a new one, is read-only. */
  async #writeRow(facts: WriteFacts): Promise<void> {
    const { db, name } = this.#options;
    for (let attempt = 0;; attempt++) {
      try {
        return await writeCanary(db, name);
      } catch (error) {
        const isStale = refusesWrites(error) && facts.new_sessions_read_only !== true;
        if (!isStale || attempt === sessionsMax) throw error;
      }
    }
  }

  async #noteStandby(): Promise<void> {
    const { db, access, preparation } = this.#options;
    this.#last = undefined;
    this.#failures = 0;
    access.note(standby(await readStandbySource(db).catch(() => undefined)));
    if (!access.state().schema) await preparation.findSchema();
  }

  async #noteReadOnlyDefault(facts: WriteFacts): Promise<void> {
    const { access, preparation } = this.#options;
    access.note(readOnlyDefault(facts));
    preparation.renewSessions();
    if (!access.state().schema) await preparation.findSchema();
  }
}
