import type { SettingName } from "../config/config.ts";
import { parameters } from "../db/address/parameters.ts";
import { settings } from "../config/settings.ts";
import { buildRules } from "../services/alerts/rules/overrides.ts";

function defaultOf(name: SettingName): string {
  const parsed = settings[name].schema.safeParse(undefined);
  const value: unknown = parsed.success ? parsed.data : undefined;
  if (value === undefined) return "none";
  if (Array.isArray(value) && value.length === 0) return "none";
  return `\`${typeof value === "object" ? JSON.stringify(value) : String(value)}\``;
}

function addressSection(): string {
  const connection = parameters.map(({ name, variable, taken, remark }) =>
    `| \`${name}\` | ${variable ? `\`${variable}\`` : "–"} | ${taken} | ${remark} |`
  );
  return `## The address of a server

\`DATABASE_URL\` is a connection string as psql takes it. All of these work:

\`\`\`text
postgres://holdfast:secret@db.example.org:5432/trading?sslmode=verify-full&sslrootcert=/etc/holdfast/ca.crt
postgres://holdfast@db/eu%20trades                            escapes in every part
postgres://holdfast@[2001:db8::1]:5432/trading                IPv6 in brackets
postgres:///trading?host=/run/postgresql                      a Unix socket, also as postgres://%2Frun%2Fpostgresql/trading
postgres://holdfast@db1,db2:5433/trading?target_session_attrs=read-write
host=db1,db2 dbname='eu trades' user=holdfast sslmode=require
service=trading                                               a section of ~/.pg_service.conf
postgres://                                                   all of it from PGHOST, PGUSER and so on
\`\`\`

What the string leaves out comes from its service, then from the environment, then from libpq's defaults; a password that
is nowhere comes from \`~/.pgpass\`. A name with several addresses and several hosts are tried in order, each for the connect
timeout; a host that did not answer is tried last for 30 seconds, and an address of a name until it answers. With
\`target_session_attrs\` each new connection goes to a server of that kind, so that Holdfast follows the writer after a
failover. Files are read at each connection: a renewed certificate or password is used without a restart. \`pg_dump\` gets the
same address, and the password by its environment.

\`verify-full\` compares the certificate with the host as given: a name with its DNS names, an address with its IP addresses
(or an equal DNS name); the common name counts only where the certificate has none of that kind. With \`hostaddr\` the name
in \`host\` counts.

Without \`DATABASE_URL\`, \`PGHOST\`, \`PGHOSTADDR\` or \`PGSERVICE\` name the server, and Holdfast says so in a line. Where the
data directory holds an embedded Postgres it asks instead: \`DATABASE_URL=postgres://\` means the server of the variables,
\`DATABASE_URL=embedded\` the embedded one.

A wrong password, role, database, host name or certificate ends a start in one line. Holdfast waits for a server that cannot be reached,
after a line that says so; commands other than \`serve\` and \`demo\` wait 8 seconds.

Every parameter of libpq 18, and its environment variable. "no effect" is read and left aside; "no" is refused by name, as
are parameters that do not exist.

| parameter | variable | taken | remark |
| --- | --- | --- | --- |
${connection.join("\n")}`;
}

function alertSection(): string {
  const rules = buildRules("production", []).map((rule) =>
    `| \`${rule.name}\` | ${rule.title} | ${rule.warning ?? "–"} | ${
      rule.critical ?? "–"
    } | ${rule.clear} | ${rule.for_seconds} |`
  );
  return `## Alert levels

Every level of every rule can be set as \`HOLDFAST_ALERT_<RULE>_<LEVEL>\`, where the level is \`WARNING\`, \`CRITICAL\`,
\`CLEAR\`, \`FOR_SECONDS\`, \`KEEP_FIRING_SECONDS\`, \`COOLDOWN_SECONDS\` or \`ENABLED\`; for example
\`HOLDFAST_ALERT_CONNECTION_POOL_WARNING=0.5\`. At run time, \`PUT /api/alerts/rules\` does the same, and lasts.
These are production's levels; \`HOLDFAST_PROFILE\` development and staging wait less and tolerate longer transactions.

| rule | meaning | warning | critical | clear | for, seconds |
| --- | --- | --- | --- | --- | --- |
${rules.join("\n")}`;
}

/** Renders docs/configuration.md from the schema of the settings, libpq's parameters and the shipped rules. */
export function renderConfiguration(): string {
  const rows = (Object.keys(settings) as SettingName[]).map((name) =>
    `| \`${name}\` | ${defaultOf(name)} | ${settings[name].about} Allowed: ${
      settings[name].allowed
    }. |`
  );
  return `# Configuration

<!-- Generated from config/config.ts, db/address/parameters.ts and services/alerts/rules/overrides.ts by \`deno task openapi\`; do not edit. -->

Settings come from the environment. \`HOLDFAST_CONFIG\` may name a JSON file with the same names; the environment
wins over it. A bad value stops the start with one line that names the setting, the value and what is allowed.

| setting | default | what it does |
| --- | --- | --- |
${rows.join("\n")}

${addressSection()}

${alertSection()}
`;
}

if (import.meta.main) {
  await Deno.writeTextFile(
    new URL("../docs/configuration.md", import.meta.url),
    renderConfiguration(),
  );
}
