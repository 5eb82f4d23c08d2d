import type { Alert } from "../alert.ts";
import type { Severity } from "../rules/rule.ts";

export type NoticeKind =
  | "fired"
  | "escalated"
  | "eased"
  | "acknowledged"
  | "reminder"
  | "resolved";

/** One thing that people are told about an alert. */
export interface Notice {
  kind: NoticeKind;
  alert: Alert;
}

export const rank: Record<Severity, number> = { warning: 1, critical: 2 };

/**
 * What is to be told of an alert now, from how it is and what was told before: so nothing is lost by a restart, and
 * nothing told twice. A muted alert is told once it is no longer muted; its end only if its beginning was. Pure.
 */
export function noticeDue(
  alert: Alert,
  { now, remindMs }: { now: number; remindMs: number },
): NoticeKind | undefined {
  if (alert.state === "resolved") return alert.notified_at === null ? undefined : "resolved";
  if (alert.state === "pending" || alert.silenced_by || alert.inhibited_by) return undefined;
  if (alert.notified_at === null || alert.notified_severity === null) return "fired";
  if (alert.severity !== alert.notified_severity) {
    return rank[alert.severity] > rank[alert.notified_severity] ? "escalated" : "eased";
  }
  const due = remindMs > 0 && Math.abs(now - Date.parse(alert.notified_at)) >= remindMs;
  return due && alert.acknowledged_at === null ? "reminder" : undefined;
}

/** The alert as it stands once that was told. */
export const told = (alert: Alert, now: number): Alert => ({
  ...alert,
  notified_at: new Date(now).toISOString(),
  notified_severity: alert.severity,
});
