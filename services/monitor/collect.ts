import { chooseQuestion } from "../../db/collectors/choose.ts";
import {
  type Collector,
  type CollectorName,
  collectors,
  type Tier,
} from "../../db/collectors/list.ts";
import type { CollectorRows } from "../../db/collectors/rows.ts";
import type { Sql } from "../../db/connection.ts";
import { describeDatabaseError, isUnreachable } from "../../db/errors.ts";
import type { Pool } from "../../db/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { budgetOf, chargeTurn, restTurn } from "./budget.ts";
import { emptyReading, type Reading } from "./reading.ts";

export type Readings = { [K in CollectorName]: Reading<CollectorRows[K][]> };

export function emptyReadings(): Readings {
  return Object.fromEntries(
    collectors.map(({ name }) => [name, emptyReading()]),
  ) as unknown as Readings;
}

/** Not a word until our own deadline, beyond the one in which the server would have given up: the link is dead. */
function isSilence(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === "deadline_exceeded" &&
    error.cause === undefined;
}

/** Runs one question and notes its answer, its cost, or why there is none; false when the server is away. */
export async function takeReading<T>(
  reading: Reading<T>,
  pool: Pool,
  clock: Clock,
  deadlineMs: number,
  ask: (sql: Sql) => Promise<T>,
): Promise<boolean> {
  // Waiting for the connection is no cost of the question's.
  let started: number | undefined;
  const timed = (sql: Sql) => {
    started = performance.now();
    return ask(sql);
  };
  try {
    reading.value = await pool.run(timed, { deadlineMs });
    reading.at = clock.now().getTime();
    reading.error = undefined;
    return true;
  } catch (error) {
    reading.error = describeDatabaseError(error);
    reading.errorAt = clock.now().getTime();
    return !isUnreachable(error) && !isSilence(error);
  } finally {
    reading.durationMs = started === undefined ? undefined : performance.now() - started;
  }
}

/** What tells whether the server answers, and what it is, is always asked. */
const essential = new Set<CollectorName>(["activity", "server"]);

interface Round {
  readings: Readings;
  pool: Pool;
  clock: Clock;
  deadlineMs: number;
  everyMs: number;
  onRest: (collector: CollectorName, costMs: number, turns: number) => void;
}

/** One collector's turn: asked, left out while it rests, or known not to be on this server; false when it is away. */
async function takeTurn(collector: Collector, round: Round): Promise<boolean> {
  const { readings, pool, clock, deadlineMs, everyMs, onRest } = round;
  const reading = readings[collector.name] as Reading<unknown>;
  if (reading.purse.resting > 0) {
    reading.purse = restTurn(reading.purse);
    return true;
  }
  const choice = chooseQuestion(collector, readings.server.value?.[0]);
  if ("missing" in choice) {
    Object.assign(reading, emptyReading(), { missing: choice.missing });
    return true;
  }
  reading.missing = undefined;
  const answered = await takeReading(
    reading,
    pool,
    clock,
    deadlineMs,
    (sql) => sql.unsafe(choice.sql) as unknown as Promise<unknown>,
  );
  if (!answered) return false;
  if (!essential.has(collector.name)) {
    reading.purse = chargeTurn(reading.purse, reading.durationMs ?? 0, budgetOf(everyMs));
    const { resting } = reading.purse;
    if (resting > 0) onRest(collector.name, reading.durationMs ?? 0, resting);
  }
  return true;
}

/** Runs the collectors of a tier one after the other; stops at the first sign that the server is away. */
export async function collectTier(tier: Tier, round: Round): Promise<boolean> {
  for (const collector of collectors) {
    if (collector.tier === tier && !await takeTurn(collector, round)) return false;
  }
  return true;
}
