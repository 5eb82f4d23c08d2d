import { z } from "zod";

/** Says whether a key in base64, as standardwebhooks.com writes it, can be decoded; any other key is text. */
const isKey = (secret: string) =>
  !secret.startsWith("whsec_") ||
  /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/.test(secret.slice(6));

/** Where alerts are sent. Set by whoever starts Holdfast and by nobody else: it posts to these addresses. */
const channel = z.strictObject({
  name: z.string().regex(/^(?!(websocket|log)$)[a-z0-9][a-z0-9_-]{0,39}$/),
  type: z.enum(["webhook", "slack", "pagerduty", "alertmanager"]),
  url: z.string().regex(/^https?:\/\/./).refine((url) => URL.canParse(url)).optional(),
  secret: z.string().min(8).refine(isKey).optional(),
  min_severity: z.enum(["warning", "critical"]).default("warning"),
  rules: z.array(z.string().trim().min(1)).optional(),
}).refine(({ type, url }) => url !== undefined || type === "pagerduty")
  .refine(({ type, secret }) =>
    secret !== undefined || type === "slack" || type === "alertmanager"
  );
export type ChannelSetting = z.output<typeof channel>;

/** A JSON array, from the environment as text; each name once. */
export const channels = z.preprocess(
  (value) => typeof value === "string" ? JSON.parse(value) : value,
  z.array(channel).max(20).refine((all) =>
    new Set(all.map(({ name }) => name)).size === all.length
  ),
).default([]);
