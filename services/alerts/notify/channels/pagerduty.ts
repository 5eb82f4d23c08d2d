import { dedupKey, type Format, jsonHeaders, prefixOf, runbookUrl } from "./channel.ts";

const endpoint = "https://events.pagerduty.com/v2/enqueue";
const actions = { resolved: "resolve", acknowledged: "acknowledge" } as const;

/** Formats notices for Events API v2: one event per alert, with the same `dedup_key` from trigger to resolve. */
export const formatPagerDuty: Format = (setting, { notices }, sender) =>
  notices.map((notice) => {
    const { kind, alert } = notice;
    const event_action = kind === "resolved" || kind === "acknowledged" ? actions[kind] : "trigger";
    return {
      url: setting.url ?? endpoint,
      headers: jsonHeaders,
      body: JSON.stringify({
        routing_key: setting.secret,
        event_action,
        dedup_key: dedupKey(notice, sender.database).slice(0, 255),
        ...(event_action === "trigger"
          ? {
            links: [{ href: runbookUrl(sender, notice), text: "Runbook" }],
            payload: {
              summary: `${prefixOf(sender)}${alert.message}`.slice(0, 1_024),
              source: sender.instance,
              severity: alert.severity,
              timestamp: alert.started_at,
              component: alert.scope || "database",
              class: alert.rule,
              custom_details: {
                ...(sender.database === undefined ? {} : { database: sender.database }),
                value: alert.value,
                threshold: alert.threshold,
                cause: alert.cause,
                cure: alert.cure.slice(0, 5),
                evidence: alert.evidence,
              },
            },
          }
          : {}),
      }),
    };
  });
