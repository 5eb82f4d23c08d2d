import type { CollectorName } from "../../../db/collectors/list.ts";
import type { CollectorRows, IndexRow } from "../../../db/collectors/rows.ts";
import type { IndexReport } from "../diagnosis/indexes.ts";
import type { PerformanceMetrics } from "./derived.ts";
import type { StandbyState } from "../collect/standby_progress.ts";

export type Unit =
  | "ratio"
  | "seconds"
  | "milliseconds"
  | "bytes"
  | "bytes_per_second"
  | "bytes_per_day"
  | "per_second"
  | "per_minute"
  | "per_hour"
  | "count"
  | "flag";

/** A value of one thing of many, such as one slot. */
export interface Scoped {
  scope: string;
  value: number | null;
}

/** What signals are read from: rows that are fresh, and what was worked out between looks. */
export interface View {
  /** Rows of a collector; undefined when they are stale, missing or were never read. */
  rows<K extends CollectorName>(name: K): CollectorRows[K][] | undefined;
  /** Differences per second between the last two looks; undefined after a reset. */
  rate(name: "wal" | "archiver", column: string): number | undefined;
  /** Mean change per second over a while, by the name it was noted under. */
  slope(name: string): number | undefined;
  metrics: PerformanceMetrics;
  statements: { load: number | undefined; tracked: number; regressed: number };
  indexes: {
    all: IndexReport[];
    rows: IndexRow[];
    /** Whether a count of zero means that nothing reads an index: not on a standby, nor soon after its promotion. */
    countsWhole: boolean;
  } | undefined;
  /** Standbys that streamed within the last day, whether they do now or not. */
  standbys: string[];
  /** How this server replays, when it is a standby itself. */
  standby: StandbyState | undefined;
  /** Whether this role sees what other roles' sessions do. */
  seesAll: boolean;
  /** Collectors whose last question the server refused. */
  failing: string[];
  /** By how much Holdfast's clock is surely ahead of the server's (negative: behind), in milliseconds. */
  clockSkewMs: number | undefined;
  ownCost: { ratio: number | undefined; resting: number };
}

/** One thing that is watched, as data: its meaning, unit, source, and how it is read. */
export interface Signal {
  name: string;
  unit: Unit;
  collector: CollectorName;
  about: string;
  /** What each of its values is of, when there are many; at most 50 are kept. */
  of?: "slot" | "standby" | "archiver" | "table" | "sequence" | "collector";
  /** Where the least version is not that of its collector. */
  minVersion?: number;
  read(view: View): number | null | undefined | Scoped[];
}

/** One value with its name; null is unknown. */
export interface SignalValue {
  name: string;
  unit: Unit;
  scope: string;
  value: number | null;
}

const scopesMax = 50;

/** Reads every signal; what cannot be known is null, and so is what is no number. */
export function readSignals(signals: readonly Signal[], view: View): SignalValue[] {
  const known = (value: number | null | undefined) =>
    typeof value === "number" && Number.isFinite(value) ? value : null;
  return signals.flatMap(({ name, unit, of, read }): SignalValue[] => {
    const found = read(view);
    if (Array.isArray(found)) {
      return found.slice(0, scopesMax).map(({ scope, value }) => ({
        name,
        unit,
        scope,
        value: known(value),
      }));
    }
    // Of many things none is known: there is nothing to hang a value on.
    return of ? [] : [{ name, unit, scope: "", value: known(found) }];
  });
}

/** Names of the signals of many things, all of which are known at present. */
export function completeSignals(signals: readonly Signal[], view: View): string[] {
  // Which collectors fail is always known.
  return signals.filter(({ of, collector }) => of === "collector" || of && view.rows(collector))
    .map(({ name }) => name);
}
