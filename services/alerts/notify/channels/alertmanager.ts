import type { Alert, Severity } from "../../alert.ts";
import { type Format, jsonHeaders, runbookUrl, type Sender } from "./channel.ts";

/** Alertmanager resolves an alert that was not repeated for this long; Holdfast repeats each minute. */
const validMs = 600_000;

function entry(alert: Alert, severity: Severity, endsAt: string, sender: Sender) {
  const cure = alert.cure.map(({ sql }) => sql).join("\n").slice(0, 4_000);
  return {
    labels: {
      alertname: alert.rule,
      severity,
      service: "holdfast",
      ...(sender.database === undefined ? {} : { database: sender.database }),
      ...(alert.scope ? { scope: alert.scope } : {}),
      ...(alert.instance ? { instance: alert.instance } : {}),
    },
    annotations: {
      summary: alert.message,
      description: alert.cause,
      runbook_url: runbookUrl(sender, { alert }),
      ...(cure ? { cure } : {}),
    },
    startsAt: alert.started_at,
    endsAt,
    generatorURL: sender.url,
  };
}

/** Formats notices for API v2. Labels identify an alert: a changed severity ends one alert and begins another. */
export const formatAlertmanager: Format = (setting, { notices, now }, sender) => {
  const over = now.toISOString();
  const valid = new Date(now.getTime() + validMs).toISOString();
  const body = notices.flatMap(({ kind, alert }) => {
    const other = alert.severity === "critical" ? "warning" : "critical";
    if (kind === "resolved") {
      const ended = alert.resolved_at ?? over;
      // A change of severity that was silenced was not sent: either may be open.
      const severities = alert.peak_severity === "critical"
        ? [other, alert.severity] as const
        : [alert.severity];
      return severities.map((one) => entry(alert, one, ended < over ? ended : over, sender));
    }
    const present = entry(alert, alert.severity, valid, sender);
    const changed = kind === "escalated" || kind === "eased";
    return changed ? [entry(alert, other, over, sender), present] : [present];
  });
  const url = `${setting.url?.replace(/\/+$/, "")}/api/v2/alerts`;
  return [{ url, headers: jsonHeaders, body: JSON.stringify(body) }];
};
