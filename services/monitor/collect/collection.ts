import type { Tier } from "../../../db/collectors/collector.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type Changes, indexChanges, settingChanges } from "../diagnosis/changes.ts";
import {
  createStatements,
  type OnStatementWork,
  type Statements,
} from "../diagnosis/statements.ts";
import type { PerformanceMetrics } from "../signals/derived.ts";
import type { View } from "../signals/signal.ts";
import { collectTier, type TierOutcome } from "./collect_tier.ts";
import { createObservations, type DatabaseRatesReading } from "../observations/observations.ts";
import type { DiskSpace } from "./disk.ts";
import { copyReadings, emptyReadings, type Readings } from "./reading.ts";

export type TierTimes = Record<Tier, number>;

/** What the collectors have read from the server, and what follows from several readings. */
export interface Collection {
  readonly readings: Readings;
  readonly statements: Statements;
  /** Runs all collectors of a tier. */
  collect(tier: Tier): Promise<TierOutcome>;
  databaseRates(): DatabaseRatesReading | undefined;
  /** Returns what signals are read from: the readings `of` a moment `at`, by default those of now. */
  view(
    metrics: PerformanceMetrics,
    of?: Readings,
    at?: number,
    managed?: ReadonlySet<string>,
  ): View;
}

const deadlinesMs: TierTimes = { fast: 2_500, stats: 12_000, slow: 12_000, hourly: 12_000 };

/** Runs the collectors over the monitor's two connections and keeps what several readings show together. */
export function createCollection(
  { fastPool, slowPool, everyMs, maxAgeMs, changes, onStatementWork, readDisk, clock, log }: {
    fastPool: Pool;
    slowPool: Pool;
    everyMs: TierTimes;
    maxAgeMs: TierTimes;
    changes: Changes;
    onStatementWork?: OnStatementWork;
    /** Reads the space on the server's disk, where it is visible. */
    readDisk?: (() => Promise<DiskSpace | undefined>) | undefined;
    clock: Clock;
    log: Logger;
  },
): Collection {
  const readings = emptyReadings();
  const statements = createStatements(onStatementWork ? { onWork: onStatementWork } : {});
  const now = () => clock.now().getTime();
  const observations = createObservations({ readings, statements, everyMs, maxAgeMs, now });

  function noteCounterReset(before: Readings): void {
    const row = readings.database.value?.[0];
    if (row && row !== before.database.value?.[0]) changes.noteCounters(row);
  }

  async function noteSchemaChanges(): Promise<void> {
    const server = readings.server.value?.[0];
    await statements.fetchTexts(slowPool, server, deadlinesMs.stats).catch((error) =>
      log.warn("statement_texts_not_read", { error: describeDatabaseError(error) })
    );
    changes.noteStatements(statements.freshTexts());
  }

  /** Adds to the change log what a tier's readings show. */
  async function noteChanges(tier: Tier, before: Readings): Promise<void> {
    if (tier === "stats") {
      const server = readings.server.value?.[0];
      if (server && readings.server.at !== undefined) {
        changes.noteServer(server, readings.server.at);
      }
      await noteSchemaChanges();
    } else if (tier === "slow") {
      changes.note(settingChanges(before.settings.value, readings.settings.value, now()));
    } else if (tier === "hourly") {
      changes.note(indexChanges(before.indexes.value, readings.indexes.value, now()));
    }
  }

  return {
    readings,
    statements,
    async collect(tier) {
      const before = copyReadings(readings);
      const outcome = await collectTier(tier, {
        readings,
        pool: tier === "fast" ? fastPool : slowPool,
        clock,
        deadlineMs: deadlinesMs[tier],
        everyMs: everyMs[tier],
        onRest: (collector, costMs, runs) =>
          log.warn("collector_rests", { collector, cost_ms: Math.round(costMs), turns: runs }),
      });
      if (tier === "fast") {
        observations.noteFast(before);
        noteCounterReset(before);
      }
      if (tier === "slow" && readDisk) observations.noteDisk(await readDisk());
      if (outcome.kind === "unreachable") return outcome;
      observations.note(tier, before);
      await noteChanges(tier, before);
      return outcome;
    },
    databaseRates: observations.databaseRates,
    view: observations.view,
  };
}
