import type { Host, TlsSettings } from "./address.ts";
import { formatKeywords } from "./grammar.ts";
import { addressOf, type Target } from "./target.ts";
import { findSystemRoots } from "./tls.ts";

/** Parameters that the programs of every supported version know; of the rest none changes where a connection leads. */
const passedOn = new Set([
  "host",
  "hostaddr",
  "port",
  "dbname",
  "user",
  "passfile",
  "connect_timeout",
  "target_session_attrs",
  "options",
  "keepalives",
  "keepalives_idle",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslsni",
  "ssl_min_protocol_version",
  "ssl_max_protocol_version",
  "channel_binding",
  "gssencmode",
]);

const only = (hosts: readonly Host[]) => {
  const [first, ...rest] = new Set(hosts.map(({ password }) => password));
  return rest.length === 0 ? first : undefined;
};

/**
 * Returns the file of roots for a program, which must be given one to verify with, and before version 16 does not know
 * `system`; undefined for its default.
 */
function rootCertOf(target: Target, { mode, rootCert }: TlsSettings): string | undefined {
  if (rootCert && rootCert !== "system") return rootCert;
  if (mode !== "verify-full") return rootCert;
  const own = target.kind === "url" && !rootCert ? target.env?.DENO_CERT : undefined;
  return own || (findSystemRoots()?.path ?? rootCert);
}

/**
 * Returns what a program of Postgres, such as pg_dump, is given to reach a target: a connection string without secrets
 * for its arguments, which everybody on the machine can read, and the password for its environment.
 */
export function forPrograms(target: Target): { conninfo: string; env: Record<string, string> } {
  const { hosts, given, database, user, tls } = addressOf(target);
  const settings = new Map([...given].filter(([name]) => passedOn.has(name)));
  settings.set("dbname", database).set("user", user).set(
    "port",
    hosts.map(({ port }) => port).join(","),
  );
  settings.set("host", hosts.map(({ name }) => name).join(","));
  if (!hosts.some(({ socket }) => socket)) settings.set("sslmode", tls.mode);
  const rootCert = rootCertOf(target, tls);
  if (rootCert) settings.set("sslrootcert", rootCert);
  if (tls.cert) settings.set("sslcert", tls.cert);
  if (tls.key) settings.set("sslkey", tls.key);
  // One password for all goes by the environment; different ones stay in the password file that they are from.
  const password = only(hosts);
  return {
    conninfo: formatKeywords(settings),
    env: password === undefined ? {} : { PGPASSWORD: password },
  };
}
