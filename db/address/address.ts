import { isIP } from "node:net";
import { StartError } from "../../errors.ts";
import { findPassword, parseConnectionString, parseServiceFile, type Settings } from "./grammar.ts";
import { parameters, sessionAttrs } from "./parameters.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";
export type SessionAttrs = typeof sessionAttrs[number];

/** What reading an address needs of the machine; every path may be missing. */
export interface Machine {
  env: Environment;
  home: string;
  userName(): string;
  /** Returns a file's text, or undefined where there is none or it may not be read. */
  readFile(path: string): string | undefined;
  exists(path: string): boolean;
  /** Says whether others than the owner may read a file. */
  isOpenToOthers(path: string): boolean;
}

/** One place a server may be at. */
export interface Host {
  /** The name, address or socket directory as given: what a certificate is checked for. */
  name: string;
  /** The address to connect to instead of the name, where one was given. */
  address?: string;
  port: number;
  /** The socket's path, where the host is a directory. */
  socket?: string;
  password?: string;
}

export interface TlsSettings {
  mode: SslMode;
  direct: boolean;
  /** Path of the trusted roots; `system`, or undefined for none. */
  rootCert?: string;
  cert?: string;
  key?: string;
  keyPassword?: string;
  sni: boolean;
  minVersion?: string;
  maxVersion?: string;
}

/** Where a server is and how to log in to it, with every default filled in. */
export interface Address {
  hosts: Host[];
  database: string;
  user: string;
  tls: TlsSettings;
  attrs: SessionAttrs;
  /** Random order of hosts. */
  balance: boolean;
  /** Milliseconds for each address; undefined for the caller's default. */
  connectTimeoutMs?: number;
  /** Seconds of silence before the first keepalive; undefined for none. */
  keepaliveSeconds?: number;
  options?: string;
  /** A remark for the operator, such as a password file that was left aside. */
  remark?: string;
  /** What was given, for programs of Postgres; without secrets. */
  given: Settings;
}

const refuse = (what: string): never => {
  throw new StartError(`DATABASE_URL: ${what}`);
};

/** Merges the string, its service and the environment, in libpq's order. Throws for a value that is not taken. */
function gather(text: string, machine: Machine): Settings {
  const { env } = machine;
  const settings: Settings = new Map();
  const origin = new Map<string, string>();
  const add = (more: Iterable<readonly [string, string]>, from: (name: string) => string) => {
    for (const [name, value] of more) {
      if (value === "" || settings.has(name)) continue;
      settings.set(name, value);
      origin.set(name, from(name));
    }
  };
  add(parseConnectionString(text), (name) => name);
  const service = settings.get("service") ?? env.PGSERVICE;
  if (service) {
    const file = settings.get("servicefile") ?? env.PGSERVICEFILE;
    const files = file ? [file] : [
      `${machine.home}/.pg_service.conf`,
      `${env.PGSYSCONFDIR ?? "/etc/postgresql-common"}/pg_service.conf`,
    ];
    const found = files.map((path) => machine.readFile(path))
      .map((content) => content === undefined ? undefined : parseServiceFile(content, service))
      .find((section) => section !== undefined);
    if (!found) {
      return refuse(`there is no service ${JSON.stringify(service)} in ${files.join(" or ")}`);
    }
    add(found, (name) => `${name} of service ${JSON.stringify(service)}`);
  }
  for (const { name, variable } of parameters) {
    const value = variable && env[variable];
    if (value && name !== "requiressl") add([[name, value]], () => variable ?? name);
  }
  for (const { name, refusal, secret } of parameters) {
    const value = settings.get(name);
    const problem = value === undefined ? undefined : refusal?.(value);
    if (problem === undefined) continue;
    const shown = secret ? "" : ` is ${JSON.stringify(value?.slice(0, 100))}`;
    return refuse(`${origin.get(name)}${shown}; ${problem}`);
  }
  return settings;
}

/** The directories where Postgres makes its sockets: as built by the Postgres project's packages, and by default. */
const socketDirectories = ["/var/run/postgresql", "/tmp"];

function listHosts(settings: Settings, machine: Machine): Host[] {
  const list = (name: string) => settings.get(name)?.split(",").map((part) => part.trim()) ?? [];
  const [names, addresses, ports] = [list("host"), list("hostaddr"), list("port")];
  const count = Math.max(1, names.length, addresses.length);
  if (names.length > 0 && addresses.length > 0 && names.length !== addresses.length) {
    return refuse(
      `${names.length} in host and ${addresses.length} in hostaddr; allowed: as many of one as of the other`,
    );
  }
  if (ports.length > 1 && ports.length !== count) {
    return refuse(`${ports.length} ports for ${count} hosts; allowed: one, or one for each`);
  }
  return Array.from({ length: count }, (_, at) => {
    const givenPort = (ports.length > 1 ? ports[at] : ports[0]) || "5432";
    const port = Number(givenPort);
    if (!/^\d+$/.test(givenPort) || port < 1 || port > 65_535) {
      return refuse(`port is ${JSON.stringify(givenPort.slice(0, 20))}; allowed: 1 to 65535`);
    }
    const file = `.s.PGSQL.${port}`;
    const address = addresses[at];
    const name = names[at] || address ||
      (socketDirectories.find((path) => machine.exists(`${path}/${file}`)) ?? "localhost");
    if (name.startsWith("@")) {
      return refuse("host is an abstract socket, which cannot be used here");
    }
    if (address && isIP(address) === 0) {
      return refuse(`hostaddr is ${JSON.stringify(address)}; allowed: an IP address`);
    }
    return {
      name,
      port,
      ...(address ? { address } : {}),
      ...(name.startsWith("/") && !address ? { socket: `${name}/${file}` } : {}),
    };
  });
}

function readTls(settings: Settings, { home, env, exists }: Machine): TlsSettings {
  const folder = `${home}/.postgresql`;
  const own = (name: string) => exists(`${folder}/${name}`) ? `${folder}/${name}` : undefined;
  const given = settings.get("sslrootcert");
  const mode =
    (settings.get("sslmode") ?? (given === "system" ? "verify-full" : "prefer")) as SslMode;
  if (given === "system" && mode !== "verify-full") {
    return refuse(`sslmode is "${mode}" with sslrootcert=system; allowed: verify-full`);
  }
  const verifies = mode.startsWith("verify");
  // libpq goes on without a root certificate that is not there, unless it is to verify.
  const found = given === "system" || (given && exists(given))
    ? given
    : given
    ? undefined
    : own("root.crt");
  if (verifies && given && !found) {
    return refuse(`sslrootcert is ${JSON.stringify(given)}, which cannot be read`);
  }
  const rootCert = found ?? (mode === "verify-ca" ? env.DENO_CERT : undefined);
  if (mode === "verify-ca" && !rootCert) {
    return refuse(
      "sslmode=verify-ca needs the authority's certificate: set sslrootcert (or PGSSLROOTCERT) to its file",
    );
  }
  const direct = settings.get("sslnegotiation") === "direct";
  if (direct && ["disable", "allow", "prefer"].includes(mode)) {
    return refuse(`sslnegotiation=direct with sslmode=${mode}; allowed: require or stricter`);
  }
  const sends = settings.get("sslcertmode") !== "disable";
  const cert = sends ? settings.get("sslcert") ?? own("postgresql.crt") : undefined;
  const key = settings.get("sslkey") ?? own("postgresql.key");
  const optional = {
    rootCert,
    ...(cert && (settings.has("sslcert") || key) ? { cert, key } : {}),
    keyPassword: settings.get("sslpassword"),
    minVersion: settings.get("ssl_min_protocol_version"),
    maxVersion: settings.get("ssl_max_protocol_version"),
  };
  return {
    mode,
    direct,
    sni: settings.get("sslsni") !== "0",
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** Adds to each host the password for it; returns a remark where the file was left aside. */
function addPasswords(
  hosts: Host[],
  { settings, machine, database, user }: {
    settings: Settings;
    machine: Machine;
    database: string;
    user: string;
  },
): string | undefined {
  const password = settings.get("password");
  if (password !== undefined) {
    for (const host of hosts) host.password = password;
    return undefined;
  }
  const path = settings.get("passfile") ?? `${machine.home}/.pgpass`;
  const text = machine.readFile(path);
  if (text === undefined) return undefined;
  if (machine.isOpenToOthers(path)) {
    return `${path} is left aside: others may read it (chmod 600 ${path})`;
  }
  for (const host of hosts) {
    const byDefault = host.socket && socketDirectories.some((folder) => host.name === folder);
    const found = findPassword(text, {
      host: byDefault ? "localhost" : host.name,
      port: String(host.port),
      database,
      user,
    });
    if (found !== undefined) host.password = found;
  }
  return undefined;
}

/**
 * Reads an address as libpq would: the string (a URL, or keywords with values), then its service, then the
 * environment, then the defaults. Throws a StartError of one line that names what is wrong; it never quotes a password.
 */
export function readAddress(text: string, machine: Machine): Address {
  const settings = gather(text, machine);
  const user = settings.get("user") ?? machine.userName();
  const database = settings.get("dbname") ?? user;
  const hosts = listHosts(settings, machine);
  const remark = addPasswords(hosts, { settings, machine, database, user });
  const seconds = Number(settings.get("connect_timeout") ?? 0);
  const idle = Number(settings.get("keepalives_idle") ?? 0);
  const options = settings.get("options");
  const passfile = `${machine.home}/.pgpass`;
  const given = new Map(
    machine.exists(passfile) ? [["passfile", passfile], ...settings] : settings,
  );
  for (const { name, secret } of parameters) if (secret) given.delete(name);
  return {
    hosts,
    database,
    user,
    tls: readTls(settings, machine),
    attrs: (settings.get("target_session_attrs") ?? "any") as SessionAttrs,
    balance: settings.get("load_balance_hosts") === "random",
    ...(seconds > 0 ? { connectTimeoutMs: Math.max(2, seconds) * 1000 } : {}),
    ...(settings.get("keepalives") === "0" ? {} : { keepaliveSeconds: idle > 0 ? idle : 10 }),
    ...(options ? { options } : {}),
    ...(remark ? { remark } : {}),
    given,
  };
}

/** Returns a host as a person writes it, such as `db:5432`, `[::1]:5432` or a socket's path. */
export function hostLabel({ name, port, socket }: Host): string {
  return socket ?? (name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`);
}

/** Returns where an address leads, without secrets, such as `db1:5432,db2:5432/trading as user holdfast`. */
export function addressLabel({ hosts, database, user }: Address): string {
  return `${hosts.map(hostLabel).join(",")}/${database} as user ${user}`;
}
