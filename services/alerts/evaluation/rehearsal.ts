import { calm, type RuleState, step } from "./step.ts";
import { messageFor, type Rule, type Severity } from "../rules/rule.ts";

/** One stored value of a metric, or the mean of a span with its bounds. `ts` is milliseconds since 1970. */
export interface SamplePoint {
  ts: number;
  value: number | null;
  min?: number | null;
  max?: number | null;
}

/** Whoever keeps history: points oldest first, about one per `stepMs`; undefined for what was never kept. */
export interface SampleReader {
  read(
    metric: string,
    scope: string,
    from: number,
    to: number,
    stepMs: number,
  ): Promise<readonly SamplePoint[] | undefined>;
}

export interface RehearsedFiring {
  started_at: string;
  fired_at: string;
  resolved_at: string | null;
  severity: Severity;
  worst_value: number;
  message: string;
}

export interface Rehearsal {
  rule: string;
  scope: string;
  from: string;
  to: string;
  /** First and last stored value; null when there is none. */
  known_from: string | null;
  known_to: string | null;
  points: number;
  /** Time within what is known for which there is no value. */
  unknown_seconds: number;
  would_have_fired: number;
  /** Firings, worsenings, easings and ends: what channels would have been told, reminders aside. */
  notices: number;
  firings: RehearsedFiring[];
  summary: string;
}

const iso = (ms: number) => new Date(ms).toISOString();

/** The distance that most neighbours have; where it is three times as long, nobody looked. */
function usualGap(points: readonly SamplePoint[]): number {
  const gaps = points.slice(1).map(({ ts }, at) => ts - (points[at]?.ts ?? ts)).sort((a, b) =>
    a - b
  );
  return gaps[Math.floor(gaps.length / 2)] ?? 0;
}

/** Of a span the bound that is worse for this rule: a mean would hide a short spell. */
function worstOf(rule: Rule, { value, min, max }: SamplePoint): number | null {
  return (rule.direction === "above" ? max : min) ?? value;
}

/** Points with an unknown one wherever nobody looked. */
function withHoles(points: readonly SamplePoint[]): SamplePoint[] {
  const usual = usualGap(points);
  return points.flatMap((point, at) => {
    const before = points[at - 1];
    const hole = before && usual > 0 && point.ts - before.ts > 3 * usual;
    return hole ? [{ ts: before.ts + usual, value: null }, point] : [point];
  });
}

/** What a rule would have done over stored values: the engine itself, run over the past. Pure. */
export function rehearse(
  rule: Rule,
  scope: string,
  points: readonly SamplePoint[],
  { from, to }: { from: number; to: number },
): Rehearsal {
  const firings: RehearsedFiring[] = [];
  let state: RuleState = calm;
  let notices = 0;
  let unknownMs = 0;
  const walked = withHoles(points);
  walked.forEach((point, at) => {
    const value = worstOf(rule, point);
    if (value === null) unknownMs += (walked[at + 1]?.ts ?? point.ts) - point.ts;
    const result = step({ ...rule, enabled: true }, state, value, point.ts);
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

/** Points asked of history for a rehearsal: enough to see what a rule's shortest wait sees, not more. */
const pointsMax = 20_000;

export const stepFor = (from: number, to: number): number =>
  Math.max(1_000, Math.ceil((to - from) / pointsMax));
