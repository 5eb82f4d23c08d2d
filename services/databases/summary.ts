import { checksOf } from "../monitor/health/checks.ts";
import { type Check, roleOf } from "../monitor/health/status.ts";
import type { Snapshot, Status } from "../monitor/snapshot.ts";

/** What the overview says of one database; field names are those of the API. */
export interface DatabaseSummary {
  name: string;
  status: Status;
  /** null before the server was asked. */
  engine: "postgres" | "citus" | "timescaledb" | null;
  version: string | null;
  role: "primary" | "standby" | null;
  /** Why the status is not healthy, worst first. */
  reasons: string[];
  alerts_firing: number;
  /** Milliseconds since the server last answered; null before it did. */
  age_ms: number | null;
}

const severity: Record<Status, number> = { unhealthy: 0, unknown: 1, degraded: 2, healthy: 3 };
const reasonsMax = 5;

const worstFirst = (a: Check, b: Check) => severity[a.status] - severity[b.status];
const reasonOf = ({ name, detail }: Check) => `${name}: ${detail}`.slice(0, 300);

/** Sums up what is known of a database. `problem` is what keeps it from being ready, if anything does. */
export function summarise(
  name: string,
  snapshot: Snapshot,
  problem: Check | undefined,
): DatabaseSummary {
  const { checkedAt, now, firing } = snapshot;
  const server = snapshot.readings.server.value?.[0];
  const amiss = [...(problem ? [problem] : []), ...checksOf(snapshot)]
    .filter(({ status }) => status !== "healthy").sort(worstFirst);
  const status = problem && severity[problem.status] < severity[snapshot.status]
    ? problem.status
    : snapshot.status;
  return {
    name,
    status,
    engine: server?.engine ?? null,
    version: server?.version ?? null,
    role: roleOf(snapshot),
    // A check may not be known and the whole be well: what has not been read yet is no reason.
    reasons: status === "healthy" ? [] : amiss.slice(0, reasonsMax).map(reasonOf),
    alerts_firing: firing.length,
    age_ms: checkedAt === undefined ? null : Math.max(0, now - checkedAt),
  };
}

/** Orders an overview by trouble: the worst first, then by the number of alerts, then by name. */
export function byTrouble(a: DatabaseSummary, b: DatabaseSummary): number {
  return severity[a.status] - severity[b.status] || b.alerts_firing - a.alerts_firing ||
    (a.name < b.name ? -1 : 1);
}
