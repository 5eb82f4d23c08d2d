import type { Config } from "../../../config/config.ts";
import type { Sql } from "../../../db/connection.ts";
import { CopyEncoder } from "../../../db/copy.ts";
import { isUnreachable } from "../../../db/errors.ts";
import type { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Rotation } from "../../partitions/rotation.ts";
import type { FirewallLimits } from "../judge/firewall.ts";
import type { SymbolDirectory } from "../judge/symbols.ts";
import { faultOf } from "./fault.ts";
import { createWriter, type Writer, type WriterOptions } from "./writer.ts";

/** Encoder pairs kept for the next upload; each encoder holds about one batch. */
const encodersKept = 8;

/** What every transaction that stores ticks needs: a writer, the limits, and the meaning of a failure. */
export interface WriteSessions {
  /** Runs `work` with a writer on `sql`. When `work` fails, ends the COPY that the writer left open. */
  withWriter<T>(
    sql: Sql,
    work: (writer: Writer) => Promise<T>,
    options?: Pick<WriterOptions, "keepRefused" | "opened">,
  ): Promise<T>;
  /** Returns the firewall's limits as of now. */
  limits(backfill: boolean): FirewallLimits;
  /** Returns why a transaction failed, and clears the caches that the failure proves wrong. */
  explain(error: unknown): HoldfastError;
}

export function createWriteSessions(
  { rotation, directory, config, clock, onFailure }: {
    rotation: Pick<Rotation, "ensureDays" | "hasDays" | "forget">;
    directory: SymbolDirectory;
    config: Pick<Config, "HOLDFAST_FUTURE_LIMIT_SECONDS" | "HOLDFAST_BACKFILL_HORIZON_DAYS">;
    clock: Clock;
    /** Called when a transaction ended without a commit. */
    onFailure: (error: HoldfastError) => void;
  },
): WriteSessions {
  const encoders: [CopyEncoder, CopyEncoder][] = [];
  return {
    async withWriter(sql, work, options = {}) {
      const pair = encoders.pop() ?? [new CopyEncoder(), new CopyEncoder()];
      const writer = createWriter(sql, { directory, rotation, encoders: pair, ...options });
      try {
        const result = await work(writer);
        if (encoders.length < encodersKept) encoders.push(pair);
        return result;
      } catch (error) {
        if (!isUnreachable(error)) await writer.abort();
        throw error;
      }
    },
    limits: (backfill) => ({
      nowUs: clock.now().getTime() * 1000,
      futureSeconds: config.HOLDFAST_FUTURE_LIMIT_SECONDS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
      backfill,
    }),
    explain(thrown) {
      const { error, staleSymbols, stalePartitions } = faultOf(thrown);
      onFailure(error);
      if (staleSymbols) directory.forget();
      if (stalePartitions) rotation.forget();
      return error;
    },
  };
}
