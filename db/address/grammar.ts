import { StartError } from "../../errors.ts";
import { parameterOf } from "./parameters.ts";

/** Parameters of one source, by name. */
export type Settings = Map<string, string>;

const refuse = (what: string): never => {
  throw new StartError(`DATABASE_URL: ${what}`);
};

/** Decodes %XX; a lone percent sign is an error, as in libpq. */
function decode(text: string, where: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) {
    refuse(`a percent sign in ${where} stands for itself only as %25`);
  }
  if (text.includes("%00")) refuse(`${where} holds %00, which no value may`);
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse(`the bytes escaped in ${where} are not UTF-8`);
  }
}

/** Splits `a:1,[::1]:2` into hosts and ports; a port is empty where none is given. */
function splitHosts(text: string): { hosts: string[]; ports: string[] } {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const part of text.split(",")) {
    const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(part);
    if (!match) {
      return refuse("a host or port is malformed; allowed: host:port or [IPv6]:port, by commas");
    }
    hosts.push(decode(match[1] ?? match[2] ?? "", "the host"));
    ports.push(match[3] ?? "");
  }
  return { hosts, ports };
}

/** Parses `postgres://user:password@host:port,host:port/dbname?name=value`. */
function parseUrl(text: string): Settings {
  const settings: Settings = new Map();
  const rest = text.slice(text.indexOf("://") + 3);
  const end = rest.search(/[/?]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  const tail = end === -1 ? "" : rest.slice(end);
  // The last @: an unescaped one in a password is forgiven.
  const at = authority.lastIndexOf("@");
  const set = (name: string, value: string) => void (value !== "" && settings.set(name, value));
  if (at !== -1) {
    const login = authority.slice(0, at);
    const colon = login.indexOf(":");
    set("user", decode(colon === -1 ? login : login.slice(0, colon), "the user"));
    if (colon !== -1) set("password", decode(login.slice(colon + 1), "the password"));
  }
  const { hosts, ports } = splitHosts(authority.slice(at + 1));
  if (hosts.some((host) => host !== "")) settings.set("host", hosts.join(","));
  if (ports.some((port) => port !== "")) settings.set("port", ports.join(","));
  const question = tail.indexOf("?");
  const path = question === -1 ? tail : tail.slice(0, question);
  set("dbname", decode(path.slice(1), "the database's name"));
  const query = question === -1 ? "" : tail.slice(question + 1);
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const [key = "", value, more] = pair.split("=");
    const name = decode(key, "a parameter's name");
    if (value === undefined || more !== undefined) {
      return refuse(`parameter "${name}" is malformed; allowed: name=value, with = in it as %3D`);
    }
    // JDBC's, which libpq takes too.
    if (name === "ssl" && value === "true") settings.set("sslmode", "require");
    else settings.set(name, decode(value, name));
  }
  return settings;
}

/** Parses `host=db dbname='my trades'`. */
function parseKeywords(text: string): Settings {
  const settings: Settings = new Map();
  const pair =
    /\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\[^])*)'(?=\s|$)|((?!')(?:[^\s\\]|\\[^])*)(?=\s|$))/y;
  const end = text.trimEnd().length;
  while (pair.lastIndex < end) {
    const at = pair.lastIndex;
    const match = pair.exec(text);
    if (!match) {
      return refuse(
        `it is malformed from character ${
          at + 1
        } on; allowed: name=value pairs with values in single quotes where they hold spaces, or a URL`,
      );
    }
    settings.set(match[1] ?? "", (match[2] ?? match[3] ?? "").replace(/\\([^])/g, "$1"));
  }
  return settings;
}

/**
 * Parses what libpq takes as a connection string: a URL or keywords with values. Throws a StartError that names the
 * parameter that is unknown or malformed, and never a password.
 */
export function parseConnectionString(text: string): Settings {
  const settings = /^postgres(ql)?:\/\//.test(text) ? parseUrl(text) : parseKeywords(text);
  for (const name of settings.keys()) {
    if (parameterOf(name)) continue;
    return refuse(
      name === "ssl"
        ? "ssl takes only true; use sslmode"
        : `there is no connection parameter ${
          JSON.stringify(name.slice(0, 60))
        }; docs/configuration.md lists those there are`,
    );
  }
  return settings;
}

/** Writes settings as keywords and values, such as `host='db' dbname='my trades'`. */
export function formatKeywords(settings: Iterable<readonly [string, string]>): string {
  return Array.from(
    settings,
    ([name, value]) => `${name}='${value.replace(/[\\']/g, "\\$&")}'`,
  ).join(" ");
}

/** Returns the settings of one section of a service file; undefined where it has no such section. */
export function parseServiceFile(text: string, service: string): Settings | undefined {
  let settings: Settings | undefined;
  let inside = false;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (settings) break;
      inside = line === `[${service}]`;
      if (inside) settings = new Map();
      continue;
    }
    if (!inside) continue;
    const equals = line.indexOf("=");
    const name = line.slice(0, Math.max(0, equals)).trim();
    if (!parameterOf(name) || name === "service" || name === "servicefile") {
      return refuse(
        `service "${service}" has a line that is no connection parameter: ${
          JSON.stringify(name.slice(0, 60))
        }`,
      );
    }
    settings?.set(name, line.slice(equals + 1).trim());
  }
  return settings;
}

/** Returns the password of the first line of a password file that fits; undefined where none does. */
export function findPassword(
  text: string,
  wanted: { host: string; port: string; database: string; user: string },
): string | undefined {
  const fields = [wanted.host, wanted.port, wanted.database, wanted.user];
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const parts = /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.*)$/
      .exec(line)?.slice(1);
    if (!parts) continue;
    const fits = fields.every((field, at) =>
      parts[at] === "*" || parts[at]?.replace(/\\(.)/g, "$1") === field
    );
    if (fits) return parts[4]?.replace(/\\(.)/g, "$1");
  }
  return undefined;
}
