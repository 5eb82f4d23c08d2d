import type { CollectorName, CollectorRows } from "../../../db/collectors/list.ts";
import type { JudgedIndexes } from "../diagnosis/index_judge.ts";
import type { DiskSpace } from "../collect/disk.ts";
import type { PerformanceMetrics } from "./derived.ts";
import type { JudgedTable } from "../unmanaged/unmanaged.ts";
import type { StandbyState } from "../observations/standby_progress.ts";

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

/** A value of one object, such as one slot. */
export interface Scoped {
  scope: string;
  value: number | null;
}

/** What signals are read from: fresh rows, and what was worked out from several readings. */
export interface View {
  /** Rows of a collector; undefined when they are stale, missing or were never read. */
  rows<K extends CollectorName>(name: K): CollectorRows[K][] | undefined;
  /** Change per second between the last two readings of a counter that a `RateSource` names; undefined after a reset. */
  rate(collector: CollectorName, column: string): number | undefined;
  /** Mean change per second of a point that a `TrendSource` names; undefined while there are too few readings. */
  slope(name: string): number | undefined;
  metrics: PerformanceMetrics;
  /** `load`: milliseconds of statement time per second. */
  statements: { load: number | undefined; tracked: number; regressed: number };
  indexes: JudgedIndexes | undefined;
  /** Range-partitioned tables without a policy; undefined while they or the policies are not known. */
  unmanaged: readonly JudgedTable[] | undefined;
  /** Standbys that streamed within the last day, whether they do now or not. */
  standbys: string[];
  /** How this server replays, when it is a standby itself. */
  standby: StandbyState | undefined;
  /** Whether this role sees what other roles' sessions do. */
  seesAll: boolean;
  /** Collectors whose last query the server refused. */
  failing: string[];
  /** Space on the server's disk; undefined where it is not visible, or was not read of late. */
  disk: DiskSpace | undefined;
  /** How far Holdfast's clock is ahead of the server's (negative: behind), in milliseconds. */
  clockSkewMs: number | undefined;
  ownCost: { ratio: number | undefined; resting: number };
}

/** Values of a collector whose mean change signals read with `view.slope`. */
export interface TrendSource {
  collector: CollectorName;
  /** The span of the mean; milliseconds. */
  windowMs: number;
  points(view: Pick<View, "rows">): readonly TrendPoint[] | undefined;
}

/** One value of a trend. A counter starts over when it falls; every trend starts over with another `epoch`. */
export interface TrendPoint {
  name: string;
  value: number;
  counter?: boolean;
  epoch?: unknown;
}

/** One watched value, as data: its meaning, unit, source, and how it is read. */
export interface Signal {
  name: string;
  unit: Unit;
  collector: CollectorName;
  about: string;
  /** What its values are about, when there is one value per object; at most 50 are kept. */
  of?: "slot" | "standby" | "archiver" | "table" | "sequence" | "collector" | "node" | "job";
  /** The lowest server_version_num, where it differs from its collector's. */
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

/** Returns the value of every signal; null is unknown or not a finite number. Pure. */
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
    // Without rows there are no objects to give a value to.
    return of ? [] : [{ name, unit, scope: "", value: known(found) }];
  });
}

/**
 * Returns an unknown value for each object beyond those whose values `readSignals` returns: it exists, so that an alert about
 * it does not end. Pure.
 */
export function readLeftOut(signals: readonly Signal[], view: View): SignalValue[] {
  return signals.flatMap(({ name, unit, of, read }): SignalValue[] => {
    const found = of && read(view);
    if (!Array.isArray(found)) return [];
    return found.slice(scopesMax).map(({ scope }) => ({ name, unit, scope, value: null }));
  });
}

/** Returns the names of the signals of many objects for which every object is known at present. Pure. */
export function completeSignals(signals: readonly Signal[], view: View): string[] {
  return signals.filter(({ of, read }) => of && Array.isArray(read(view))).map(({ name }) => name);
}
