/** One parameter of libpq's connection strings: whether Holdfast takes it, and with what meaning. */
export interface Parameter {
  name: string;
  /** The environment variable that gives it, where libpq has one. */
  variable?: string;
  /** `yes`; `no effect`: read and left aside; `no`: refused by name, since leaving it aside would change the meaning. */
  taken: "yes" | "no effect" | "no";
  remark: string;
  /** Returns what is allowed instead of `value`; undefined where it is allowed. */
  refusal?: (value: string) => string | undefined;
  secret?: boolean;
}

const oneOf = (...allowed: string[]) => (value: string) =>
  allowed.includes(value) ? undefined : `allowed: ${allowed.join(", ")}`;

const wholeFrom = (min: number, max: number) => (value: string) =>
  /^\s*-?\d+\s*$/.test(value) && Number(value) >= min && Number(value) <= max
    ? undefined
    : `allowed: a whole number from ${min} to ${max}`;

const anyInt = wholeFrom(-2_147_483_648, 2_147_483_647);

const yes = (
  name: string,
  variable: string | undefined,
  remark: string,
  more: Partial<Parameter> = {},
): Parameter => ({ name, ...(variable ? { variable } : {}), taken: "yes", remark, ...more });

const noEffect = (
  name: string,
  variable: string | undefined,
  remark: string,
  more: Partial<Parameter> = {},
): Parameter => ({ ...yes(name, variable, remark, more), taken: "no effect" });

/** Refused whatever its value, but for an empty one. */
const no = (name: string, variable: string | undefined, remark: string): Parameter => ({
  ...yes(name, variable, remark),
  taken: "no",
  refusal: () => remark,
});

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const tlsVersions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
export const sessionAttrs = [
  "any",
  "read-write",
  "read-only",
  "primary",
  "standby",
  "prefer-standby",
] as const;

/**
 * Every connection parameter of libpq 18 (manual, "Parameter Key Words"). The parser, the environment and the table in
 * docs/configuration.md are all derived from this list.
 */
export const parameters: readonly Parameter[] = [
  yes(
    "host",
    "PGHOST",
    "Names, addresses or socket directories, separated by commas; IPv6 in brackets in a URL. All addresses of a name are tried.",
  ),
  yes("hostaddr", "PGHOSTADDR", "Address to connect to; the certificate is checked for `host`."),
  yes("port", "PGPORT", "One port for all hosts, or one for each."),
  yes("dbname", "PGDATABASE", "Default: the user's name."),
  yes("user", "PGUSER", "Default: the name of the operating system's user."),
  yes("password", "PGPASSWORD", "Never shown, never in the arguments of a program.", {
    secret: true,
  }),
  yes(
    "passfile",
    "PGPASSFILE",
    "Default `~/.pgpass`. Left aside, as by libpq, where others may read the file.",
  ),
  yes("service", "PGSERVICE", "A section of the service file; what the URL says wins over it."),
  yes("servicefile", "PGSERVICEFILE", "Default `~/.pg_service.conf`, then that in `PGSYSCONFDIR`."),
  yes(
    "connect_timeout",
    "PGCONNECT_TIMEOUT",
    "Seconds for each address (at least 2); default 5, and 0 means the default, not for ever.",
    { refusal: anyInt },
  ),
  yes(
    "target_session_attrs",
    "PGTARGETSESSIONATTRS",
    "Checked at each new connection; one whose server changes its role is dropped and another host tried.",
    { refusal: oneOf(...sessionAttrs) },
  ),
  yes("load_balance_hosts", "PGLOADBALANCEHOSTS", "`random` tries hosts in random order.", {
    refusal: oneOf("disable", "random"),
  }),
  yes(
    "options",
    "PGOPTIONS",
    "Sent as it is. Settings that Holdfast fixes for its sessions win over it.",
  ),
  noEffect(
    "application_name",
    "PGAPPNAME",
    "Sessions bear Holdfast's own names (`holdfast`, `holdfast-monitor` and so on), by which it knows them.",
  ),
  noEffect("fallback_application_name", undefined, "As `application_name`."),
  noEffect(
    "client_encoding",
    "PGCLIENTENCODING",
    "Holdfast's sessions are always in UTF8.",
  ),
  yes("keepalives", undefined, "`0` turns TCP keepalives off.", { refusal: anyInt }),
  yes("keepalives_idle", undefined, "Seconds; default 10.", { refusal: anyInt }),
  noEffect("keepalives_interval", undefined, "The operating system's.", { refusal: anyInt }),
  noEffect("keepalives_count", undefined, "The operating system's.", { refusal: anyInt }),
  noEffect(
    "tcp_user_timeout",
    undefined,
    "Every statement has a deadline, after which its connection is dropped.",
    { refusal: anyInt },
  ),
  yes(
    "sslmode",
    "PGSSLMODE",
    "All six values, with libpq's meaning; default `prefer`. `require` with a root certificate checks as `verify-ca`.",
    { refusal: oneOf(...sslModes) },
  ),
  noEffect("requiressl", "PGREQUIRESSL", "Older than `sslmode`; libpq 14 dropped it.", {
    refusal: (value) => value === "1" ? "use sslmode=require" : undefined,
  }),
  yes("sslnegotiation", "PGSSLNEGOTIATION", "`direct` needs Postgres 17 and `sslmode=require`.", {
    refusal: oneOf("postgres", "direct"),
  }),
  noEffect("sslcompression", "PGSSLCOMPRESSION", "TLS is never compressed.", {
    refusal: oneOf("0", "1"),
  }),
  yes(
    "sslrootcert",
    "PGSSLROOTCERT",
    "File of trusted roots, or `system`; default `~/.postgresql/root.crt`. Without one, `verify-full` trusts the system's roots and `DENO_CERT`, `verify-ca` only `DENO_CERT`; `pg_dump`, which takes one file, gets `DENO_CERT`, else the system's.",
  ),
  yes("sslcert", "PGSSLCERT", "Client certificate; default `~/.postgresql/postgresql.crt`."),
  yes("sslkey", "PGSSLKEY", "Its key, in PEM; default `~/.postgresql/postgresql.key`.", {
    refusal: (value) =>
      /^[a-z]\w+:/i.test(value) ? "allowed: a file (no engine or provider)" : undefined,
  }),
  yes(
    "sslpassword",
    undefined,
    "Password of an encrypted `sslkey`; `pg_dump` cannot be given it.",
    { secret: true },
  ),
  yes("sslcertmode", "PGSSLCERTMODE", "`disable` sends no client certificate.", {
    refusal: oneOf("disable", "allow"),
  }),
  yes("sslsni", "PGSSLSNI", "`0` does not name the host in the handshake.", {
    refusal: oneOf("0", "1"),
  }),
  yes("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", "Never below TLSv1.2.", {
    refusal: oneOf(...tlsVersions),
  }),
  yes("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", "`TLSv1.2` or `TLSv1.3`.", {
    refusal: oneOf("TLSv1.2", "TLSv1.3"),
  }),
  no("sslcrl", "PGSSLCRL", "the TLS library does not check lists of revoked certificates"),
  no("sslcrldir", "PGSSLCRLDIR", "the TLS library does not check lists of revoked certificates"),
  no("sslkeylogfile", undefined, "Holdfast never writes TLS keys to a file"),
  no("requirepeer", "PGREQUIREPEER", "the owner of a server's socket cannot be asked for here"),
  no("require_auth", "PGREQUIREAUTH", "the driver answers whatever method the server asks for"),
  yes("channel_binding", "PGCHANNELBINDING", "The driver has none: `require` is refused.", {
    refusal: oneOf("disable", "prefer"),
  }),
  yes("gssencmode", "PGGSSENCMODE", "There is no GSSAPI here: `require` is refused.", {
    refusal: oneOf("disable", "prefer"),
  }),
  noEffect("krbsrvname", "PGKRBSRVNAME", "There is no GSSAPI here."),
  noEffect("gsslib", "PGGSSLIB", "There is no GSSAPI here."),
  noEffect("gssdelegation", "PGGSSDELEGATION", "There is no GSSAPI here."),
  yes("min_protocol_version", "PGMINPROTOCOLVERSION", "Holdfast speaks 3.0.", {
    refusal: oneOf("3.0"),
  }),
  noEffect("max_protocol_version", "PGMAXPROTOCOLVERSION", "Holdfast speaks 3.0."),
  no("replication", undefined, "Holdfast opens the replication sessions of its backups itself"),
  no("scram_client_key", undefined, "give the password instead"),
  no("scram_server_key", undefined, "give the password instead"),
  no("oauth_issuer", undefined, "the driver cannot log in by OAuth"),
  no("oauth_client_id", undefined, "the driver cannot log in by OAuth"),
  no("oauth_client_secret", undefined, "the driver cannot log in by OAuth"),
  no("oauth_scope", undefined, "the driver cannot log in by OAuth"),
];

const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));

export function parameterOf(name: string): Parameter | undefined {
  return byName.get(name);
}
