import type { Alert, Severity } from "../alert.ts";

export const noticeKinds = [
  "fired",
  "escalated",
  "eased",
  "acknowledged",
  "reminder",
  "resolved",
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** A notification about one alert. */
export interface Notice {
  kind: NoticeKind;
  alert: Alert;
}

/** Orders severities. */
export const rank: Record<Severity, number> = { warning: 1, critical: 2 };

/**
 * Returns the kind of notice that is due for an alert now. It follows from the alert and the last notice alone, so a
 * restart neither loses nor repeats a notice. A muted alert is due when it is no longer muted; the end of an alert is due
 * only if its beginning was sent. Pure.
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

/** Returns an alert after a notice of it was sent at `now` (ms since 1970). */
export const afterNotice = (alert: Alert, now: number): Alert => ({
  ...alert,
  notified_at: new Date(now).toISOString(),
  notified_severity: alert.severity,
});
