import { z } from "zod";
import { channels } from "./channels.ts";
import { setting, whole } from "./definition.ts";

/** Settings of alert notifications. */
export const alertSettings = {
  HOLDFAST_CHANNELS: setting(
    channels,
    'a JSON array of channels such as [{"name": "ops", "type": "webhook", "url": "https://…", "secret": "…"}], each name once',
    "Where alerts are sent: webhook, slack, pagerduty (its `secret` is the routing key), alertmanager. See [alerts](alerts.md).",
    true,
  ),
  HOLDFAST_ALERTS_REMIND_SECONDS: setting(
    whole(0, 604_800).default(3_600),
    "seconds from 0 to 604800 (0: never)",
    "How often a notification is repeated while an alert fires and nobody has acknowledged it.",
  ),
  HOLDFAST_ALERTS_FLAP_FIRINGS: setting(
    whole(0, 1_000).default(4),
    "a whole number from 0 to 1000 (0: never)",
    "Firings of one rule and scope within an hour that count as flapping: it then stays open until it was quiet for 15 minutes.",
  ),
  HOLDFAST_INSTANCE: setting(
    z.string().regex(/^[\w.:-]{1,80}$/).optional(),
    "up to 80 letters, digits and . : _ -",
    "Name of this Holdfast among those that watch the same database. Without it: host name and port.",
  ),
} as const;
