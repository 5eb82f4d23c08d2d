import { createRandom, type Random } from "../../../services/benchmarks/measuring/random.ts";
import {
  rehearse,
  type RehearsedFiring,
  type SamplePoint,
} from "../../../services/alerts/evaluation/rehearsal.ts";
import { messageFor, type Rule } from "../../../services/alerts/rules/rule.ts";

const hourMs = 3_600_000;
const hoursPerDay = 24;
const secondsPerDay = 86_400;
const int4Max = 2 ** 31 - 1;

/** A database on its first day, how it grows, and what goes wrong on which day. Figures that a reader may replace. */
export interface Growth {
  seed: number;
  days: number;
  ticksPerDay: number;
  /** Growth of ticks and clients in 30 days: 0.1 is 10 %. */
  monthlyGrowth: number;
  /** Busiest hour as a multiple of the mean. */
  peakFactor: number;
  /** Heap and indexes of a tick, and the WAL that it writes. */
  bytesPerTick: number;
  walBytesPerTick: number;
  ticksPerTransaction: number;
  /** Ticks a second at which writes saturate, and the time of one write without a queue. */
  ticksPerSecondMax: number;
  writeMs: number;
  clients: number;
  connectionsMax: number;
  /** Memory for caching, and how many days queries read. */
  cacheBytes: number;
  daysRead: number;
  /** Rows a day in a table whose key is an int4 sequence. */
  sequenceRowsPerDay: number;
  premakeDays: number;
  /** A session holds the xmin horizon from its first day on; vacuum freezes nothing until it ends. */
  horizonHeld: Outage;
  rotationStops: Outage;
  backupsFail: Outage;
  slotAbandoned: Outage;
}

/** Something that begins on a day (from 1) and is repaired after so many days. */
export interface Outage {
  day: number;
  days: number;
}

/** The figures that `deno task simulate` begins with. */
export const defaultGrowth: Growth = {
  seed: 1,
  days: 365,
  ticksPerDay: 60_000_000,
  monthlyGrowth: 0.12,
  peakFactor: 4,
  bytesPerTick: 104,
  walBytesPerTick: 130,
  ticksPerTransaction: 100,
  ticksPerSecondMax: 12_000,
  writeMs: 5,
  clients: 40,
  connectionsMax: 100,
  cacheBytes: 24 * 2 ** 30,
  daysRead: 2,
  sequenceRowsPerDay: 4_000_000,
  premakeDays: 7,
  horizonHeld: { day: 60, days: 30 },
  rotationStops: { day: 120, days: 6 },
  backupsFail: { day: 180, days: 5 },
  slotAbandoned: { day: 240, days: 4 },
};

const freezeMaxAge = 200_000_000;
const wraparoundAge = 2_000_000_000;
const backupEverySeconds = secondsPerDay;

/** Returns how long an outage has lasted at a time (days from 0); undefined while it does not. */
function lasting({ day, days }: Outage, at: number): number | undefined {
  const since = at - (day - 1);
  return since >= 0 && since < days ? since : undefined;
}

/** Returns the load of an hour as a multiple of the day's mean: a session of eight hours, and noise of 10 %. */
function loadOf(hour: number, peakFactor: number, random: Random): number {
  const inSession = hour >= 13 && hour < 21;
  const rest = Math.max(0, (hoursPerDay - 8 * peakFactor * 0.7) / 16);
  const shape = hour === 13 ? peakFactor : inSession ? peakFactor * 0.66 : rest;
  return shape * (0.95 + 0.1 * random.next());
}

interface Accumulated {
  sequence: number;
  xidAge: number;
  horizonAge: number;
  slotBytes: number;
}

/** Returns the values of all metrics in one hour. `at` is in days. */
function valuesAt(growth: Growth, at: number, load: number, kept: Accumulated) {
  const scale = (1 + growth.monthlyGrowth) ** (at / 30);
  const ticksPerSecond = growth.ticksPerDay * scale * load / secondsPerDay;
  const busy = Math.min(0.999, ticksPerSecond / growth.ticksPerSecondMax);
  const sequencePerSecond = growth.sequenceRowsPerDay * scale / secondsPerDay;
  const xidsPerSecond = ticksPerSecond / growth.ticksPerTransaction;
  const dayBytes = growth.ticksPerDay * scale * growth.bytesPerTick;
  const stopped = lasting(growth.rotationStops, at);
  const failing = lasting(growth.backupsFail, at);
  const abandoned = lasting(growth.slotAbandoned, at);
  const walPerSecond = ticksPerSecond * growth.walBytesPerTick;
  kept.sequence = Math.min(int4Max, kept.sequence + sequencePerSecond * 3_600);
  const held = lasting(growth.horizonHeld, at) !== undefined;
  kept.horizonAge = held ? kept.horizonAge + xidsPerSecond * 3_600 : 0;
  kept.xidAge += xidsPerSecond * 3_600;
  kept.slotBytes = abandoned === undefined ? 0 : kept.slotBytes + walPerSecond * 3_600;
  if (!held && kept.xidAge > freezeMaxAge) kept.xidAge = freezeMaxAge / 4;
  return {
    connections_utilization: Math.min(
      1,
      growth.clients * scale * (0.6 + 0.4 * Math.min(1, load / growth.peakFactor)) /
        growth.connectionsMax,
    ),
    cache_hit_ratio: Math.min(0.998, growth.cacheBytes / (dayBytes * growth.daysRead)),
    // The wait of a queue with one server (M/M/1): service time / (1 - utilization).
    canary_ms: growth.writeMs / (1 - busy),
    wal_bytes_per_second: walPerSecond,
    sequence_used_ratio: kept.sequence / int4Max,
    sequence_left_seconds: (int4Max - kept.sequence) / sequencePerSecond,
    xid_age: Math.round(kept.xidAge),
    wraparound_seconds: (wraparoundAge - kept.xidAge) / Math.max(1, xidsPerSecond),
    xmin_horizon_age: Math.round(kept.horizonAge),
    longest_transaction_seconds: (lasting(growth.horizonHeld, at) ?? 0) * secondsPerDay,
    partition_runway_seconds: (growth.premakeDays - (stopped ?? 0)) * secondsPerDay,
    backup_age_seconds: (failing ?? 0) * secondsPerDay + at % 1 * backupEverySeconds,
    slot_inactive_seconds: (abandoned ?? 0) * secondsPerDay,
    slot_retained_bytes: kept.slotBytes,
  };
}

export type Metric = keyof ReturnType<typeof valuesAt>;

/** Returns each metric every half hour; `ts` is milliseconds since the first day. Pure: the seed decides the noise. */
export function growMetrics(growth: Growth): Map<Metric, SamplePoint[]> {
  const random = createRandom(growth.seed);
  const series = new Map<Metric, SamplePoint[]>();
  const kept: Accumulated = { sequence: 0, xidAge: 0, horizonAge: 0, slotBytes: 0 };
  for (let hour = 0; hour < growth.days * hoursPerDay; hour++) {
    const load = loadOf(hour % hoursPerDay, growth.peakFactor, random);
    const values = valuesAt(growth, hour / hoursPerDay, load, kept);
    for (const [metric, value] of Object.entries(values) as [Metric, number][]) {
      const points = series.get(metric) ?? [];
      if (points.length === 0) series.set(metric, points);
      // Each hour's value twice: a rule that must hold for a minute fires in the hour in which it holds.
      points.push({ ts: hour * hourMs, value }, { ts: (hour + 0.5) * hourMs, value });
    }
  }
  return series;
}

/** When a rule would have fired. Days count from 1. */
export interface SimulatedRule {
  rule: string;
  metric: Metric;
  /** Days on which it first fired at all, and first as critical. */
  warningDay: number | undefined;
  criticalDay: number | undefined;
  firings: number;
  /** What the first notification would have said. */
  firstMessage: string;
}

const dayOf = (firing: RehearsedFiring | undefined) =>
  firing && Math.floor(Date.parse(firing.fired_at) / hourMs / hoursPerDay) + 1;

function firstMessageOf(
  rule: Rule,
  points: readonly SamplePoint[],
  firing: RehearsedFiring | undefined,
): string {
  if (!firing) return "";
  const firedAt = Date.parse(firing.fired_at);
  const value = points.find(({ ts }) => ts === firedAt)?.value;
  return messageFor(rule, value ?? firing.worst_value, "");
}

/** Returns the first day on which a rule without its warning level fires. */
function criticalDayOf(rule: Rule, points: readonly SamplePoint[], to: number): number | undefined {
  if (rule.critical === null) return undefined;
  const { firings } = rehearse({ ...rule, warning: null }, "", points, { from: 0, to });
  return dayOf(firings[0]);
}

/** Steps the rules through a simulated year, hour by hour; returns those whose metric is simulated, the earliest first. Pure. */
export function simulateGrowth(growth: Growth, rules: readonly Rule[]): SimulatedRule[] {
  const series = growMetrics(growth);
  const to = growth.days * hoursPerDay * hourMs;
  const simulated = rules.flatMap((rule): SimulatedRule[] => {
    const points = series.get(rule.metric as Metric);
    if (!points) return [];
    const { firings } = rehearse(rule, "", points, { from: 0, to });
    return [{
      rule: rule.name,
      metric: rule.metric as Metric,
      warningDay: dayOf(firings[0]),
      criticalDay: criticalDayOf(rule, points, to),
      firings: firings.length,
      firstMessage: firstMessageOf(rule, points, firings[0]),
    }];
  });
  return simulated.sort((a, b) => (a.warningDay ?? Infinity) - (b.warningDay ?? Infinity));
}
