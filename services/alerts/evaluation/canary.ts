import { writeCanary } from "../../../db/alerts/canary.ts";
import { codeOf, describeDatabaseError, isUnreachable, refusesWrites } from "../../../db/errors.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import {
  readStandbySource,
  readWriteFacts,
  type WriteFacts,
} from "../../../db/server/write_state.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { endsWithin } from "../../../lib/ends_within.ts";
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
import type { ReadingSource } from "./sources.ts";

/** What must be done where a server turns out to take writes, or to be a standby. */
export interface WritePreparation {
  /** Whether the start is over: until then it is the start that gets the server ready. */
  isStarted(): boolean;
  /** Whether the server has been got ready since it last was a standby. */
  isBegun(): boolean;
  /**
   * Gets a server ready that takes writes and was not prepared: migrates it, and loads what it holds. Joins the preparation
   * under way; does nothing once the server is prepared.
   */
  begin(): Promise<void>;
  /** Finds out whether a standby has Holdfast's schemas by now. */
  findSchema(): Promise<void>;
  /** Makes the next questions run in new sessions, which have the present defaults. */
  renewSessions(): void;
}

export interface Canary extends ReadingSource {
  /** Looks now, or joins the look under way; waits for it no longer than a second. */
  check(): Promise<void>;
}

/** What the monitor asks at each fast tick. */
export type WriteWatch = Pick<WriteAccess, "state" | "canWrite"> & Pick<Canary, "check">;

const waitMs = 1_000;
/** Sessions of the records' pool that may have begun with another default: each is replaced once it was refused. */
const sessionsMax = 2;

/**
 * The write canary: at each fast tick the server is asked whether it takes writes; then a row is written, committed and
 * read back, and its time taken. What no other reading shows (a server that became read-only, a standby after a
 * switch-over, a stalled disk) shows here, and is noted in `access`.
 */
export function createCanary(
  { db, name, everyMs, access, preparation, isDiskFull, clock, log }: {
    db: RecordsDb;
    name: string;
    everyMs: number;
    access: WriteAccess;
    preparation: WritePreparation;
    /** Whether uploads are refused for want of disk space. */
    isDiskFull: () => boolean;
    clock: Clock;
    log: Logger;
  },
): Canary {
  let seen: { at: number; ms: number | null; failing: boolean | null } | undefined;
  let beganAt = -Infinity;
  let looking: Promise<void> | undefined;
  /** Preparations in a row that failed. */
  let failures = 0;
  const now = () => clock.now().getTime();

  /** A server that was never prepared, or was a standby until now. */
  async function begin(): Promise<boolean> {
    // While it is tried again, what failed before stays said.
    if (!access.canWrite() && !access.state().unprepared) access.note(promoted());
    try {
      await preparation.begin();
      failures = 0;
      return true;
    } catch (error) {
      log.error("not_prepared_for_writing", { error: describeDatabaseError(error) });
      failures++;
      // One that went away, or became a standby meanwhile, is told by the next look; one that answered it is neither.
      const passing = isUnreachable(error) || refusesWrites(error);
      if (!passing || failures > 1) {
        access.note(unprepared(describeDatabaseError(error)));
      }
      return false;
    }
  }

  async function write(facts: WriteFacts): Promise<void> {
    for (let attempt = 0;; attempt++) {
      try {
        return await writeCanary(db, name);
      } catch (error) {
        const stale = refusesWrites(error) && facts.new_sessions_read_only !== true;
        if (!stale || attempt === sessionsMax) throw error;
      }
    }
  }

  async function noteStandby(): Promise<void> {
    seen = undefined;
    failures = 0;
    access.note(standby(await readStandbySource(db).catch(() => undefined)));
    if (!access.state().schema) await preparation.findSchema();
  }

  async function tryWrite(facts: WriteFacts): Promise<void> {
    const started = performance.now();
    try {
      await write(facts);
      seen = { at: now(), ms: performance.now() - started, failing: false };
      access.note(writable(newSessionsWarning(facts)));
    } catch (error) {
      // A switch-over may lie between the question and the write: the server that refused is asked again.
      const present = refusesWrites(error) ? await readWriteFacts(db).catch(() => facts) : facts;
      if (present.in_recovery) return await noteStandby();
      const finding = findingOf(codeOf(error), facts);
      if (finding) access.note(finding);
      throw error;
    }
  }

  async function lookOnce(): Promise<void> {
    try {
      const facts = await readWriteFacts(db);
      if (facts.in_recovery) return await noteStandby();
      const isBegun = preparation.isBegun();
      if (!isBegun && facts.read_only && facts.new_sessions_read_only !== false) {
        access.note(readOnlyDefault(facts));
        preparation.renewSessions();
        if (!access.state().schema) await preparation.findSchema();
        return;
      }
      if (!isBegun && !await begin()) return;
      await tryWrite(facts);
    } catch (error) {
      // A server that is away is another alert's business: of writes nothing is known then.
      const away = isUnreachable(error);
      if (!away && seen?.failing !== true) {
        log.warn("canary_failed", { error: describeDatabaseError(error) });
      }
      seen = { at: now(), ms: null, failing: away ? null : true };
    }
  }

  function look(): Promise<void> {
    if (!looking) {
      beganAt = now();
      looking = lookOnce().finally(() => looking = undefined);
    }
    return looking;
  }

  /** 1 while nothing can be written, 0 while a row was, null where that is not known or nobody expects it. */
  function failing(): number | null {
    if (isOutage(access.state()) || isDiskFull()) return 1;
    if (access.isWatchOnly()) return null;
    const fresh = seen && now() - seen.at <= everyMs * 3 ? seen : undefined;
    return typeof fresh?.failing === "boolean" ? Number(fresh.failing) : null;
  }

  return {
    async check() {
      if (!preparation.isStarted()) return;
      await endsWithin(look(), waitMs);
    },
    values() {
      const at = now();
      if (preparation.isStarted() && Math.abs(at - beganAt) >= everyMs) void look();
      const ms = seen && Math.abs(at - seen.at) <= everyMs * 3 ? seen.ms : null;
      // One that has not come back yet is as slow as that already.
      const under = looking && access.canWrite() ? Math.max(0, at - beganAt) : null;
      return [
        {
          metric: "canary_ms",
          scope: "",
          value: under !== null && under > (ms ?? 1_000) ? under : ms,
        },
        { metric: "canary_failing", scope: "", value: failing() },
      ];
    },
    async stop() {
      await looking;
    },
  };
}
