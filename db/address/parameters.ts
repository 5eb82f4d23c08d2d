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
  yes("hostaddr", "PGHOSTADDR", "Address to connect to. The certificate is compared with `host`."),
  yes("port", "PGPORT", "One port for all hosts, or one for each."),
  yes("dbname", "PGDATABASE", "Default: the user's name."),
  yes("user", "PGUSER", "Default: the name of the operating system's user."),
  yes(
    "password",
    "PGPASSWORD",
    "Holdfast never shows it, and never passes it as an argument of a program.",
    {
      secret: true,
    },
  ),
  yes(
    "passfile",
    "PGPASSFILE",
    "Default `~/.pgpass`. Ignored, as by libpq, if other users may read the file.",
  ),
  yes(
    "service",
    "PGSERVICE",
    "A section of the service file. Parameters in the URL take precedence.",
  ),
  yes(
    "servicefile",
    "PGSERVICEFILE",
    "Default `~/.pg_service.conf`, then `pg_service.conf` in `PGSYSCONFDIR`.",
  ),
  yes(
    "connect_timeout",
    "PGCONNECT_TIMEOUT",
    "Seconds for each address (at least 2). Default 5; 0 means the default, not without limit.",
    { refusal: anyInt },
  ),
  yes(
    "target_session_attrs",
    "PGTARGETSESSIONATTRS",
    "Checked at each new connection. If a server changes its role, its connections are dropped and other hosts are tried.",
    { refusal: oneOf(...sessionAttrs) },
  ),
  yes("load_balance_hosts", "PGLOADBALANCEHOSTS", "`random` tries hosts in random order.", {
    refusal: oneOf("disable", "random"),
  }),
  yes(
    "options",
    "PGOPTIONS",
    "Sent unchanged. Settings that Holdfast sets for its sessions take precedence.",
  ),
  noEffect(
    "application_name",
    "PGAPPNAME",
    "Sessions have Holdfast's own names (`holdfast`, `holdfast-monitor` and so on), by which Holdfast recognises them.",
  ),
  noEffect("fallback_application_name", undefined, "As `application_name`."),
  noEffect(
    "client_encoding",
    "PGCLIENTENCODING",
    "Always UTF8.",
  ),
  yes("keepalives", undefined, "`0` turns TCP keepalives off.", { refusal: anyInt }),
  yes("keepalives_idle", undefined, "Seconds; default 10.", { refusal: anyInt }),
  noEffect("keepalives_interval", undefined, "The operating system's value applies.", {
    refusal: anyInt,
  }),
  noEffect("keepalives_count", undefined, "The operating system's value applies.", {
    refusal: anyInt,
  }),
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
  noEffect("requiressl", "PGREQUIRESSL", "Predecessor of `sslmode`; libpq 14 removed it.", {
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
    "File of trusted roots, or `system`. Default `~/.postgresql/root.crt`. If there is none, `verify-full` trusts the system's roots and those in `DENO_CERT`; `verify-ca` trusts `DENO_CERT` only. `pg_dump` accepts one file: it gets `DENO_CERT`, or the system's roots.",
  ),
  yes("sslcert", "PGSSLCERT", "Client certificate; default `~/.postgresql/postgresql.crt`."),
  yes(
    "sslkey",
    "PGSSLKEY",
    "Key of the client certificate, in PEM. Default `~/.postgresql/postgresql.key`.",
    {
      refusal: (value) =>
        /^[a-z]\w+:/i.test(value) ? "allowed: a file (no engine or provider)" : undefined,
    },
  ),
  yes(
    "sslpassword",
    undefined,
    "Password of an encrypted `sslkey`. Holdfast cannot pass it to `pg_dump`.",
    { secret: true },
  ),
  yes("sslcertmode", "PGSSLCERTMODE", "`disable` sends no client certificate.", {
    refusal: oneOf("disable", "allow"),
  }),
  yes("sslsni", "PGSSLSNI", "`0` does not name the host in the handshake.", {
    refusal: oneOf("0", "1"),
  }),
  yes(
    "ssl_min_protocol_version",
    "PGSSLMINPROTOCOLVERSION",
    "Values below TLSv1.2 are treated as TLSv1.2.",
    {
      refusal: oneOf(...tlsVersions),
    },
  ),
  yes("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", "`TLSv1.2` or `TLSv1.3`.", {
    refusal: oneOf("TLSv1.2", "TLSv1.3"),
  }),
  no("sslcrl", "PGSSLCRL", "the TLS library does not check lists of revoked certificates"),
  no("sslcrldir", "PGSSLCRLDIR", "the TLS library does not check lists of revoked certificates"),
  no("sslkeylogfile", undefined, "Holdfast never writes TLS keys to a file"),
  no("requirepeer", "PGREQUIREPEER", "the runtime cannot read the owner of the server's socket"),
  no("require_auth", "PGREQUIREAUTH", "the driver uses whatever method the server requires"),
  yes(
    "channel_binding",
    "PGCHANNELBINDING",
    "The driver does not support it: `require` is refused.",
    {
      refusal: oneOf("disable", "prefer"),
    },
  ),
  yes("gssencmode", "PGGSSENCMODE", "GSSAPI is not supported: `require` is refused.", {
    refusal: oneOf("disable", "prefer"),
  }),
  noEffect("krbsrvname", "PGKRBSRVNAME", "GSSAPI is not supported."),
  noEffect("gsslib", "PGGSSLIB", "GSSAPI is not supported."),
  noEffect("gssdelegation", "PGGSSDELEGATION", "GSSAPI is not supported."),
  yes("min_protocol_version", "PGMINPROTOCOLVERSION", "Holdfast uses protocol 3.0.", {
    refusal: oneOf("3.0"),
  }),
  noEffect("max_protocol_version", "PGMAXPROTOCOLVERSION", "Holdfast uses protocol 3.0."),
  no("replication", undefined, "Holdfast opens the replication sessions of its backups itself"),
  no("scram_client_key", undefined, "give the password instead"),
  no("scram_server_key", undefined, "give the password instead"),
  no("oauth_issuer", undefined, "the driver does not support OAuth"),
  no("oauth_client_id", undefined, "the driver does not support OAuth"),
  no("oauth_client_secret", undefined, "the driver does not support OAuth"),
  no("oauth_scope", undefined, "the driver does not support OAuth"),
];

const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));

export function parameterOf(name: string): Parameter | undefined {
  return byName.get(name);
}
