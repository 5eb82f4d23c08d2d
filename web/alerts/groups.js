// Many alerts of one rule as one line. Pure.

const RANK = { critical: 0, warning: 1, info: 2 };

/**
 * Groups alerts by rule: `{ rule, alerts, severity, critical, state, newest, acknowledged, silenced }`, newest first
 * within a group; groups with something critical first, then by their newest alert.
 */
export function groupAlerts(alerts) {
  const groups = new Map();
  for (const alert of alerts) {
    const rule = String(alert.rule ?? alert.alert_type ?? "alert");
    groups.set(rule, [...(groups.get(rule) ?? []), alert]);
  }
  return [...groups].map(([rule, members]) => {
    const sorted = members.toSorted((a, b) => rank(a) - rank(b) || began(b) - began(a));
    return {
      rule,
      alerts: sorted,
      severity: sorted[0].severity,
      state: sorted[0].state,
      critical: members.filter(({ severity }) => severity === "critical").length,
      newest: Math.max(...members.map(began)),
      acknowledged: members.every(({ acknowledged_at }) => acknowledged_at),
      silenced: members.every(({ silenced_by }) => silenced_by),
    };
  }).sort((a, b) => rank(a.alerts[0]) - rank(b.alerts[0]) || b.newest - a.newest);
}

const began = (alert) => Date.parse(alert.started_at) || 0;
const rank = (alert) =>
  (RANK[alert.severity] ?? 3) +
  (alert.state === "firing" ? 0 : alert.state === "pending" ? 10 : 20);

/** "sequence: 50, 5 critical", or the alert's own message when it is alone. */
export function groupWords(group) {
  if (group.alerts.length === 1) return String(group.alerts[0].message ?? group.rule);
  const critical = group.critical > 0 && group.critical < group.alerts.length
    ? `, ${group.critical} critical`
    : "";
  return `${group.rule}: ${group.alerts.length}${critical}`;
}
