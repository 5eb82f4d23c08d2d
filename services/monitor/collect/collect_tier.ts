import { chooseQuestion, needsFacts } from "../../../db/collectors/choose.ts";
import factsSql from "../../../db/collectors/server/facts.sql" with { type: "text" };
import {
  type Collector,
  type CollectorName,
  collectors,
  type Tier,
} from "../../../db/collectors/list.ts";
import type { CollectorRows, VersionFacts } from "../../../db/collectors/rows.ts";
import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError, isAnswer, isUnreachable } from "../../../db/errors.ts";
import { decodeForeign } from "../../../db/foreign_text.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { budgetOf, chargeTick, restTick } from "./budget.ts";
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

/**
 * What came of asking: rows (`read`), an error of this one statement (`refused`), no turn on our own connection, or an
 * error of our own (`unasked`), a connection that was lost or refused (`lost`), or not a word until our own deadline (`silent`).
 */
export interface Outcome {
  kind: "read" | "refused" | "unasked" | "lost" | "silent";
  error?: string;
  /** Read only after a connection that was lost had been made anew. */
  reconnected?: boolean;
}

function outcomeOf(error: unknown): Outcome["kind"] {
  if (isUnreachable(error)) return "lost";
  if (isSilence(error)) return "silent";
  return isAnswer(error) ? "refused" : "unasked";
}

/**
 * Runs one question and notes its answer, its cost, or why there is none. It waits up to `deadlineMs` for a connection, and
 * then as long for the answer: what our own queue took says nothing of the server.
 */
export async function takeReading<T>(
  reading: Reading<T>,
  pool: Pool,
  clock: Clock,
  deadlineMs: number,
  ask: (sql: Sql) => Promise<T>,
): Promise<Outcome> {
  // Waiting for the connection is no cost of the question's.
  let started: number | undefined;
  const timed = (sql: Sql) => {
    started = performance.now();
    return ask(sql);
  };
  try {
    reading.value = await pool.run(timed, { deadlineMs, workMs: deadlineMs });
    reading.at = clock.now().getTime();
    reading.error = undefined;
    reading.unasked = false;
    reading.refusal = undefined;
    return { kind: "read" };
  } catch (error) {
    const words = describeDatabaseError(error);
    const at = clock.now().getTime();
    const kind = outcomeOf(error);
    const unasked = kind === "unasked" && started === undefined;
    Object.assign(reading, { error: words, errorAt: at, unasked });
    if (kind === "refused" || kind === "unasked" && !unasked) {
      reading.refusal = { error: words, at };
    }
    return { kind, error: words };
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

/** What a tier's turn says about the server: it answered, it is away and why, or it was not asked. */
export type TierOutcome =
  | { kind: "unasked"; missed: boolean }
  /** `missed` when our own connection was not free in time for some collector; `reconnected` when a connection was lost on the way: another server may have taken the place of the last. */
  | { kind: "answered"; missed: boolean; reconnected: boolean }
  | { kind: "away"; error: string };

/** Asks the least there is to ask: whether a new connection is taken and answered. */
async function probe({ pool, clock, deadlineMs }: Round): Promise<Outcome> {
  return await takeReading(emptyReading(), pool, clock, deadlineMs, (sql) => sql`select 1`);
}

/**
 * Asks one collector. A connection that was lost may be this one alone, ended by an administrator: a new one is tried,
 * and the question asked once more. Only when the new one is not taken either is the server away; a question that loses
 * its connection each time is an error of that question.
 */
async function askTwice(ask: () => Promise<Outcome>, round: Round): Promise<Outcome> {
  const first = await ask();
  if (first.kind !== "lost") return first;
  const probed = await probe(round);
  if (probed.kind !== "read" && probed.kind !== "refused") return probed;
  const second = await ask();
  if (second.kind !== "lost") return { ...second, reconnected: true };
  const again = await probe(round);
  return again.kind === "read" ? { ...second, kind: "refused" } : again;
}

/** What questions are chosen by: as last read, or asked for where the server's own collector has never answered. */
async function factsFor(collector: Collector, round: Round): Promise<VersionFacts | undefined> {
  const known = round.readings.server.value?.[0];
  if (known || !needsFacts(collector)) return known;
  const reading: Reading<VersionFacts | undefined> = emptyReading();
  await takeReading(reading, round.pool, round.clock, round.deadlineMs, async (sql) => {
    const [row] = await sql.unsafe<VersionFacts[]>(factsSql);
    return row;
  });
  return reading.value;
}

/** One collector's turn: asked, left out while it rests, or known not to be on this server. */
async function runStep(collector: Collector, round: Round): Promise<Outcome> {
  const { readings, pool, clock, deadlineMs, everyMs, onRest } = round;
  const reading = readings[collector.name] as Reading<unknown>;
  if (reading.budget.resting > 0) {
    reading.budget = restTick(reading.budget);
    return { kind: "unasked" };
  }
  const choice = chooseQuestion(collector, await factsFor(collector, round));
  if ("missing" in choice) {
    Object.assign(reading, emptyReading(), { missing: choice.missing });
    return { kind: "unasked" };
  }
  reading.missing = undefined;
  const ask = () =>
    takeReading(reading, pool, clock, deadlineMs, async (sql) => {
      const rows = await sql.unsafe(choice.sql);
      return collector.foreign ? decodeForeign([...rows], collector.foreign) : rows;
    });
  const outcome = await askTwice(ask, round);
  if (outcome.kind === "lost" || outcome.kind === "silent") return outcome;
  if (outcome.kind === "refused" && outcome.error !== undefined) {
    reading.refusal = { error: outcome.error, at: clock.now().getTime() };
  }
  if (!essential.has(collector.name) && !reading.unasked) {
    reading.budget = chargeTick(reading.budget, reading.durationMs ?? 0, budgetOf(everyMs));
    const { resting } = reading.budget;
    if (resting > 0) onRest(collector.name, reading.durationMs ?? 0, resting);
  }
  return outcome;
}

/**
 * Runs the collectors of a tier one after the other, each by itself: an error of one leaves the others alone. Stops at
 * the first sign that the server is away.
 */
export async function collectTier(tier: Tier, round: Round): Promise<TierOutcome> {
  let answered = false;
  let missed = false;
  let reconnected = false;
  for (const collector of collectors) {
    if (collector.tier !== tier) continue;
    const { kind, error, reconnected: anew } = await runStep(collector, round);
    if (kind === "lost" || kind === "silent") return { kind: "away", error: error ?? "no answer" };
    missed ||= kind === "unasked" && round.readings[collector.name].unasked;
    answered ||= kind === "read" || kind === "refused";
    reconnected ||= anew === true;
  }
  return answered ? { kind: "answered", missed, reconnected } : { kind: "unasked", missed };
}
