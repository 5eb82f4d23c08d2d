import { createRoute, z } from "@hono/zod-openapi";
import type { Config, SettingName } from "../../config/config.ts";
import { settings } from "../../config/settings.ts";
import { createRouter, jsonAnswer, nextCursor } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const SettingList = z.object({
  settings: z.array(z.object({
    name: z.string(),
    value: z.string().nullable().openapi({
      description: "Value as JSON; null: not set, or hidden because it may hold a secret",
    }),
    default: z.string().nullable().openapi({ description: "Default as JSON; null: none" }),
    source: z.enum(["default", "set"]),
    hidden: z.boolean(),
    about: z.string(),
    allowed: z.string(),
  })),
  next_cursor: nextCursor,
}).openapi("SettingList");

const listRoute = createRoute({
  method: "get",
  path: "/api/settings",
  tags: ["diagnosis"],
  operationId: "listSettings",
  summary: "Settings in force with their defaults; secrets are hidden",
  request: { query: wholeListQuery() },
  responses: { 200: jsonAnswer(SettingList, "All settings") },
});

/** Names of settings that may hold a secret, whatever their definition says. */
const mayHoldSecret = /(^|_)(URL|TOKEN|SECRET|KEY|PASSWORD|CHANNELS|HEADERS)(_|$)/;

/** Returns every setting with its value in force. Pure. */
export function settingsReport(config: Config): z.infer<typeof SettingList>["settings"] {
  const text = (value: unknown) => value === undefined ? null : JSON.stringify(value) ?? null;
  return (Object.keys(settings) as SettingName[]).map((name) => {
    const { schema, about, allowed, secret } = settings[name];
    const parsed = schema.safeParse(undefined);
    const usual = parsed.success ? text(parsed.data) : null;
    const value = text(config[name]);
    const hidden = secret === true || mayHoldSecret.test(name);
    return {
      name,
      value: hidden ? null : value,
      default: usual,
      source: value === usual ? "default" as const : "set" as const,
      hidden: hidden && value !== null,
      about,
      allowed,
    };
  });
}

export function settingRoutes({ config }: { config: Config }) {
  const router = createRouter();
  router.openapi(listRoute, (c) => {
    const { rows, next_cursor } = pageOf(settingsReport(config), {
      list: "settings",
      ...c.req.valid("query"),
      keyOf: ({ name }) => name,
    });
    return c.json({ settings: rows, next_cursor }, 200);
  });
  return router;
}
