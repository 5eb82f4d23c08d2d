import type { Alert } from "../alert.ts";

/** While `source` fires, what follows from it is not told by itself. */
interface Inhibition {
  source: string;
  /** Rules that follow from it; "all" but the source. */
  targets: readonly string[] | "all";
  /** Only where both have the same scope. */
  sameScope: boolean;
}

export const inhibitions: readonly Inhibition[] = [
  { source: "database_down", targets: "all", sameScope: false },
  { source: "disk_full", targets: ["write_failing", "write_slow"], sameScope: false },
  {
    source: "slot_lost",
    targets: ["slot_inactive", "slot_retained", "slot_safe"],
    sameScope: true,
  },
  { source: "standby_missing", targets: ["replication_lag", "replication_delay"], sameScope: true },
  { source: "standby_cut", targets: ["standby_delay"], sameScope: false },
  { source: "wraparound", targets: ["wraparound_soon"], sameScope: false },
  { source: "connection_pool", targets: ["pool_wait"], sameScope: false },
  { source: "lock_wait", targets: ["blocked_sessions"], sameScope: false },
];

/** The rule among those that fire from which this alert follows; undefined when it stands by itself. Pure. */
export function inhibitedBy(alert: Alert, firing: readonly Alert[]): string | undefined {
  return inhibitions.find(({ source, targets, sameScope }) =>
    source !== alert.rule && (targets === "all" || targets.includes(alert.rule)) &&
    firing.some((other) =>
      other.rule === source && other.state === "firing" &&
      (!sameScope || other.scope === alert.scope)
    )
  )?.source;
}
