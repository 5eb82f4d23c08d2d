import { z } from "zod";
import { calm, type RuleState, step } from "./step.ts";
import { Severity, Time } from "../alert.ts";
import { messageFor, type Rule } from "../rules/rule.ts";

/** One stored value of a metric, or the mean of a span with its bounds. `ts` is milliseconds since 1970. */
export interface SamplePoint {
  ts: number;
  value: number | null;
  min?: number | null;
  max?: number | null;
}

/** Reads stored values, oldest first, about one per `stepMs`, or each where that is 0; undefined for a metric that is not stored. */
export interface SampleReader {
  read(
    metric: string,
    scope: string,
    from: number,
    to: number,
    stepMs: number,
  ): Promise<readonly SamplePoint[] | undefined>;
}

export const RehearsedFiring = z.object({
  started_at: Time,
  fired_at: Time,
  resolved_at: Time.nullable(),
  severity: Severity,
  worst_value: z.number(),
  message: z.string(),
});
export type RehearsedFiring = z.infer<typeof RehearsedFiring>;

/** What a rule would have done over stored values. */
export const Rehearsal = z.object({
  rule: z.string(),
  scope: z.string(),
  from: Time,
  to: Time,
  known_from: Time.nullable().meta({ description: "The first stored value; null for none" }),
  known_to: Time.nullable().meta({ description: "The last stored value; null for none" }),
  points: z.int(),
  unknown_seconds: z.int().meta({
    description: "Time without a value between the first and the last one",
  }),
  would_have_fired: z.int(),
  notices: z.int().meta({
    description: "Number of notifications that channels would have got, without reminders",
  }),
  firings: z.array(RehearsedFiring),
  summary: z.string().meta({ example: "would have fired 3 times between … and …" }),
});
export type Rehearsal = z.infer<typeof Rehearsal>;

const iso = (ms: number) => new Date(ms).toISOString();

/** Returns the usual distance of two points (ms); three times as much is a gap in the monitoring. */
function usualGap(points: readonly SamplePoint[]): number {
  const gaps = points.slice(1).map(({ ts }, at) => ts - (points[at]?.ts ?? ts)).sort((a, b) =>
    a - b
  );
  return gaps[Math.floor(gaps.length / 2)] ?? 0;
}

/** Returns the worse bound of a span for this rule: a mean would hide a short excess. */
function worstOf(rule: Rule, { value, min, max }: SamplePoint): number | null {
  return (rule.direction === "above" ? max : min) ?? value;
}

/** Returns the points with an unknown one in each gap. */
function withGaps(points: readonly SamplePoint[]): SamplePoint[] {
  const usual = usualGap(points);
  return points.flatMap((point, at) => {
    const before = points[at - 1];
    const gap = before && usual > 0 && point.ts - before.ts > 3 * usual;
    return gap ? [{ ts: before.ts + usual, value: null }, point] : [point];
  });
}

/** Returns what a rule would have done over stored values: it steps the rule through them. Pure. */
export function rehearse(
  rule: Rule,
  scope: string,
  points: readonly SamplePoint[],
  { from, to, flapFirings }: {
    from: number;
    to: number;
    /** Firings within an hour that are flapping; 0 for never. */
    flapFirings?: number | undefined;
  },
): Rehearsal {
  const firings: RehearsedFiring[] = [];
  let state: RuleState = calm;
  let notices = 0;
  let unknownMs = 0;
  const all = withGaps(points);
  all.forEach((point, at) => {
    const value = worstOf(rule, point);
    if (value === null) unknownMs += (all[at + 1]?.ts ?? point.ts) - point.ts;
    const result = step({ ...rule, enabled: true }, state, value, point.ts, flapFirings);
    state = result.state;
    const { transition } = result;
    if (transition) notices++;
    if (value === null) return;
    if (transition?.kind === "fired") {
      firings.push({
        started_at: iso(transition.since),
        fired_at: iso(point.ts),
        resolved_at: null,
        severity: transition.severity,
        worst_value: value,
        message: messageFor(rule, value, scope),
      });
    }
    const last = firings.at(-1);
    if (!last || last.resolved_at !== null) return;
    if (transition?.kind === "resolved") last.resolved_at = iso(point.ts);
    if (transition?.kind === "escalated") last.severity = "critical";
    const worse = rule.direction === "above" ? value > last.worst_value : value < last.worst_value;
    if (worse) {
      last.worst_value = value;
      last.message = messageFor(rule, value, scope);
    }
  });
  const [first, last] = [points[0], points.at(-1)];
  const times = firings.length === 1 ? "once" : `${firings.length} times`;
  return {
    rule: rule.name,
    scope,
    from: iso(from),
    to: iso(to),
    known_from: first ? iso(first.ts) : null,
    known_to: last ? iso(last.ts) : null,
    points: points.length,
    unknown_seconds: Math.round(unknownMs / 1000),
    would_have_fired: firings.length,
    notices,
    firings: firings.slice(0, 200),
    summary: first && last
      ? `would have fired ${times} between ${iso(first.ts)} and ${iso(last.ts)}`
      : "nothing is stored of this metric in that time",
  };
}

/** Points of a rehearsal at most. */
const pointsMax = 20_000;

/**
 * Returns the distance of points for a rehearsal (ms); 0 for values as measured, where one a second is not too many. A span
 * of two values would hide that one of them was clear.
 */
export function stepFor(from: number, to: number): number {
  const step = Math.ceil((to - from) / pointsMax);
  return step > 1_000 ? step : 0;
}
