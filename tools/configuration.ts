import type { SettingName } from "../config.ts";
import { settings } from "../settings.ts";
import { buildRules } from "../services/alerts/rules.ts";

function defaultOf(name: SettingName): string {
  const parsed = settings[name].schema.safeParse(undefined);
  const value: unknown = parsed.success ? parsed.data : undefined;
  if (value === undefined) return "none";
  if (Array.isArray(value) && value.length === 0) return "none";
  return `\`${typeof value === "object" ? JSON.stringify(value) : String(value)}\``;
}

/** docs/configuration.md, from the schema of the settings and the shipped rules. */
export function renderConfiguration(): string {
  const rows = (Object.keys(settings) as SettingName[]).map((name) =>
    `| \`${name}\` | ${defaultOf(name)} | ${settings[name].about} Allowed: ${
      settings[name].allowed
    }. |`
  );
  const rules = buildRules("production", []).map((rule) =>
    `| \`${rule.name}\` | ${rule.title} | ${rule.warning ?? "–"} | ${
      rule.critical ?? "–"
    } | ${rule.clear} | ${rule.for_seconds} |`
  );
  return `# Configuration

<!-- Generated from config.ts and services/alerts/rules.ts by \`deno task openapi\`; do not edit. -->

Settings come from the environment. \`HOLDFAST_CONFIG\` may name a JSON file with the same names; the environment
wins over it. A bad value stops the start with one line that names the setting, the value and what is allowed.

| setting | default | what it does |
| --- | --- | --- |
${rows.join("\n")}

## Alert levels

Every level of every rule can be set as \`HOLDFAST_ALERT_<RULE>_<LEVEL>\`, where the level is \`WARNING\`, \`CRITICAL\`,
\`CLEAR\`, \`FOR_SECONDS\`, \`KEEP_FIRING_SECONDS\`, \`COOLDOWN_SECONDS\` or \`ENABLED\`; for example
\`HOLDFAST_ALERT_CONNECTION_POOL_WARNING=0.5\`. At run time, \`PUT /api/alerts/rules\` does the same, and lasts.
These are production's levels; \`HOLDFAST_PROFILE\` development and staging wait less and tolerate longer transactions.

| rule | meaning | warning | critical | clear | for, seconds |
| --- | --- | --- | --- | --- | --- |
${rules.join("\n")}
`;
}

if (import.meta.main) {
  await Deno.writeTextFile(
    new URL("../docs/configuration.md", import.meta.url),
    renderConfiguration(),
  );
}
