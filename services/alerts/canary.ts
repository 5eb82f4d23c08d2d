import { isStandby, writeCanary } from "../../db/canary.ts";
import { describeDatabaseError, isUnreachable } from "../../db/errors.ts";
import type { RecordsDb } from "../../db/records.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../clock.ts";
import type { ReadingSource } from "./sources.ts";

/**
 * The write canary: every `everyMs` a row is written, committed and read back, and its time taken. What no other
 * reading shows (a server that became read-only, a stalled disk) shows here.
 */
export function createCanary(
  { db, name, everyMs, clock, log }: {
    db: RecordsDb;
    name: string;
    everyMs: number;
    clock: Clock;
    log: Logger;
  },
): ReadingSource & { look(): Promise<void> } {
  let seen: { at: number; ms: number | null; failing: boolean | null } | undefined;
  let beganAt = -Infinity;
  let looking: Promise<void> | undefined;
  const now = () => clock.now().getTime();

  async function lookOnce(): Promise<void> {
    try {
      if (await isStandby(db)) {
        seen = { at: now(), ms: null, failing: null };
        return;
      }
      const started = performance.now();
      await writeCanary(db, name);
      seen = { at: now(), ms: performance.now() - started, failing: false };
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
    beganAt = now();
    looking ??= lookOnce().finally(() => looking = undefined);
    return looking;
  }

  return {
    look,
    values() {
      const at = now();
      if (at - beganAt >= everyMs) void look();
      const fresh = seen && at - seen.at <= everyMs * 3 ? seen : undefined;
      // One that has not come back yet is as slow as that already.
      const under = looking ? at - beganAt : null;
      const ms = fresh?.ms ?? null;
      return [
        {
          metric: "canary_ms",
          scope: "",
          value: under !== null && under > (ms ?? 1_000) ? under : ms,
        },
        {
          metric: "canary_failing",
          scope: "",
          value: typeof fresh?.failing === "boolean" ? Number(fresh.failing) : null,
        },
      ];
    },
    async stop() {
      await looking;
    },
  };
}
