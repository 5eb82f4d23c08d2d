import { z } from "zod";
import { channels } from "./channels.ts";
import { setting, whole } from "./definition.ts";

/** Settings of alert notifications. */
export const alertSettings = {
  HOLDFAST_CHANNELS: setting(
    channels,
    'a JSON array of channels such as [{"name": "ops", "type": "webhook", "url": "https://…", "secret": "…"}], each name once',
    "Channels that alerts are sent to. The types are webhook, slack, pagerduty (its `secret` is the routing key) and alertmanager. See [alerts](alerts.md#channels).",
    true,
  ),
  HOLDFAST_PUBLIC_URL: setting(
    z.url({ protocol: /^https?$/ }).regex(/^[^/]*\/\/[^/?#@]+\/?$/).optional(),
    "an address such as https://holdfast.example: http or https, without user, path and query",
    "Address at which people reach Holdfast, for example that of a proxy. Notifications link to the runbook there. If unset: http, `HOST` (the machine's name, if Holdfast listens on all addresses) and `PORT`.",
  ),
  HOLDFAST_ALERTS_REMIND_SECONDS: setting(
    whole(0, 604_800).default(3_600),
    "seconds from 0 to 604800 (0: never)",
    "Interval at which a notification is repeated while its alert fires and is not acknowledged.",
  ),
  HOLDFAST_ALERTS_FLAP_FIRINGS: setting(
    whole(0, 1_000).default(4),
    "a whole number from 0 to 1000 (0: never)",
    "Number of firings of one rule and scope within an hour that count as flapping. A flapping alert stays open until its value has been clear for 15 minutes.",
  ),
  HOLDFAST_INSTANCE: setting(
    z.string().regex(/^[\w.:-]{1,80}$/).optional(),
    "up to 80 letters, digits and . : _ -",
    "Name of this instance among those on the same database. If unset: host name and port.",
  ),
} as const;
