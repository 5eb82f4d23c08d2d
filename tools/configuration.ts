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

\`DATABASE_URL\` is a connection string as psql accepts it. All of these work:

\`\`\`text
postgres://holdfast:secret@db.example.org:5432/trading?sslmode=verify-full&sslrootcert=/etc/holdfast/ca.crt
postgres://holdfast@db/eu%20trades                            percent-encoding, in every part
postgres://holdfast@[2001:db8::1]:5432/trading                IPv6 in brackets
postgres:///trading?host=/run/postgresql                      a Unix socket, also as postgres://%2Frun%2Fpostgresql/trading
postgres://holdfast@db1,db2:5433/trading?target_session_attrs=read-write
host=db1,db2 dbname='eu trades' user=holdfast sslmode=require
service=trading                                               a section of ~/.pg_service.conf
postgres://                                                   everything from PGHOST, PGUSER and so on
\`\`\`

A parameter that the string does not contain is taken from the service, then from the environment, then from libpq's
defaults. A password that none of these gives is read from \`~/.pgpass\`.

Several hosts, and several addresses of one name, are tried in order, each for the connect timeout. A host that did not
answer is tried last for the next 30 seconds. An address of a name that did not answer is tried last until it answers.
With \`target_session_attrs\`, each new connection goes to a server of that kind, so Holdfast follows the primary after a
failover.

Files are read at each connection, so a renewed certificate or password is used without a restart. \`pg_dump\` gets the
same address. Its password is passed in the environment, not as an argument.

\`verify-full\` compares the host as given with the certificate: a name with its DNS names, an address with its IP addresses
(or an equal DNS name). The common name is used only if the certificate has no alternative name of that kind. If
\`hostaddr\` is given, the certificate is compared with \`host\`.

If \`DATABASE_URL\` is not set, \`PGHOST\`, \`PGHOSTADDR\` or \`PGSERVICE\` names the server, and Holdfast logs which. If one of
these is set and the data directory holds an embedded Postgres, the choice is ambiguous and Holdfast does not start. Set
\`DATABASE_URL=postgres://\` for the server of the variables, or \`DATABASE_URL=embedded\` for the embedded one.

If the password, role, database, host name or certificate is wrong, Holdfast exits with one line that says so. If the
server cannot be reached, \`serve\` and \`demo\` log one line and wait for it; other commands wait 8 seconds.

The table lists every parameter of libpq 18, and its environment variable. A parameter with "no effect" is accepted and
ignored. A parameter with "no" is refused by name, as is any that does not exist.

| parameter | variable | supported | remark |
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
\`HOLDFAST_ALERT_CONNECTION_POOL_WARNING=0.5\`. \`PUT /api/alerts/rules\` changes a level at run time, and the change is kept
across restarts. The table shows the levels of the profile \`production\`. The profiles \`development\` and \`staging\` fire
after shorter times and differ for long transactions ([runbook](runbook.md)). The unit of a level is that
of the rule's metric.

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
takes precedence. If a value is not allowed, Holdfast does not start; one line names the setting, the value and what is
allowed.

| setting | default | meaning |
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
