import {
  type CollectorName,
  type CollectorRows,
  collectors,
  type Tier,
} from "../../db/collectors/list.ts";
import type { Sql } from "../../db/connection.ts";
import { describeDatabaseError, isUnreachable } from "../../db/errors.ts";
import type { Pool } from "../../db/pool.ts";
import type { Clock } from "../clock.ts";
import { emptyReading, type Reading } from "./reading.ts";

export type Readings = { [K in CollectorName]: Reading<CollectorRows[K][]> };

export function emptyReadings(): Readings {
  return Object.fromEntries(
    collectors.map(({ name }) => [name, emptyReading()]),
  ) as unknown as Readings;
}

/** Runs one question and notes its answer, its cost, or why there is none; false when the server is away. */
export async function takeReading<T>(
  reading: Reading<T>,
  pool: Pool,
  clock: Clock,
  deadlineMs: number,
  ask: (sql: Sql) => Promise<T>,
): Promise<boolean> {
  const started = performance.now();
  try {
    reading.value = await pool.run(ask, { deadlineMs });
    reading.at = clock.now().getTime();
    reading.error = undefined;
    return true;
  } catch (error) {
    reading.error = describeDatabaseError(error);
    reading.errorAt = clock.now().getTime();
    return !isUnreachable(error);
  } finally {
    reading.durationMs = performance.now() - started;
  }
}

/** Runs the collectors of a tier one after the other; stops at the first sign that the server is away. */
export async function collectTier(
  tier: Tier,
  { readings, pool, clock, deadlineMs }: {
    readings: Readings;
    pool: Pool;
    clock: Clock;
    deadlineMs: number;
  },
): Promise<boolean> {
  for (const collector of collectors) {
    if (collector.tier !== tier) continue;
    const reading = readings[collector.name] as Reading<unknown>;
    const answered = await takeReading(
      reading,
      pool,
      clock,
      deadlineMs,
      (sql) => sql.unsafe(collector.sql) as unknown as Promise<unknown>,
    );
    if (!answered) return false;
  }
  return true;
}
