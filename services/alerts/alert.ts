import type { Cure, Severity } from "./rule.ts";

/** One alert from its first bad value to its end, as the API and the WebSocket show it. Times are RFC 3339. */
export interface Alert {
  id: string;
  rule: string;
  alert_type: string;
  severity: Severity;
  state: "firing" | "resolved";
  message: string;
  value: number | null;
  threshold: number | null;
  scope: string;
  started_at: string;
  resolved_at: string | null;
  acknowledged_at: string | null;
  evidence: Evidence[];
  cause: string;
  cure: readonly Cure[];
}

/** A fact that supports an alert: a figure, or a row that was seen. */
export interface Evidence {
  name: string;
  value: unknown;
}

/** A value that rules judge: of the whole server (scope "") or of one table. */
export interface MetricValue {
  metric: string;
  scope: string;
  value: number | null;
}
