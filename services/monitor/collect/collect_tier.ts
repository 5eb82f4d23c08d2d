import { askCollector, askVersions, ping } from "../../../db/collectors/ask.ts";
import { chooseQuestion, needsFacts } from "../../../db/collectors/choose.ts";
import type { Collector, Tier, VersionFacts } from "../../../db/collectors/collector.ts";
import { type CollectorName, collectors } from "../../../db/collectors/list.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Clock } from "../../../lib/clock.ts";
import { budgetOf, chargeTick, restTick } from "./budget.ts";
import { emptyReading, type Reading, type Readings } from "./reading.ts";
import { type Outcome, takeReading } from "./take_reading.ts";

/** These run whatever they cost: they show whether the server answers, and which server it is. */
const essential = new Set<CollectorName>(["activity", "server"]);

interface TierRun {
  readings: Readings;
  pool: Pool;
  clock: Clock;
  deadlineMs: number;
  everyMs: number;
  onRest: (collector: CollectorName, costMs: number, runs: number) => void;
}

/**
 * What a run of a tier shows of the server: it answered, it is unreachable, or no collector asked it. `missed`: our own
 * connection was not free in time for some collector. `reconnected`: a connection was lost during the run, so another
 * server may answer now.
 */
export type TierOutcome =
  | { kind: "unasked"; missed: boolean }
  | { kind: "answered"; missed: boolean; reconnected: boolean }
  | { kind: "unreachable"; error: string };

/** Tests whether the server accepts a new connection and answers on it. */
async function probe({ pool, clock, deadlineMs }: TierRun): Promise<Outcome> {
  return await takeReading(emptyReading(), pool, clock, deadlineMs, ping);
}

/**
 * Runs one query. An administrator may have ended this connection alone, so after a lost connection a new one is opened
 * and the query runs once more. The server is unreachable only if the new connection fails too. A query that loses its
 * connection each time is an error of that query.
 */
async function askTwice(ask: () => Promise<Outcome>, run: TierRun): Promise<Outcome> {
  const first = await ask();
  if (first.kind !== "lost") return first;
  const probed = await probe(run);
  if (probed.kind !== "read" && probed.kind !== "refused") return probed;
  const second = await ask();
  if (second.kind !== "lost") return { ...second, reconnected: true };
  const again = await probe(run);
  return again.kind === "read" ? { ...second, kind: "refused" } : again;
}

/** Returns the server's versions as last read, or reads them if the collector `server` has never answered. */
async function factsFor(
  collector: Collector<CollectorName>,
  { readings, pool, clock, deadlineMs }: TierRun,
): Promise<Reading<VersionFacts | undefined>> {
  const reading: Reading<VersionFacts | undefined> = emptyReading();
  const known = readings.server.value?.[0];
  if (known || !needsFacts(collector)) return { ...reading, value: known };
  await takeReading(reading, pool, clock, deadlineMs, askVersions);
  return reading;
}

/** Runs one collector, unless it rests or this server has nothing for it to read. */
async function runCollector(collector: Collector<CollectorName>, run: TierRun): Promise<Outcome> {
  const { readings, pool, clock, deadlineMs, everyMs, onRest } = run;
  const reading = readings[collector.name] as Reading<unknown>;
  if (reading.budget.resting > 0) {
    reading.budget = restTick(reading.budget);
    return { kind: "unasked" };
  }
  const facts = await factsFor(collector, run);
  if (facts.unasked) {
    // What could not be chosen was not asked either.
    const { error, errorAt, unasked } = facts;
    Object.assign(reading, { error, errorAt, unasked });
    return { kind: "unasked" };
  }
  const choice = chooseQuestion(collector, facts.value);
  if ("missing" in choice) {
    Object.assign(reading, emptyReading(), { missing: choice.missing });
    return { kind: "unasked" };
  }
  reading.missing = undefined;
  const ask = () =>
    takeReading(
      reading,
      pool,
      clock,
      deadlineMs,
      (sql) => askCollector(sql, collector, choice.sql),
    );
  const outcome = await askTwice(ask, run);
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
 * Runs the collectors of a tier one after the other. An error of one does not affect the others. Stops once the server
 * is unreachable.
 */
export async function collectTier(tier: Tier, run: TierRun): Promise<TierOutcome> {
  let answered = false;
  let missed = false;
  let reconnected = false;
  for (const collector of collectors) {
    if (collector.tier !== tier) continue;
    const { kind, error, reconnected: hasReconnected } = await runCollector(collector, run);
    if (kind === "lost" || kind === "silent") {
      return { kind: "unreachable", error: error ?? "no answer" };
    }
    missed ||= kind === "unasked" && run.readings[collector.name].unasked;
    answered ||= kind === "read" || kind === "refused";
    reconnected ||= hasReconnected === true;
  }
  return answered ? { kind: "answered", missed, reconnected } : { kind: "unasked", missed };
}
