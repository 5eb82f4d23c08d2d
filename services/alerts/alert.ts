import type { Cure, Severity } from "./rules/rule.ts";

/** One alert from its first bad value to its end, as the API and the WebSocket show it. Times are RFC 3339. */
export interface Alert {
  id: string;
  rule: string;
  alert_type: string;
  severity: Severity;
  /** The worst it has been. */
  peak_severity: Severity;
  state: "pending" | "firing" | "resolved";
  message: string;
  value: number | null;
  threshold: number | null;
  scope: string;
  /** The Holdfast that sees it, when others do not; empty for what all see alike. */
  instance: string;
  started_at: string;
  resolved_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  /** It fired so often lately that it stays open until it has been quiet for long. */
  flapping: boolean;
  /** Since when its value has not been known: it can neither end nor change. */
  unknown_since: string | null;
  /** Id of the silence that keeps it from the channels. */
  silenced_by: string | null;
  /** Rule of the alert it follows from, which is told in its stead. */
  inhibited_by: string | null;
  /** When channels were last told. */
  notified_at: string | null;
  notified_severity: Severity | null;
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
  /** Where the value is not known: what it is at least. Enough to fire, and to end what fired by it; never to be well. */
  floor?: number | undefined;
}

/** Where one stands in the books: an alert is open once per rule and scope. */
export const keyOf = (rule: string, scope: string) => `${rule}\n${scope}`;
